/* SPDX-License-Identifier: Apache-2.0
 * columns.c - columns with their roles, and the cells of a row by role.
 *
 * Most roles are one column's. Several columns may hold numbers, and several may say that somebody wants nothing
 * more: those keep their roles all of them. Of the others the one with the highest rank keeps it, the first of
 * equals. */
#include "core/columns_impl.h"

static const char *const words[COLUMN_ROLES] = {
    [COLUMN_NONE] = "ignore",
    [COLUMN_PHONE] = "phone",
    [COLUMN_COUNTRY] = "country",
    [COLUMN_CALLING_CODE] = "calling_code",
    [COLUMN_USER_ID] = "user_id",
    [COLUMN_NAME] = "name",
    [COLUMN_FIRST_NAME] = "first_name",
    [COLUMN_LAST_NAME] = "last_name",
    [COLUMN_EMAIL] = "email",
    [COLUMN_LANG] = "lang",
    [COLUMN_ZONE] = "zone",
    [COLUMN_TAGS] = "tags",
    [COLUMN_CREATED_AT] = "created_at",
    [COLUMN_STATUS] = "status",
    [COLUMN_UNSUBSCRIBED] = "unsubscribed",
    [COLUMN_SMS_UNSUBSCRIBED] = "sms_unsubscribed",
    [COLUMN_EMAIL_CONSENT] = "email_consent",
    [COLUMN_SMS_CONSENT] = "sms_consent",
    [COLUMN_WHATSAPP_CONSENT] = "whatsapp_consent",
    [COLUMN_CONSENT] = "consent",
    [COLUMN_ACT] = "consent_act",
    [COLUMN_AT] = "consent_at",
    [COLUMN_METHOD] = "consent_method",
    [COLUMN_WORDING] = "consent_wording",
    [COLUMN_LANGUAGE] = "consent_language",
    [COLUMN_EVIDENCE] = "consent_evidence",
    [COLUMN_WORDING_HASH] = "wording_sha256",
    [COLUMN_EXPIRES] = "consent_expires",
    [COLUMN_BUSINESS] = "business",
    [COLUMN_POLICY] = "policy",
    [COLUMN_JURISDICTION] = "jurisdiction",
    [COLUMN_ERROR] = "error",
};

const char *column_role_word(enum column_role r)
{
    return words[r];
}

int column_role_of_word(struct str word)
{
    for (int i = 0; i < COLUMN_ROLES; i++)
        if (str_eq(word, str_of(words[i])))
            return i;
    return -1;
}

/* Roles that several columns may have. */
static bool shared(uint8_t role)
{
    return role == COLUMN_NONE || role == COLUMN_PHONE || (role >= COLUMN_STATUS && role <= COLUMN_WHATSAPP_CONSENT);
}

/* Ours: two of them contradict each other. */
static bool single(uint8_t role)
{
    return role >= COLUMN_CONSENT && role < COLUMN_ERROR;
}

/* What a person said comes before everything, in the order it was said. */
static unsigned weight(const struct column *w)
{
    return (w->reason == COLUMN_BY_ORDER ? 256u : 0u) + w->rank;
}

static int better(const struct columns *c, int a, size_t b)
{
    return a < 0 || weight(&c->column[b]) > weight(&c->column[a]) ? (int)b : a;
}

static void add_phone(struct columns *c, size_t i)
{
    size_t at = c->phones < COLUMNS_PHONES ? c->phones++ : COLUMNS_PHONES;
    for (; at > 0; at--) {
        if (better(c, c->phone[at - 1], i) != (int)i)
            break;
        if (at < COLUMNS_PHONES)
            c->phone[at] = c->phone[at - 1];
    }
    if (at < COLUMNS_PHONES)
        c->phone[at] = (int)i;
}

void columns_arrange(struct columns *c)
{
    memset(c->at, -1, sizeof c->at);
    c->phones = 0;
    for (size_t i = 0; i < c->n; i++) {
        uint8_t role = c->column[i].role;
        if (role == COLUMN_NONE)
            continue;
        if (role == COLUMN_PHONE)
            add_phone(c, i);
        c->at[role] = better(c, c->at[role], i);
    }
}

/* Those that lost their role to another. */
static void drop_losers(struct columns *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct column *w = &c->column[i];
        if (!shared(w->role) && c->at[w->role] != (int)i)
            w->role = COLUMN_NONE;
    }
}

/* "Nom" beside "Prénom" is a family name, "Nombre" beside "Apellido" a given one. */
static void tell_names(struct columns *c, const struct header_words *h)
{
    static const char *const family[] = {"nom", "name", "naam", "navn", "namn"};
    int name = c->at[COLUMN_NAME], first = c->at[COLUMN_FIRST_NAME], last = c->at[COLUMN_LAST_NAME];
    if (name < 0 || (first < 0) == (last < 0))
        return;
    if (first < 0) {
        if (c->column[name].rank < 80) /* one of the short words */
            c->column[name].role = COLUMN_FIRST_NAME;
    } else if (strcmp(h[first].whole, "firstname") != 0) {
        for (size_t i = 0; i < sizeof family / sizeof family[0]; i++)
            if (strcmp(h[name].whole, family[i]) == 0)
                c->column[name].role = COLUMN_LAST_NAME;
    }
    columns_arrange(c);
}

static int twice(const struct columns *c, struct err *e)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct column *w = &c->column[i];
        int at = c->at[w->role];
        if (single(w->role) && at != (int)i)
            return err_set(e, WL_EINVAL, "the columns \"%.*s\" and \"%.*s\" both mean %s",
                           (int)str_clip(c->column[at].name, 60).n, c->column[at].name.p, (int)str_clip(w->name, 60).n,
                           w->name.p, words[w->role]);
    }
    return 0;
}

static int begin(struct columns *c, struct arena *a, size_t n, struct err *e)
{
    memset(c, 0, sizeof *c);
    c->arena = a;
    c->n = n;
    c->column = arena_new_array(a, struct column, n + 1);
    if (c->column == NULL)
        return err_set(e, WL_ENOMEM, "the header has too many columns");
    return 0;
}

int columns_read(struct arena *a, const struct table_row *header, const struct table_cell *cells, struct columns *ret,
                 struct err *e)
{
    int rc = begin(ret, a, header->cells, e);
    struct header_words *h = rc == 0 ? arena_new_array(a, struct header_words, header->cells + 1) : NULL;
    if (rc == 0 && h == NULL)
        rc = err_set(e, WL_ENOMEM, "the header has too many columns");
    for (size_t i = 0; rc == 0 && i < header->cells; i++) {
        const struct table_cell *cell = &cells[header->cell + i];
        char *room = arena_alloc(a, (size_t)cell->n + 1);
        if (room == NULL)
            return err_set(e, WL_ENOMEM, "the header is too long");
        struct str name = table_cell_text(cell, room);
        memmove(room, name.p, name.n);
        ret->column[i].name = (struct str){room, name.n};
        if (header_fold(ret->column[i].name, &h[i]))
            column_by_name(&h[i], &ret->column[i]);
        else
            h[i].whole[0] = '\0';
    }
    if (rc != 0)
        return rc;
    columns_preset(ret, h);
    columns_arrange(ret);
    if ((rc = twice(ret, e)) != 0)
        return rc;
    tell_names(ret, h);
    drop_losers(ret);
    return 0;
}

int columns_headless(struct arena *a, size_t n, struct columns *ret, struct err *e)
{
    int rc = begin(ret, a, n, e);
    ret->headless = true;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char *name = arena_printf(a, "%zu", i + 1);
        if (name == NULL)
            return err_set(e, WL_ENOMEM, "there are too many columns");
        ret->column[i].name = str_of(name);
    }
    columns_arrange(ret);
    return rc;
}

/* "Phone#2": the second column called "Phone". */
static int place_of_repeated(const struct columns *c, struct str column)
{
    size_t at = column.n;
    int64_t n = 0;
    while (at > 0 && column.p[at - 1] != '#')
        at--;
    if (at < 2 || !str_i64((struct str){column.p + at, column.n - at}, &n) || n < 2)
        return -1;
    for (size_t i = 0; i < c->n; i++)
        if (str_eq(c->column[i].name, (struct str){column.p, at - 1}) && --n == 0)
            return (int)i;
    return -1;
}

static int place_of(const struct columns *c, struct str column)
{
    int64_t n;
    for (size_t i = 0; i < c->n; i++)
        if (str_eq(c->column[i].name, column))
            return (int)i;
    for (size_t i = 0; i < c->n; i++)
        if (str_ieq(c->column[i].name, column))
            return (int)i;
    struct str digits = {column.p + 1, column.n - 1};
    bool numbered = column.n > 1 && column.p[0] == '#' && str_i64(digits, &n) && n > 0 && (uint64_t)n <= c->n;
    return numbered ? (int)(n - 1) : place_of_repeated(c, column);
}

void columns_forget(struct columns *c)
{
    for (size_t i = 0; i < c->n; i++)
        c->column[i].role = COLUMN_NONE;
    c->said = true;
    columns_arrange(c);
}

int columns_order(struct columns *c, enum column_role role, struct str column, struct err *e)
{
    int at = place_of(c, column);
    if (at < 0)
        return err_set(e, WL_EINVAL, "there is no column \"%.*s\" for %s", (int)str_clip(column, 80).n, column.p,
                       words[role]);
    uint8_t rank = UINT8_MAX;
    for (size_t i = 0; i < c->n && role != COLUMN_NONE; i++) {
        if (c->column[i].role != role || (int)i == at)
            continue;
        if (c->column[i].reason == COLUMN_BY_ORDER)
            rank--;
        else
            c->column[i].role = COLUMN_NONE;
    }
    c->column[at].role = (uint8_t)role;
    c->column[at].rank = rank;
    c->column[at].reason = COLUMN_BY_ORDER;
    columns_arrange(c);
    return 0;
}

/* --- cells of a row
 * -------------------------------------------------------------------------------------------------------- */

struct str column_text(const struct table_row *row, const struct table_cell *cells, size_t i)
{
    return i < row->cells ? str_trim((struct str){cells[row->cell + i].p, cells[row->cell + i].n}) : STR("");
}

struct str columns_cell(const struct columns *c, const struct table_row *row, const struct table_cell *cells,
                        enum column_role role, char *room)
{
    int at = c->at[role];
    if (at < 0 || (uint32_t)at >= row->cells)
        return STR("");
    return table_cell_text(&cells[row->cell + (uint32_t)at], room);
}

struct str columns_phone(const struct columns *c, const struct table_row *row, const struct table_cell *cells,
                         char *room, int *ret_column)
{
    *ret_column = -1;
    for (size_t i = 0; i < c->phones; i++) {
        uint32_t at = (uint32_t)c->phone[i];
        if (at >= row->cells || cells[row->cell + at].n == 0)
            continue;
        struct str s = table_cell_text(&cells[row->cell + at], room);
        if (s.n == 0)
            continue;
        *ret_column = (int)at;
        return s;
    }
    return STR("");
}

int columns_region(const struct columns *c, const struct phone_data *d, const struct table_row *row,
                   const struct table_cell *cells, int region)
{
    static const enum column_role roles[] = {COLUMN_CALLING_CODE, COLUMN_COUNTRY};
    for (size_t i = 0; i < 2; i++) {
        int at = c->at[roles[i]];
        if (at < 0)
            continue;
        int named = country_named(c->names, d, column_text(row, cells, (size_t)at));
        if (named != 0)
            return named;
    }
    return region;
}

static void say_name(const struct columns *c, int at, struct buf *out)
{
    struct str name = str_clip(c->column[at].name, 60);
    buf_printf(out, "%s%.*s%s", c->headless ? "column " : "\"", (int)name.n, name.p, c->headless ? "" : "\"");
}

/* A column of numbers that no name gives away, where the named one holds none. */
static int suspect(const struct columns *c)
{
    const struct column *named = &c->column[c->phone[0]];
    for (size_t i = 0; i < c->n; i++) {
        const struct column *w = &c->column[i];
        if (w->role != COLUMN_PHONE && named->phones * 2 < w->phones && w->phones * 2 > w->filled && w->filled > 4)
            return (int)i;
    }
    return -1;
}

void columns_say(const struct columns *c, struct buf *out)
{
    if (c->preset != NULL)
        buf_printf(out, "this looks like an export of %s%s. ", c->preset,
                   c->international ? ", which writes numbers with their country code and without +" : "");
    if (c->phones == 0) {
        buf_puts(out, "no column holds phone numbers, by its name or by what is in it: say --map phone=COLUMN");
        return;
    }
    buf_puts(out, "numbers are read from ");
    for (size_t i = 0; i < c->phones; i++) {
        buf_puts(out, i == 0 ? "" : i == 1 ? ", where that is empty from " : ", then ");
        say_name(c, c->phone[i], out);
    }
    int country = c->at[COLUMN_CALLING_CODE] >= 0 ? c->at[COLUMN_CALLING_CODE] : c->at[COLUMN_COUNTRY];
    if (country >= 0) {
        buf_puts(out, ", their country from ");
        say_name(c, country, out);
    }
    if (c->column[c->phone[0]].reason == COLUMN_BY_CONTENT)
        buf_puts(out, ", because of what it holds: its name says nothing");
    int other = suspect(c);
    if (other < 0)
        return;
    buf_puts(out, "; but more numbers stand in ");
    say_name(c, other, out);
    buf_puts(out, ": if those are meant, say --map phone=COLUMN");
}

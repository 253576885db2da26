/* SPDX-License-Identifier: Apache-2.0
 * contact_row.c - the checks a row must pass, and what it says about consent.
 *
 * "no", "none" and an empty cell in the consent column mean that nothing is recorded, not a withdrawal: a withdrawal
 * is an act of a person and is written as one (consent_act = withdraw, or a column of unsubscribed people). There
 * they mean all, and a scope or a time that cannot be read is handed on for the gateway to say what it made of it.
 *
 * Numbers are read as screening and lists read them, with the same reasons (core/phone_cell.h). */
#include "cmd/contact_row.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "core/consent.h"
#include "core/consent_word.h"
#include "core/identity.h"
#include "core/test_number.h"

int contact_attribute(struct contact_format *f, const char *assignment, struct err *e)
{
    struct str column, name = str_cut(str_of(assignment), '=', &column);
    if (column.n == 0 || name.n == 0)
        return err_set(e, WL_EINVAL, "--attribute wants NAME=COLUMN, as in city=Town");
    if (f->attributes == CONTACT_ATTRIBUTES)
        return err_set(e, WL_EINVAL, "there are more than %d attributes", CONTACT_ATTRIBUTES);
    for (size_t i = 0; i < f->columns.n; i++) {
        if (!str_ieq(f->columns.column[i].name, column))
            continue;
        f->attribute[f->attributes].name = name;
        f->attribute[f->attributes++].column = (int)i;
        return 0;
    }
    return err_set(e, WL_EINVAL, "there is no column \"%.*s\" for the attribute %.*s", (int)str_clip(column, 80).n,
                   column.p, (int)str_clip(name, 64).n, name.p);
}

static bool used(const struct contact_format *f, size_t i)
{
    uint8_t role = f->columns.column[i].role;
    for (size_t k = 0; k < f->attributes; k++)
        if (f->attribute[k].column == (int)i)
            return true;
    return role != COLUMN_NONE && role != COLUMN_EMAIL && role != COLUMN_CREATED_AT;
}

void contact_ignored(const struct contact_format *f, struct buf *out)
{
    for (size_t i = 0; i < f->columns.n; i++) {
        struct str name = f->columns.column[i].name;
        if (!used(f, i) && name.n > 0)
            buf_printf(out, "%s%.*s", out->len ? ", " : "", (int)name.n, name.p);
    }
}

void contact_unread(const struct contact_format *f, struct buf *out)
{
    for (size_t i = 0; i < f->columns.n; i++) {
        const struct column *w = &f->columns.column[i];
        if (w->role == COLUMN_NONE && w->reason != COLUMN_BY_ORDER && (int)i != f->consent_from &&
            !f->columns.headless && consent_word_in_name(w->name))
            buf_printf(out, "%s\"%.*s\"", out->len ? ", " : "", (int)str_clip(w->name, 100).n, w->name.p);
    }
}

/* --- cells ------------------------------------------------------------------------------------------------------------- */

static struct str cell_at(const struct import_row *row, int at)
{
    return at >= 0 && (size_t)at < row->n ? row->field[at] : STR("");
}

static struct str own_field(const struct contact_format *f, const struct import_row *row, enum column_role which)
{
    return cell_at(row, f->columns.at[which]);
}

static struct str field(const struct contact_format *f, const struct import_row *row, enum column_role which)
{
    struct str s = own_field(f, row, which);
    return s.n == 0 && f->fallback[which] ? str_of(f->fallback[which]) : s;
}

#define ANY_OF(word) (1u << (word))
#define AGREES       (ANY_OF(CONSENT_WORD_YES) | ANY_OF(CONSENT_WORD_IN) | ANY_OF(CONSENT_WORD_DATE))
#define LEAVES       (ANY_OF(CONSENT_WORD_LEFT) | ANY_OF(CONSENT_WORD_REFUSED))
#define SILENT       (ANY_OF(CONSENT_WORD_NOTHING) | ANY_OF(CONSENT_WORD_NO))

static bool says(struct str cell, unsigned words)
{
    return (words & ANY_OF(consent_word_of(cell))) != 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* "Marketing; Utility" -> "marketing,utility", then read by the words core knows. */
int contact_scope_text(struct str s, char *out, size_t size, struct err *e)
{
    size_t n = 0;
    consent_scope scope;
    if (says(s, AGREES))
        return err_set(
            e, WL_EINVAL,
            "\"%.*s\" does not say to what: write all, or a list of marketing, utility, authentication, calls",
            (int)s.n, s.p);
    for (size_t i = 0; i < s.n; i++) {
        bool gap = memchr(" ,;|/+", s.p[i], 6) != NULL;
        if (n + 1 >= size)
            return err_set(e, WL_EINVAL, "is too long");
        if (!gap)
            out[n++] = lower(s.p[i]);
        else if (n > 0 && out[n - 1] != ',')
            out[n++] = ',';
    }
    while (n > 0 && out[n - 1] == ',')
        n--;
    out[n] = '\0';
    return consent_scope_parse((struct str){out, n}, &scope, e);
}

bool contact_time(struct str s, int64_t *ret_ms)
{
    char text[TIME_TEXT];
    if (time_parse(s.p, s.n, ret_ms))
        return true;
    if (s.n < 16 || s.n > 19 || (s.p[10] != ' ' && s.p[10] != 'T') || s.n == 18)
        return false;
    memcpy(text, s.p, s.n);
    text[10] = 'T';
    if (s.n == 16)
        memcpy(text + 16, ":00", 3);
    text[19] = 'Z';
    return time_parse(text, 20, ret_ms);
}

/* --- who wants nothing more
 * ----------------------------------------------------------------------------------------------- */

/* Which act the row names. WL_EINVAL: none anybody knows. */
static int read_act(const struct contact_format *f, const struct import_row *row, bool *ret_withdraws, struct err *e)
{
    struct str act = own_field(f, row, COLUMN_ACT);
    *ret_withdraws = says(act, LEAVES);
    if (*ret_withdraws || act.n == 0 || says(act, ANY_OF(CONSENT_WORD_YES) | ANY_OF(CONSENT_WORD_IN)))
        return 0;
    return err_set(e, WL_EINVAL, "must be grant or withdraw, and is \"%.*s\"", (int)str_clip(act, 60).n, act.p);
}

/* The words of this column by which somebody left. */
static unsigned leaving_words(const struct contact_format *f, size_t i)
{
    uint8_t role = f->columns.column[i].role;
    if (role == COLUMN_UNSUBSCRIBED || role == COLUMN_SMS_UNSUBSCRIBED)
        return ~(SILENT | ANY_OF(CONSENT_WORD_IN));
    if ((int)i == f->consent_from || (role >= COLUMN_EMAIL_CONSENT && role <= COLUMN_CONSENT))
        return LEAVES;
    return role == COLUMN_STATUS ? ANY_OF(CONSENT_WORD_LEFT) : 0;
}

static bool may_say_left(const struct contact_format *f, size_t i)
{
    return leaving_words(f, i) != 0 || f->columns.column[i].role == COLUMN_ACT;
}

/* What is later is the stricter: now, then the latest time. The state of a contact says no time of its own. */
static int64_t left_since(const struct contact_format *f, const struct import_row *row, size_t i)
{
    int64_t at;
    if (f->columns.column[i].role == COLUMN_STATUS)
        return INT64_MIN;
    return contact_time(row->field[i], &at) && at <= clock_now_ms() ? at : INT64_MAX;
}

/* The column that says so; -1 none. */
static int left_by(const struct contact_format *f, const struct import_row *row)
{
    int found = -1;
    for (size_t i = 0; i < f->columns.n && i < row->n; i++) {
        if (!says(row->field[i], leaving_words(f, i)))
            continue;
        if (found < 0 || left_since(f, row, i) > left_since(f, row, (size_t)found))
            found = (int)i;
    }
    return found;
}

/* A withdrawal is read out of a word that nobody knows. */
static int left_by_guess(const struct contact_format *f, const struct import_row *row, int left, struct err *e)
{
    struct str cell = cell_at(row, left);
    if (left < 0 || !says(cell, ANY_OF(CONSENT_WORD_UNKNOWN) | ANY_OF(CONSENT_WORD_PENDING)))
        return 0;
    struct str name = str_clip(f->columns.column[left].name, 60);
    err_set(e, WL_EINVAL, "\"%.*s\" under \"%.*s\" is taken for a withdrawal: it is no word of staying",
            (int)str_clip(cell, 60).n, cell.p, (int)name.n, name.p);
    return 1;
}

static bool other_channel(const struct contact_format *f, const struct import_row *row)
{
    for (size_t i = 0; i < f->columns.n && i < row->n; i++) {
        uint8_t role = f->columns.column[i].role;
        if ((role == COLUMN_SMS_CONSENT || role == COLUMN_EMAIL_CONSENT) && (int)i != f->consent_from &&
            says(row->field[i], AGREES))
            return true;
    }
    return false;
}

/* --- who agreed
 * ----------------------------------------------------------------------------------------------------- */

/* What the columns of a row let an agreement be. */
struct leave {
    int yes;  /* the column that agrees; -1 none */
    int held; /* the column that does not; -1 none */
};

static int no_answer(const struct contact_format *f, const struct import_row *row, size_t i, struct err *e)
{
    struct str name = str_clip(f->columns.column[i].name, 60), cell = str_clip(row->field[i], 60);
    return err_set(e, WL_EINVAL,
                   "\"%.*s\" under \"%.*s\" is neither yes nor no; put it right, or say --ignore-column if this column "
                   "is about something else",
                   (int)cell.n, cell.p, (int)name.n, name.p);
}

/* Whether this column is asked for a yes, and not only for a no. own: the row has a scope of its own. */
static bool is_asked(const struct contact_format *f, size_t i, bool own)
{
    return ((int)i == f->consent_from && !own) || f->columns.column[i].role == COLUMN_WHATSAPP_CONSENT;
}

/* Whether a no here keeps --consent away. A yes to WhatsApp, or of the column of --consent-from, is above other channels. */
static bool holds(const struct contact_format *f, size_t i, bool own, const struct leave *l)
{
    uint8_t role = f->columns.column[i].role;
    return role == COLUMN_STATUS ||
           (!own && l->yes < 0 && f->consent_from < 0 && (role == COLUMN_EMAIL_CONSENT || role == COLUMN_SMS_CONSENT));
}

/* What one column that is asked says. WL_EINVAL: a word nobody knows. */
static int ask_one(const struct contact_format *f, const struct import_row *row, size_t i, struct leave *l,
                   struct err *e)
{
    struct str cell = cell_at(row, (int)i);
    bool chosen = (int)i == f->consent_from;
    if (says(cell, ANY_OF(CONSENT_WORD_UNKNOWN)))
        return no_answer(f, row, i, e);
    if (says(cell, AGREES))
        l->yes = l->yes < 0 || chosen ? (int)i : l->yes;
    else if (chosen || !says(cell, ANY_OF(CONSENT_WORD_NOTHING)))
        l->held = (int)i;
    return 0;
}

/* Whether this column, which is not asked, says no. A state of a contact is often about something else. */
static bool says_no(const struct contact_format *f, const struct import_row *row, size_t i)
{
    unsigned no = ANY_OF(CONSENT_WORD_NO) | ANY_OF(CONSENT_WORD_PENDING) | ANY_OF(CONSENT_WORD_REFUSED);
    if (f->columns.column[i].role != COLUMN_STATUS)
        no |= ANY_OF(CONSENT_WORD_UNKNOWN);
    return says(row->field[i], no);
}

static int ask_columns(const struct contact_format *f, const struct import_row *row, bool own, struct leave *ret,
                       struct err *e)
{
    int rc = 0;
    *ret = (struct leave){-1, -1};
    for (size_t i = 0; i < f->columns.n && rc == 0; i++)
        if (is_asked(f, i, own))
            rc = ask_one(f, row, i, ret, e);
    if (!own && ret->yes < 0 && ret->held < 0)
        ret->held = f->columns.at[COLUMN_WHATSAPP_CONSENT];
    for (size_t i = 0; i < f->columns.n && i < row->n; i++)
        if (holds(f, i, own, ret) && says_no(f, row, i))
            ret->held = (int)i;
    return rc;
}

/* --- what is written
 * ------------------------------------------------------------------------------------------------------ */

const char *contact_evidence_key(struct str evidence)
{
    return str_starts(evidence, STR("https://")) || str_starts(evidence, STR("http://")) ? "url" : "text";
}

/* Where the row came from, and what it says itself. */
static void put_evidence(const struct contact_format *f, const struct import_row *row, int column, struct json_out *out)
{
    struct str text = field(f, row, COLUMN_EVIDENCE);
    jo_key(out, "evidence");
    jo_object(out);
    if (text.n > 0)
        jo_kstr(out, contact_evidence_key(text), text);
    if (column >= 0) {
        jo_kstr(out, "column", str_clip(f->columns.column[column].name, 100));
        jo_kstr(out, "cell", str_clip(row->field[column], 100));
    }
    jo_key(out, "import");
    jo_object(out);
    jo_kcstr(out, "file", f->file);
    jo_kcstr(out, "sha256", f->sha256);
    jo_kint(out, "row", (int64_t)row->line);
    jo_end(out);
    jo_end(out);
}

/* What a consent says beside scope, act and time. column: the one that says it, -1 none. */
static void consent_rest(const struct contact_format *f, const struct import_row *row, bool grants, int column,
                         struct json_out *out)
{
    static const struct {
        const char *key;
        enum column_role column;
    } texts[] = {
        {"wording", COLUMN_WORDING},
        {"wording_sha256", COLUMN_WORDING_HASH},
        {"language", COLUMN_LANGUAGE},
        {"business", COLUMN_BUSINESS},
        {"policy", COLUMN_POLICY},
        {"expires", COLUMN_EXPIRES},
        {"jurisdiction", COLUMN_JURISDICTION},
    };
    struct str method = field(f, row, COLUMN_METHOD);
    jo_kstr(out, "method", method.n ? method : STR("import"));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct str s = field(f, row, texts[i].column);
        if (s.n > 0 && (grants || texts[i].column != COLUMN_EXPIRES))
            jo_kstr(out, texts[i].key, s);
    }
    put_evidence(f, row, column, out);
    jo_end(out);
}

/* Taken whatever its scope and time look like; --consent and --consent-at speak of what people agreed to. */
static void withdrawal_json(const struct contact_format *f, const struct import_row *row, int left,
                            struct json_out *out)
{
    struct str given = own_field(f, row, COLUMN_CONSENT), at = own_field(f, row, COLUMN_AT);
    char scope[128], text[TIME_TEXT];
    int64_t when;
    if (left >= 0 || !says(given, ANY_OF(CONSENT_WORD_UNKNOWN)))
        given = STR("all");
    else if (contact_scope_text(given, scope, sizeof scope, NULL) == 0)
        given = str_of(scope);
    jo_key(out, "consent");
    jo_object(out);
    jo_kstr(out, "scope", given);
    jo_kcstr(out, "act", "withdraw");
    if (at.n > 0)
        jo_kstr(out, "at", contact_time(at, &when) ? str_of(time_text(when, text)) : at);
    consent_rest(f, row, false, -1, out);
}

/* A column says that the person left; when, if that is what it says. */
static void left_json(const struct contact_format *f, const struct import_row *row, int column, struct json_out *out)
{
    char text[TIME_TEXT];
    int64_t when;
    jo_key(out, "consent");
    jo_object(out);
    jo_kcstr(out, "scope", "marketing");
    jo_kcstr(out, "act", "withdraw");
    if (contact_time(row->field[column], &when) && when <= clock_now_ms())
        jo_kcstr(out, "at", time_text(when, text));
    jo_kcstr(out, "method", "import");
    put_evidence(f, row, column, out);
    jo_end(out);
}

/* When: its own cell, the time of the yes, or --consent-at. */
static struct str agreed_at(const struct contact_format *f, const struct import_row *row, int yes)
{
    struct str own = own_field(f, row, COLUMN_AT), cell = cell_at(row, yes);
    return own.n == 0 && yes >= 0 && consent_word_of(cell) == CONSENT_WORD_DATE ? cell : field(f, row, COLUMN_AT);
}

/* yes: the column that agrees; -1 none does. */
static int grant_json(const struct contact_format *f, const struct import_row *row, struct str given, int yes,
                      struct json_out *out, enum column_role *ret, struct err *e)
{
    struct str at = agreed_at(f, row, yes);
    char scope[128], text[TIME_TEXT];
    int64_t when;
    *ret = COLUMN_CONSENT;
    int rc = contact_scope_text(given, scope, sizeof scope, e);
    if (rc != 0)
        return rc;
    *ret = COLUMN_AT;
    if (at.n == 0)
        return err_set(e, WL_EINVAL,
                       "is missing: when did the person say so? (a date such as 2026-01-31, or --consent-at)");
    if (!contact_time(at, &when))
        return err_set(e, WL_EINVAL, "must be a date such as 2026-01-31 or a time such as 2026-01-31T09:30:00Z");
    if (when > clock_now_ms() + 60000)
        return err_set(e, WL_EINVAL, "lies in the future");
    jo_key(out, "consent");
    jo_object(out);
    jo_kcstr(out, "scope", scope);
    jo_kcstr(out, "act", "grant");
    jo_kcstr(out, "at", time_text(when, text));
    consent_rest(f, row, true, yes, out);
    return 0;
}

/* The row has a scope, and a column of it says that there is no agreement. 1: a person should look at it. */
static int held_back(const struct contact_format *f, const struct import_row *row, bool own, int by,
                     struct contact_found *ret, struct err *e)
{
    struct str name = str_clip(f->columns.column[by].name, 60), cell = str_clip(cell_at(row, by), 60);
    ret->held = true;
    if (!own)
        return 0;
    ret->field = COLUMN_CONSENT;
    err_set(e, WL_EINVAL, "is not recorded: \"%.*s\" says \"%.*s\"", (int)name.n, name.p, (int)cell.n, cell.p);
    return 1;
}

/* The consent the row brings, if it does. 1: as of contact_row_json(). */
static int consent_json(const struct contact_format *f, const struct import_row *row, int left, struct json_out *out,
                        struct contact_found *ret, struct err *e)
{
    struct str own = own_field(f, row, COLUMN_CONSENT), given = field(f, row, COLUMN_CONSENT);
    struct leave leave;
    bool withdraws;
    int rc = read_act(f, row, &withdraws, left < 0 ? e : NULL);
    if (withdraws || (left >= 0 && f->columns.column[left].role == COLUMN_CONSENT)) {
        withdrawal_json(f, row, left, out);
        return 0;
    }
    if (left >= 0) {
        left_json(f, row, left, out);
        ret->field = (enum column_role)f->columns.column[left].role;
        return left_by_guess(f, row, left, e);
    }
    ret->field = COLUMN_ACT;
    if (rc != 0)
        return rc;
    ret->field = COLUMN_NONE;
    if ((rc = ask_columns(f, row, own.n > 0, &leave, e)) != 0 || given.n == 0 || says(given, SILENT))
        return rc;
    if (leave.held >= 0)
        return held_back(f, row, own.n > 0, leave.held, ret, e);
    return grant_json(f, row, given, leave.yes, out, &ret->field, e);
}

/* --- numbers
 * ---------------------------------------------------------------------------------------------------------------- */

int contact_number(const struct contact_numbers *c, struct str phone, int region, char ret[PHONE_E164_MAX],
                   struct err *e)
{
    struct phone_cell cell;
    phone_cell_read(c->plans, phone, region, c->international, &cell);
    enum verdict v = (enum verdict)cell.verdict;
    if (v == VERDICT_OK && cell.number.e164 == 0)
        v = VERDICT_TOO_LONG;
    bool nobody = v == VERDICT_NOT_ASSIGNED && cell.number.e164 != 0;
    if (v == VERDICT_OK ||
        (nobody && (c->allow_unassigned || test_number(c->plans, cell.number.e164, NULL) != TEST_NUMBER_NOT))) {
        snprintf(ret, PHONE_E164_MAX, "+%llu", (unsigned long long)cell.number.e164);
        return 0;
    }
    struct str why = str_of(verdict_sentence(v));
    size_t colon = why.n > 0 && why.p[why.n - 1] == ':';
    return err_set(e, WL_EINVAL, "is refused: %.*s; %s", (int)(why.n - colon), why.p, verdict_next(v));
}

/* The row's number, in the country the row names. */
static int row_number(const struct contact_format *f, const struct import_row *row, bool lenient, struct str *phone,
                      char ret[PHONE_E164_MAX], struct err *e)
{
    *phone = STR("");
    for (size_t i = 0; i < f->columns.phones && phone->n == 0; i++)
        *phone = cell_at(row, f->columns.phone[i]);
    if (phone->n == 0)
        return 0;
    int region = columns_region(&f->columns, f->numbers.plans, row->row, row->cells, f->numbers.region);
    struct contact_numbers numbers = f->numbers;
    numbers.allow_unassigned = numbers.allow_unassigned || lenient; /* a withdrawal is taken */
    int rc = contact_number(&numbers, *phone, region, ret, e);
    *phone = rc == 0 ? str_of(ret) : *phone;
    return rc;
}

/* Who the row is about. A withdrawal is content with one of two names: 1 then, and the other is not to be used. */
static int check_names(const struct contact_format *f, const struct import_row *row, bool lenient, struct str *phone,
                       struct str *user, char number[PHONE_E164_MAX], enum column_role *ret_field, struct err *e)
{
    struct identity id;
    int rc = row_number(f, row, lenient, phone, number, e);
    *ret_field = COLUMN_PHONE;
    *user = own_field(f, row, COLUMN_USER_ID);
    if (phone->n == 0 && user->n == 0)
        return err_set(e, WL_EINVAL, "is empty, and there is no user id");
    if (rc != 0) {
        if (!lenient || user->n == 0 || identity_user_id(*user, &id, NULL) != 0)
            return rc;
        *phone = STR("");
        return 1;
    }
    *ret_field = COLUMN_USER_ID;
    if (user->n > 0 && (rc = identity_user_id(*user, &id, e)) != 0) {
        if (!lenient || phone->n == 0)
            return rc;
        *user = STR("");
        return 1;
    }
    return 0;
}

static int check_shape(const struct contact_format *f, const struct import_row *row, struct err *e)
{
    struct buf why;
    int rc = 0;
    for (size_t i = row->n; i < f->columns.n && !f->whole_rows; i++) {
        struct str name = str_clip(f->columns.column[i].name, 60);
        if (may_say_left(f, i))
            return err_set(e, WL_EINVAL,
                           "the row has %zu cells, the header %zu: \"%.*s\" is missing, and it may say that this "
                           "person left",
                           row->n, f->columns.n, (int)name.n, name.p);
    }
    buf_init(&why, ERR_TEXT_MAX);
    if (columns_ragged(&f->columns, f->numbers.plans, row->row, row->cells, f->numbers.region, &why))
        rc = err_set(e, WL_EINVAL, "%s", buf_cstr(&why));
    else if (f->columns.phones == 0 && row->n > f->columns.n)
        rc = err_set(e, WL_EINVAL, "the row has %zu cells, the header %zu: a delimiter inside a cell must be quoted",
                     row->n, f->columns.n);
    buf_done(&why);
    return rc;
}

static void put_name(const struct contact_format *f, const struct import_row *row, struct json_out *out)
{
    struct str name = own_field(f, row, COLUMN_NAME), first = own_field(f, row, COLUMN_FIRST_NAME),
               last = own_field(f, row, COLUMN_LAST_NAME);
    char both[1024];
    if (name.n == 0 && first.n > 0 && last.n > 0 && first.n + last.n < sizeof both - 2)
        name = (struct str){both, (size_t)snprintf(both, sizeof both, "%.*s %.*s", (int)first.n, first.p, (int)last.n,
                                                   last.p)};
    else if (name.n == 0)
        name = first.n > 0 ? first : last;
    jo_kstr(out, "name", name);
}

#define TAGS_MAX 100
#define TAG_MAX  64

/* One tag: without the quotes and stars programs put around it. A dash in front would take it away. */
static struct str one_tag(struct str tag)
{
    while (tag.n > 0 && strchr(" \t\"'*-[", tag.p[0]) != NULL)
        tag = (struct str){tag.p + 1, tag.n - 1};
    while (tag.n > 0 && strchr(" \t\"']", tag.p[tag.n - 1]) != NULL)
        tag.n--;
    return str_clip(tag, TAG_MAX);
}

/* "VIP, Blog", "a|b", "* friends ::: * family". */
static void put_tags(const struct contact_format *f, const struct import_row *row, struct json_out *out)
{
    struct str all = own_field(f, row, COLUMN_TAGS);
    size_t from = 0, n = 0;
    if (all.n == 0)
        return;
    jo_key(out, "tags");
    jo_array(out);
    for (size_t i = 0; i <= all.n && n < TAGS_MAX; i++) {
        if (i < all.n && memchr(",;|:", all.p[i], 4) == NULL)
            continue;
        struct str tag = one_tag((struct str){all.p + from, i - from});
        from = i + 1;
        n += tag.n > 0;
        if (tag.n > 0)
            jo_str(out, tag);
    }
    jo_end(out);
}

static void put_attributes(const struct contact_format *f, const struct import_row *row, struct json_out *out)
{
    if (f->attributes == 0)
        return;
    jo_key(out, "attributes");
    jo_object(out);
    for (size_t i = 0; i < f->attributes; i++) {
        struct str value = str_clip(cell_at(row, f->attribute[i].column), 512);
        if (value.n == 0)
            continue;
        jo_key_str(out, f->attribute[i].name);
        jo_str(out, value);
    }
    jo_end(out);
}

int contact_row_json(const struct contact_format *f, const struct import_row *row, struct json_out *out,
                     struct contact_found *ret, struct err *e)
{
    struct str phone, user;
    char number[PHONE_E164_MAX];
    int left = left_by(f, row);
    *ret = (struct contact_found){.withdraws = left >= 0, .other_channel = left < 0 && other_channel(f, row)};
    int rc = check_shape(f, row, e);
    if (rc != 0)
        return rc;
    bool lenient = left >= 0 || says(own_field(f, row, COLUMN_ACT), LEAVES);
    int warned = check_names(f, row, lenient, &phone, &user, number, &ret->field, e);
    if (warned < 0)
        return warned;
    jo_object(out);
    jo_kint(out, "row", (int64_t)row->line);
    if (phone.n > 0)
        jo_kstr(out, "phone", phone);
    if (user.n > 0)
        jo_kstr(out, "user_id", user);
    put_name(f, row, out);
    jo_kstr(out, "lang", field(f, row, COLUMN_LANG));
    if (field(f, row, COLUMN_ZONE).n > 0)
        jo_kstr(out, "zone", field(f, row, COLUMN_ZONE));
    put_tags(f, row, out);
    put_attributes(f, row, out);
    struct contact_found of_consent = *ret;
    struct err why = {0};
    rc = consent_json(f, row, left, out, &of_consent, &why);
    jo_end(out);
    ret->held = of_consent.held;
    if (rc != 0 && (rc < 0 || warned == 0)) {
        ret->field = of_consent.field;
        err_set(e, why.code, "%s", why.text);
        return rc;
    }
    return warned;
}

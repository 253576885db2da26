/* SPDX-License-Identifier: Apache-2.0
 * webhook_filter.c - five lists, and an event that must be found in each that is not empty.
 *
 * Words are kept in lower case, sorted, each once, so that two spellings of one filter are one text. Ids are kept as
 * numbers, kinds as bits. An event that does not say what a list asks for is not in it: who asks for one number does not
 * want what is said of no number, and who asks for failures alone does not want what has no status. */
#include "core/webhook_filter.h"

#include <stdlib.h>

#include "base/yaml.h"

#define KINDS (EVENT_HANDOVER + 1)

struct words {
    struct str word[FILTER_LIST_MAX];
    size_t n;
};

struct ids {
    int64_t id[FILTER_LIST_MAX];
    size_t n;
};

struct webhook_filter {
    struct words fields, statuses;
    struct ids numbers, accounts;
    uint32_t kinds; /* a bit each; 0: all */
};

_Static_assert(KINDS <= 32, "a bit for each kind");

/* --- reading --------------------------------------------------------------------------------------------------------- */

struct reader {
    struct arena *a;
    struct webhook_filter *f;
    const char *member;
    struct err *e;
};

static int by_word(const void *a, const void *b)
{
    const struct str *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int first = memcmp(x->p, y->p, n);
    return first != 0 ? first : (x->n > y->n) - (x->n < y->n);
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int read_word(struct reader *r, struct json v, struct words *words)
{
    struct str s = json_str_or(v, STR(""));
    if (s.n == 0 || s.n > FILTER_WORD_MAX)
        return err_set(r->e, WL_EINVAL, "%s: each must be a word of 1 to %d characters", r->member, FILTER_WORD_MAX);
    char *p = arena_strndup(r->a, s.p, s.n);
    if (p == NULL)
        return err_set(r->e, WL_ENOMEM, "the filter does not fit its memory");
    for (size_t i = 0; i < s.n; i++) {
        if (p[i] <= ' ' || p[i] > '~' || p[i] == '"' || p[i] == '\\')
            return err_set(r->e, WL_EINVAL, "%s: a word has neither spaces nor quotes nor letters beyond ASCII",
                           r->member);
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] | 0x20);
    }
    words->word[words->n++] = (struct str){p, s.n};
    return 0;
}

/* Words a status has: of messages, of calls, of payments. */
static const char *const status_words[] = {"sent",    "delivered", "read",     "played",
                                           "failed",  "deleted",   "paused",   "held_for_quality_assessment",
                                           "ringing", "accepted",  "rejected", "completed",
                                           "pending", "captured",  "success",  "canceled",
                                           NULL};

/* "kinds: there is no kind of that name; did you mean ...?", or all there are. */
static int unknown_word(struct reader *r, const char *what, struct str s, const char *const *names)
{
    char all[ERR_TEXT_MAX] = "";
    size_t n = 0;
    const char *near = nearest_word(s, names);
    if (near != NULL)
        return err_set(r->e, WL_EINVAL, "%s: there is no %s of that name; did you mean \"%s\"?", r->member, what, near);
    for (; *names != NULL && n + strlen(*names) + 3 < sizeof all; names++) {
        const char *comma = n > 0 ? ", " : "";
        memcpy(all + n, comma, strlen(comma));
        n += strlen(comma);
        memcpy(all + n, *names, strlen(*names) + 1);
        n += strlen(*names);
    }
    return err_set(r->e, WL_EINVAL, "%s: there is no %s of that name; there are %s", r->member, what, all);
}

static int read_status(struct reader *r, struct json v)
{
    struct words *statuses = &r->f->statuses;
    int rc = read_word(r, v, statuses);
    for (size_t i = 0; rc == 0 && status_words[i] != NULL; i++)
        if (str_eq(statuses->word[statuses->n - 1], str_of(status_words[i])))
            return 0;
    return rc != 0 ? rc : unknown_word(r, "status", statuses->word[statuses->n - 1], status_words);
}

static int read_id(struct reader *r, struct json v, struct ids *ids)
{
    int64_t id;
    if (!json_id(v, &id) || id <= 0)
        return err_set(r->e, WL_EINVAL, "%s: each must be an id in digits", r->member);
    ids->id[ids->n++] = id;
    return 0;
}

static int read_kind(struct reader *r, struct json v)
{
    const char *names[KINDS + 1] = {NULL};
    struct str s = json_str_or(v, STR(""));
    for (int k = 0; k < KINDS; k++) {
        names[k] = event_kind_name((enum event_kind)k);
        if (str_eq(s, str_of(names[k]))) {
            r->f->kinds |= 1u << k;
            return 0;
        }
    }
    return unknown_word(r, "kind", s, names);
}

static const char *const members[] = {"fields", "numbers", "accounts", "kinds", "statuses", NULL};

static int read_one(struct reader *r, struct json v)
{
    struct webhook_filter *f = r->f;
    if (r->member == members[0])
        return read_word(r, v, &f->fields);
    if (r->member == members[1])
        return read_id(r, v, &f->numbers);
    if (r->member == members[2])
        return read_id(r, v, &f->accounts);
    return r->member == members[3] ? read_kind(r, v) : read_status(r, v);
}

static int read_list(struct reader *r, struct json list)
{
    if (json_type(list) == JSON_NULL)
        return 0;
    if (json_type(list) != JSON_ARRAY)
        return err_set(r->e, WL_EINVAL, "%s: must be a list", r->member);
    if (json_count(list) > FILTER_LIST_MAX)
        return err_set(r->e, WL_EINVAL, "%s: must not have more than %d elements", r->member, FILTER_LIST_MAX);
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        int rc = read_one(r, it.value);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int read_member(struct reader *r, struct json_iter *it)
{
    for (size_t i = 0; members[i] != NULL; i++) {
        if (!str_eq(it->key, str_of(members[i])))
            continue;
        r->member = members[i];
        return read_list(r, it->value);
    }
    const char *near = nearest_word(it->key, members);
    return err_set(r->e, WL_EINVAL, "a filter has no such member%s%s%s", near ? "; did you mean \"" : "",
                   near ? near : "", near ? "\"?" : "");
}

static void sort_words(struct words *w)
{
    size_t kept = 0;
    qsort(w->word, w->n, sizeof w->word[0], by_word);
    for (size_t i = 0; i < w->n; i++)
        if (kept == 0 || !str_eq(w->word[i], w->word[kept - 1]))
            w->word[kept++] = w->word[i];
    w->n = kept;
}

static void sort_ids(struct ids *ids)
{
    size_t kept = 0;
    qsort(ids->id, ids->n, sizeof ids->id[0], by_id);
    for (size_t i = 0; i < ids->n; i++)
        if (kept == 0 || ids->id[i] != ids->id[kept - 1])
            ids->id[kept++] = ids->id[i];
    ids->n = kept;
}

static int check_length(const struct webhook_filter *f, struct err *e)
{
    struct buf text;
    buf_init(&text, FILTER_TEXT_MAX);
    webhook_filter_write(f, &text);
    bool fits = !text.failed;
    buf_done(&text);
    return fits ? 0 : err_set(e, WL_EINVAL, "a filter must not be longer than %d bytes", FILTER_TEXT_MAX);
}

int webhook_filter_read(struct json v, struct arena *a, struct webhook_filter **ret, struct err *e)
{
    struct reader r = {.a = a, .f = arena_new(a, struct webhook_filter), .e = e};
    if (r.f == NULL)
        return err_set(e, WL_ENOMEM, "the filter does not fit its memory");
    if (json_type(v) != JSON_ABSENT && json_type(v) != JSON_NULL && json_type(v) != JSON_OBJECT)
        return err_set(e, WL_EINVAL, "a filter must be an object");
    if (json_duplicate_key(v).p != NULL)
        return err_set(e, WL_EINVAL, "a filter must not have a member twice");
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        int rc = read_member(&r, &it);
        if (rc != 0)
            return rc;
    }
    sort_words(&r.f->fields);
    sort_words(&r.f->statuses);
    sort_ids(&r.f->numbers);
    sort_ids(&r.f->accounts);
    int rc = check_length(r.f, e);
    if (rc == 0)
        *ret = r.f;
    return rc;
}

/* --- asking ---------------------------------------------------------------------------------------------------------- */

static bool in_words(const struct words *w, struct str s)
{
    for (size_t i = 0; i < w->n; i++)
        if (str_ieq(w->word[i], s))
            return true;
    return w->n == 0;
}

static bool in_ids(const struct ids *ids, int64_t id)
{
    for (size_t i = 0; i < ids->n; i++)
        if (ids->id[i] == id)
            return true;
    return ids->n == 0;
}

/* A phone number as Meta shows it, with its spaces and signs; 0: it is none. */
static int64_t digits_of(struct str display)
{
    int64_t n = 0;
    for (size_t i = 0, digits = 0; i < display.n; i++) {
        if (display.p[i] < '0' || display.p[i] > '9')
            continue;
        if (++digits > 15)
            return 0;
        n = n * 10 + (display.p[i] - '0');
    }
    return n;
}

static bool in_numbers(const struct ids *numbers, const struct event *ev)
{
    if (in_ids(numbers, ev->phone_number_id))
        return true;
    int64_t shown = digits_of(ev->display_phone);
    return shown != 0 && in_ids(numbers, shown);
}

bool webhook_wanted(const struct webhook_filter *f, const struct event *ev)
{
    bool status = ev->kind == EVENT_STATUS;
    if (f->kinds != 0 ? (f->kinds & 1u << ev->kind) == 0 : f->statuses.n > 0 && !status)
        return false;
    if (status && !in_words(&f->statuses, ev->type))
        return false;
    return in_words(&f->fields, ev->field) && in_ids(&f->accounts, ev->waba) && in_numbers(&f->numbers, ev);
}

/* --- writing --------------------------------------------------------------------------------------------------------- */

static void write_words(struct json_out *o, const char *member, const struct words *w)
{
    if (w->n == 0)
        return;
    jo_key(o, member);
    jo_array(o);
    for (size_t i = 0; i < w->n; i++)
        jo_str(o, w->word[i]);
    jo_end(o);
}

/* Ids are strings: many readers of JSON lose the end of a large number. */
static void write_ids(struct json_out *o, const char *member, const struct ids *ids)
{
    if (ids->n == 0)
        return;
    jo_key(o, member);
    jo_array(o);
    for (size_t i = 0; i < ids->n; i++) {
        char digits[21];
        size_t n = sizeof digits;
        for (int64_t id = ids->id[i]; id > 0; id /= 10)
            digits[--n] = (char)('0' + id % 10);
        jo_str(o, (struct str){digits + n, sizeof digits - n});
    }
    jo_end(o);
}

static void write_kinds(struct json_out *o, uint32_t kinds)
{
    if (kinds == 0)
        return;
    jo_key(o, "kinds");
    jo_array(o);
    for (int k = 0; k < KINDS; k++)
        if ((kinds & 1u << k) != 0)
            jo_cstr(o, event_kind_name((enum event_kind)k));
    jo_end(o);
}

void webhook_filter_write(const struct webhook_filter *f, struct buf *out)
{
    struct json_out o;
    if (f->kinds == 0 && f->fields.n + f->statuses.n + f->numbers.n + f->accounts.n == 0)
        return;
    json_out_init(&o, out);
    jo_object(&o);
    write_words(&o, "fields", &f->fields);
    write_ids(&o, "numbers", &f->numbers);
    write_ids(&o, "accounts", &f->accounts);
    write_kinds(&o, f->kinds);
    write_words(&o, "statuses", &f->statuses);
    jo_end(&o);
}

/* SPDX-License-Identifier: Apache-2.0
 * rest_consent.c - consent given and withdrawn through our own API.
 *
 * Callers grant and withdraw; stop and resume belong to the platform and arrive by webhook only. Evidence is kept as
 * stated: how, where, by whom it was asked, with which wording, in which language, under which policy and law, until when.
 * What it is worth is worked out here and told, with what is missing (core/consent_rank.c). A wording that was recorded before
 * may be named by its SHA-256. Methods of what the gateway heard or asked itself are its own, and no caller grants with them.
 *
 * A time in the future is refused, unless a clock that runs a little ahead explains it: then the event counts from now, so that
 * whatever is said after it counts after it. One long ago is taken, and flagged. Who refused is not granted for without a time
 * that has passed: it could have been filled in before they refused. */
#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "core/country.h"
#include "gateway/recheck.h"
#include "gateway/rest_person.h"
#include "store/wordings.h"

#define FUTURE_SLACK_MS (5 * 60 * 1000) /* a caller's clock may run a little ahead */
#define LATE_MS         (24 * 60 * 60 * 1000)
#define TEXT_MAX        4096

/* `who` stands beside the rest in POST /consent and is refused in an import's row by the row's own list. */
static const char *const consent_keys[] = {"who",      "row",      "act",      "scope",   "at",
                                           "expires",  "method",   "source",   "wording", "wording_sha256",
                                           "language", "evidence", "business", "policy",  "jurisdiction",
                                           NULL};

/* Texts that are kept as they come. */
static const struct {
    const char *key;
    size_t max, place; /* in struct consent_row */
} texts[] = {
    {"method", 40, offsetof(struct consent_row, method)},
    {"source", TEXT_MAX, offsetof(struct consent_row, source)},
    {"wording", TEXT_MAX, offsetof(struct consent_row, wording)},
    {"language", 32, offsetof(struct consent_row, language)},
    {"business", 200, offsetof(struct consent_row, business)},
    {"policy", 200, offsetof(struct consent_row, policy)},
    {"jurisdiction", 8, offsetof(struct consent_row, jurisdiction)},
};
#define TEXTS (sizeof texts / sizeof texts[0])

static struct str *text_of(struct consent_row *row, size_t i)
{
    return (struct str *)(void *)((char *)row + texts[i].place);
}

static bool is_absent(struct json v)
{
    return json_type(v) == JSON_ABSENT || json_type(v) == JSON_NULL;
}

static bool text_field(struct rest_call *c, struct json v, const char *key, size_t max, struct str *ret)
{
    struct json field = json_get(v, key);
    *ret = STR("");
    if (is_absent(field) || (json_str(field, ret) && ret->n <= max))
        return true;
    *ret = STR("");
    rest_wrong(c, WL_EINVAL, key, "%s must be a text of at most %zu bytes", key, max);
    return false;
}

/* A text, or an object that is kept as JSON. */
static bool evidence_field(struct rest_call *c, struct json v, struct arena *a, struct str *ret)
{
    struct json field = json_get(v, "evidence");
    struct buf b;
    if (json_type(field) != JSON_OBJECT)
        return text_field(c, v, "evidence", TEXT_MAX, ret);
    buf_init(&b, TEXT_MAX);
    json_write_value(&b, field);
    char *kept = b.failed ? NULL : arena_strndup(a, buf_cstr(&b), b.len);
    *ret = kept != NULL ? (struct str){kept, b.len} : STR("");
    buf_done(&b);
    if (kept == NULL)
        rest_wrong(c, WL_EINVAL, "evidence", "evidence must be a text or an object of at most %d bytes", TEXT_MAX);
    return kept != NULL;
}

static bool read_act(struct rest_call *c, struct json v, enum consent_act *ret)
{
    struct str act = json_str_or(json_get(v, "act"), STR("grant"));
    if (str_eq(act, STR("grant")))
        *ret = CONSENT_GRANT;
    else if (str_eq(act, STR("withdraw")))
        *ret = CONSENT_WITHDRAW;
    else {
        rest_wrong(c, WL_EINVAL, "act", "act must be grant or withdraw");
        return false;
    }
    return true;
}

static bool read_time(struct rest_call *c, struct json v, int64_t now, int64_t *ret)
{
    struct str at;
    *ret = now;
    if (!text_field(c, v, "at", 64, &at))
        return false;
    if (at.n == 0)
        return true;
    if (!time_parse(at.p, at.n, ret)) {
        rest_wrong(c, WL_EINVAL, "at", "at must be a date or an RFC 3339 time");
        return false;
    }
    if (*ret > now + FUTURE_SLACK_MS) {
        rest_wrong(c, WL_EINVAL, "at", "at lies in the future");
        return false;
    }
    *ret = *ret < now ? *ret : now;
    return true;
}

bool rest_is_timed(struct json v, int64_t now)
{
    struct str at = json_str_or(json_get(v, "at"), STR(""));
    int64_t ms;
    return at.n > 0 && time_parse(at.p, at.n, &ms) && ms <= now;
}

bool rest_wants_time(struct rest_call *c, const struct person *p, const struct consent_row *row)
{
    for (int i = 0; i < CATEGORY_COUNT; i++) {
        const struct consent_word *w = &p->consent.of[i];
        char when[TIME_TEXT];
        if (row->event.act != CONSENT_GRANT || !(row->event.scope & CONSENT_SCOPE(i)) || w->status != CONSENT_WITHDRAWN)
            continue;
        rest_wrong(c, WL_EINVAL, "at",
                   "the person refused %s at %s: a grant needs at, a time that has passed; when did they agree again?",
                   category_name((enum category)i), time_text(w->at, when));
        return true;
    }
    return false;
}

static bool check_method(struct rest_call *c, const struct consent_row *row)
{
    if (row->event.act != CONSENT_GRANT || !consent_method_is_ours(row->method))
        return true;
    rest_wrong(c, WL_EINVAL, "method",
               "the method %.*s is for what the gateway itself heard or asked; say how the grant came to you, as in "
               "web_form",
               (int)row->method.n, row->method.p);
    return false;
}

/* When a grant ends by itself. */
static bool read_expiry(struct rest_call *c, struct json v, struct consent_event *ev)
{
    struct str expires;
    ev->until = 0;
    if (!text_field(c, v, "expires", 64, &expires))
        return false;
    if (expires.n == 0)
        return true;
    if (ev->act != CONSENT_GRANT)
        rest_wrong(c, WL_EINVAL, "expires", "only a grant expires; a withdrawal stands until somebody grants again");
    else if (!time_parse(expires.p, expires.n, &ev->until))
        rest_wrong(c, WL_EINVAL, "expires", "expires must be a date or an RFC 3339 time");
    else if (ev->until <= ev->at)
        rest_wrong(c, WL_EINVAL, "expires", "expires must lie after at");
    return c->problem.code == 0;
}

static bool check_jurisdiction(struct rest_call *c, struct str s)
{
    struct err why = {0};
    if (s.n == 0 || country_check(s, PLACE_EITHER, &why) == 0)
        return true;
    rest_wrong(c, WL_EINVAL, "jurisdiction", "jurisdiction: %s", why.text);
    return false;
}

bool rest_read_hash(struct str hex, uint8_t ret[SHA256_BYTES])
{
    size_t n = 0;
    return hex.n == 2 * SHA256_BYTES && hex_decode(hex, ret, SHA256_BYTES, &n) && n == SHA256_BYTES;
}

/* The wording, told by its hash when it was recorded before. Returns what the store says. */
static int read_wording(struct rest_call *c, const struct rest_ground *g, struct json v, struct consent_row *row,
                        struct err *e)
{
    struct str hex;
    struct wording known;
    struct err why = {0};
    uint8_t hash[SHA256_BYTES], own[SHA256_BYTES];
    if (!text_field(c, v, "wording_sha256", 2 * SHA256_BYTES, &hex) || hex.n == 0)
        return 0;
    if (!rest_read_hash(hex, hash))
        return rest_wrong(c, WL_EINVAL, "wording_sha256", "wording_sha256 must have 64 hex digits");
    if (row->wording.n > 0) {
        sha256(row->wording.p, row->wording.n, own);
        if (memcmp(own, hash, sizeof hash) != 0)
            rest_wrong(c, WL_EINVAL, "wording_sha256", "wording_sha256 is not the SHA-256 of wording");
        return 0;
    }
    int rc = wording_get(g->s, hash, g->a, &known, &why);
    if (rc == WL_ENOTFOUND)
        return rest_wrong(c, WL_EINVAL, "wording_sha256",
                          "no wording with this SHA-256 is known; send its text once as `wording`");
    if (rc != 0)
        return err_set(e, rc, "%s", why.text);
    row->wording = known.text;
    row->language = row->language.n > 0 ? row->language : known.language;
    return 0;
}

enum consent_rank rest_rank(const struct consent_row *row, const char **ret_lacks)
{
    const struct consent_ground g = {.act = row->event.act,
                                     .method = row->method,
                                     .source = row->source,
                                     .evidence = row->evidence,
                                     .actor = row->actor,
                                     .has_wording = row->wording.n > 0};
    return consent_rank(&g, ret_lacks);
}

bool rest_back_dated(const struct consent_row *row)
{
    return row->recorded_at - row->event.at > LATE_MS;
}

static bool read_texts(struct rest_call *c, struct json v, struct arena *a, struct consent_row *row)
{
    for (size_t i = 0; i < TEXTS; i++)
        if (!text_field(c, v, texts[i].key, texts[i].max, text_of(row, i)))
            return false;
    return check_method(c, row) && check_jurisdiction(c, row->jurisdiction) && evidence_field(c, v, a, &row->evidence);
}

int rest_consent_row(struct rest_call *c, const struct rest_ground *g, struct json v, struct consent_row *ret,
                     struct err *e)
{
    struct err why = {0};
    struct consent_row row = {.recorded_at = g->now, .actor = STR("api")};
    if (json_type(v) != JSON_OBJECT)
        return rest_wrong(c, WL_EINVAL, "consent", "consent must be an object");
    struct str twice = json_duplicate_key(v);
    if (twice.p != NULL)
        return rest_wrong(c, WL_EINVAL, NULL, "the key '%.*s' is given twice", (int)(twice.n < 64 ? twice.n : 64),
                          twice.p);
    if (!rest_known_keys(c, v, consent_keys) || !read_act(c, v, &row.event.act) ||
        !read_time(c, v, g->now, &row.event.at) || !read_expiry(c, v, &row.event))
        return 0;
    if (rest_scope(json_get(v, "scope"), &row.event.scope, &why) != 0)
        return rest_wrong(c, WL_EINVAL, "scope", "%s", why.text);
    if (!read_texts(c, v, g->a, &row))
        return 0;
    int rc = read_wording(c, g, v, &row, e);
    if (row.method.n == 0)
        row.method = str_of(g->default_method);
    row.event.rank = (int)rest_rank(&row, NULL);
    if (rc == 0 && c->problem.code == 0)
        *ret = row;
    return rc;
}

/* --- withdrawals, which are taken whatever else is wrong --- */

/* What the last check left in the call, told as a note. */
static void note_problem(struct rest_call *c, struct rest_notes notes, const char *field, const char *then)
{
    char why[2 * ERR_TEXT_MAX];
    snprintf(why, sizeof why, "%s; %s", c->problem.text, then);
    notes.note(notes.ctx, field, why);
    c->problem.code = 0;
}

static bool lenient_time(struct rest_call *c, struct json v, int64_t now, struct rest_notes notes, int64_t *ret)
{
    struct str at = json_str_or(json_get(v, "at"), STR(""));
    if (read_time(c, v, now, ret))
        return at.n > 0;
    *ret = now;
    note_problem(c, notes, "at", "the withdrawal counts from now");
    return false;
}

static void lenient_scope(struct rest_call *c, struct json v, struct rest_notes notes, consent_scope *ret)
{
    struct err why = {0};
    struct json scope = json_get(v, "scope");
    *ret = CONSENT_ALL;
    if (rest_no_scope(scope) || rest_scope(scope, ret, &why) == 0)
        return;
    rest_wrong(c, WL_EINVAL, "scope", "%s", why.text);
    note_problem(c, notes, "scope", "the withdrawal is taken for all");
}

static int lenient_texts(struct rest_call *c, const struct rest_ground *g, struct json v, struct rest_notes notes,
                         struct consent_row *row, struct err *e)
{
    for (size_t i = 0; i < TEXTS; i++)
        if (!text_field(c, v, texts[i].key, texts[i].max, text_of(row, i)))
            note_problem(c, notes, texts[i].key, "left out");
    if (!check_jurisdiction(c, row->jurisdiction)) {
        row->jurisdiction = STR("");
        note_problem(c, notes, "jurisdiction", "left out");
    }
    if (!evidence_field(c, v, g->a, &row->evidence))
        note_problem(c, notes, "evidence", "left out");
    if (!read_expiry(c, v, &row->event))
        note_problem(c, notes, "expires", "left out");
    int rc = read_wording(c, g, v, row, e);
    if (c->problem.code != 0)
        note_problem(c, notes, "wording_sha256", "left out");
    return rc;
}

int rest_withdrawal_row(struct rest_call *c, const struct rest_ground *g, struct json v, struct rest_notes notes,
                        struct consent_row *ret, bool *ret_dated, struct err *e)
{
    struct consent_row row = {.event = {.act = CONSENT_WITHDRAW}, .recorded_at = g->now, .actor = STR("api")};
    if (!rest_known_keys(c, v, consent_keys))
        note_problem(c, notes, NULL, "left out");
    *ret_dated = lenient_time(c, v, g->now, notes, &row.event.at);
    lenient_scope(c, v, notes, &row.event.scope);
    int rc = lenient_texts(c, g, v, notes, &row, e);
    if (row.method.n == 0)
        row.method = str_of(g->default_method);
    row.event.until = 0;
    row.event.rank = (int)rest_rank(&row, NULL);
    *ret = row;
    return rc;
}

/* --- recording --- */

int rest_record_consent(struct rest_call *c, struct store *s, struct person *p, struct consent_row *row,
                        size_t *ret_new, struct err *e)
{
    row->bucket = p->bucket;
    row->contact = p->id;
    row->id = store_id(s, row->recorded_at);
    int rc = ledger_append(s, row, 1, ret_new, e);
    if (rc == 0 && row->event.act == CONSENT_WITHDRAW)
        rest_refused(c, p);
    if (rc != 0)
        return rc;
    if (*ret_new > 0) /* one the ledger has already counts with the wording it has there */
        return people_say(s, p, NULL, &row->event, row->recorded_at, e);
    return people_save(s, p, 1, e);
}

bool rest_read_body(struct rest_call *c, struct json *ret)
{
    struct err why = {0};
    if (json_parse(thread_json(), c->body, true, ret, &why) == 0)
        return true;
    rest_wrong(c, WL_EINVAL, NULL, "the body: %s", why.text);
    return false;
}

/* Finds or creates the person. Who refused is looked for first: a call that is refused leaves no new person behind, except
 * one that was erased and is met again. */
static int person_of(struct rest_call *c, const struct rest_ground *g, const struct identity *key, bool timed,
                     const struct consent_row *row, struct person *ret, struct err *e)
{
    int rc = people_find(g->s, key, 1, ret, e);
    if (rc != 0 || (!timed && rest_wants_time(c, ret, row)))
        return rc;
    rc = people_ensure(g->s, key, 1, g->now, ret, e);
    if (rc == 0 && !timed)
        (void)rest_wants_time(c, ret, row);
    return rc;
}

int rest_consent_add(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct rest_ground g = {s, a, now, "api"};
    struct json root;
    struct err why = {0};
    struct consent_row row;
    struct identity key;
    struct person p;
    if (!rest_read_body(c, &root))
        return 0;
    if (identity_written(&c->g->phones, json_str_or(json_get(root, "who"), STR("")), &key, &why) != 0)
        return rest_wrong(c, WL_EINVAL, "who", "%s", why.text);
    if (json_type(json_get(root, "act")) == JSON_ABSENT)
        return rest_wrong(c, WL_EINVAL, "act", "act must be grant or withdraw");
    int rc = rest_consent_row(c, &g, root, &row, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    size_t fresh = 0;
    rc = person_of(c, &g, &key, rest_is_timed(root, now), &row, &p, e);
    if (rc == 0 && c->problem.code == 0)
        rc = rest_record_consent(c, s, &p, &row, &fresh, e);
    if (rc == 0 && c->problem.code != 0)
        return 0;
    if (rc != 0)
        return rc;
    char id[48];
    rest_contact_id(&p, id);
    jo_object(&c->out);
    jo_kcstr(&c->out, "contact", id);
    jo_kbool(&c->out, "new", fresh > 0);
    rest_consent_fate(&c->out, &p, &row);
    rest_consent_members(&c->out, &p);
    jo_end(&c->out);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 * rest_contacts.c - contacts in (with their consents) and one contact out.
 *
 * An import is idempotent: the same rows a second time create nothing and record no consent twice. A row with a mistake
 * is named and left out; the others are taken. An opt-out already recorded is never undone by an import, because
 * consent counts by the time it was given, not by when a file arrived; so a grant without its time is a mistake.
 *
 * A withdrawal without its time counts from when its file came first, under whatever name: the same file again does not
 * withdraw what was agreed to in between.
 *
 * What is wrong beside the point is a warning, and the row is taken without it: a zone nobody knows, a name too long. A
 * withdrawal is taken as long as it can be told who withdraws: a mistake there must not keep messages going. Of
 * somebody who is to be erased nothing but a withdrawal is taken: an import must not bring back what is to go. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "gateway/admit.h"
#include "gateway/rest_contact.h"
#include "gateway/rest_person.h"
#include "store/messages.h"

#define IMPORT_ROWS_MAX 1000
#define MESSAGES_SHOWN  50

/* --- what other files of this face share ---------------------------------------------------------------------------- */

void rest_contact_id(const struct person *p, char out[48])
{
    snprintf(out, 48, "c%lld-%d", (long long)p->id, p->bucket);
}

void rest_time(struct json_out *o, const char *key, int64_t ms)
{
    char text[TIME_TEXT];
    jo_kcstr(o, key, ms != 0 ? time_text(ms, text) : NULL);
}

static bool parse_contact_id(struct str who, int64_t *ret_id, int *ret_bucket)
{
    struct str bucket, id;
    int64_t b;
    if (who.n < 4 || who.p[0] != 'c')
        return false;
    id = str_cut((struct str){who.p + 1, who.n - 1}, '-', &bucket);
    if (!str_i64(id, ret_id) || !str_i64(bucket, &b) || b < 0 || b >= STORE_BUCKETS)
        return false;
    *ret_bucket = (int)b;
    return true;
}

int rest_find_person(struct rest_call *c, struct store *s, struct str who, struct person *ret, struct err *e)
{
    int64_t id;
    int bucket;
    struct identity key;
    struct err why = {0};
    *ret = (struct person){0};
    if (parse_contact_id(who, &id, &bucket)) {
        int rc = people_get(s, bucket, id, ret, e);
        if (rc == WL_ENOTFOUND)
            return rest_wrong(c, WL_ENOTFOUND, NULL, "nobody is known by this contact id");
        return rc;
    }
    if (identity_written(&c->g->phones, who, &key, &why) != 0)
        return rest_wrong(c, WL_EINVAL, "who", "%s", why.text);
    int rc = people_find(s, &key, 1, ret, e);
    if (rc == 0 && ret->id == 0)
        return rest_wrong(c, WL_ENOTFOUND, NULL, "nobody is known by this %s", identity_kind_name(key.kind));
    return rc;
}

/* --- import --------------------------------------------------------------------------------------------------------- */

struct import {
    struct rest_call *c;
    struct store *s;
    struct arena *a;
    int64_t now;
    struct str source;
    int64_t file;  /* import_source its contacts come from; 0 none was named */
    int64_t first; /* when that file came first */
    int64_t created, updated, unchanged, consents, withdrawals, refused;
    struct buf warned; /* an array */
    struct json_out warnings;
    int64_t row; /* the one being read */
};

static void put_note(struct json_out *o, int64_t row, const char *field, const char *why)
{
    jo_object(o);
    jo_kint(o, "row", row);
    if (field != NULL)
        jo_kcstr(o, "field", field);
    jo_kcstr(o, "message", why);
    jo_end(o);
}

/* The row is left out. */
static bool row_error(struct import *im, const char *field, const char *why)
{
    put_note(&im->c->out, im->row, field, why);
    return false;
}

/* The row is taken without the field. */
static void row_warning(void *import, const char *field, const char *why)
{
    struct import *im = import;
    put_note(&im->warnings, im->row, field, why);
}

struct import_row {
    struct identity key, also; /* phone first, else user id; also: the user id beside a phone */
    struct str name, lang, zone;
    bool clear_zone;
    bool has_consent, undated; /* undated: a withdrawal that says no time */
    bool ahead;                /* a grant whose time has not come by our clock */
    struct consent_row consent;
    struct rest_said said;
};

static const char *const row_keys[] = {"row",  "phone",   "user_id",    "name", "lang",
                                       "zone", "consent", "attributes", "tags", NULL};
static const char *const import_keys[] = {"source", "contacts", "import", NULL};

/* The row's mistake that the last check left in the call, moved to the row. */
static bool row_refused(struct import *im, const char *field)
{
    im->c->problem.code = 0;
    return row_error(im, field, im->c->problem.text);
}

static bool withdraws(struct json consent)
{
    return str_eq(json_str_or(json_get(consent, "act"), STR("")), STR("withdraw"));
}

/* False: the row is left out, or the store failed (*ret_rc). */
static bool read_row_consent(struct import *im, struct json consent, struct import_row *ret, int *ret_rc, struct err *e)
{
    const struct rest_ground g = {im->s, im->a, im->now, "import"};
    bool dated = true;
    if (json_type(consent) == JSON_ABSENT || json_type(consent) == JSON_NULL)
        return true;
    if (withdraws(consent))
        *ret_rc =
            rest_withdrawal_row(im->c, &g, consent, (struct rest_notes){row_warning, im}, &ret->consent, &dated, e);
    else
        *ret_rc = rest_consent_row(im->c, &g, consent, &ret->consent, e);
    if (*ret_rc != 0)
        return false;
    if (im->c->problem.code != 0)
        return row_refused(im, im->c->field);
    if (!withdraws(consent) && json_str_or(json_get(consent, "at"), STR("")).n == 0)
        return row_error(im, "at", "a grant needs at: when did the person agree?");
    ret->has_consent = true;
    ret->undated = !dated;
    if (!dated && im->first != 0)
        ret->consent.event.at = im->first;
    ret->ahead = !withdraws(consent) && !rest_is_timed(consent, im->now);
    if (ret->consent.source.n == 0)
        ret->consent.source = im->source;
    ret->consent.event.rank = (int)rest_rank(&ret->consent, NULL);
    return true;
}

/* Who it is. With `lenient` one of two names is enough. */
static bool read_names(struct import *im, struct json v, bool lenient, struct import_row *ret)
{
    struct err why = {0};
    struct identity id;
    struct str phone = str_trim(json_str_or(json_get(v, "phone"), STR(""))),
               user = str_trim(json_str_or(json_get(v, "user_id"), STR("")));
    if (phone.n == 0 && user.n == 0)
        return row_error(im, "phone", "a row needs a phone number or a user id");
    if (phone.n > 0 && identity_phone_written(&im->c->g->phones, phone, &ret->key, &why) != 0) {
        ret->key.kind = IDENTITY_NONE;
        if (!lenient || user.n == 0 || identity_user_id(user, &id, NULL) != 0)
            return row_error(im, "phone", why.text);
        row_warning(im, "phone", why.text);
    }
    if (user.n > 0 && identity_user_id(user, ret->key.kind != IDENTITY_NONE ? &ret->also : &ret->key, &why) != 0) {
        ret->also.kind = IDENTITY_NONE;
        if (!lenient || ret->key.kind == IDENTITY_NONE)
            return row_error(im, "user_id", why.text);
        row_warning(im, "user_id", why.text);
    }
    return true;
}

/* A text that is left out when it is too long: half a name would be another one. */
static struct str short_text(struct import *im, struct json v, const char *field, size_t size)
{
    char why[80];
    struct str s = str_trim(json_str_or(json_get(v, field), STR("")));
    if (s.n < size)
        return s;
    snprintf(why, sizeof why, "it has more than %zu bytes and is left out", size - 1);
    row_warning(im, field, why);
    return STR("");
}

/* "-" takes the zone away, an empty one leaves it as it is. */
static void read_zone(struct import *im, struct json v, struct import_row *ret)
{
    char why[256];
    struct str zone = str_trim(json_str_or(json_get(v, "zone"), STR("")));
    ret->clear_zone = str_eq(zone, STR("-"));
    if (zone.n == 0 || ret->clear_zone)
        return;
    if (admit_zone_known(im->c->g->admit, zone)) {
        ret->zone = zone;
        return;
    }
    if (admit_places_known(im->c->g->admit))
        snprintf(
            why, sizeof why,
            "no time zone of the database is named '%.*s' (it is written like America/Sao_Paulo); the zone is left "
            "out, and the number tells",
            (int)(zone.n < ZONE_NAME_MAX ? zone.n : ZONE_NAME_MAX), zone.p);
    else
        snprintf(why, sizeof why, "there is no time zone database on the gateway's machine; the zone is left out");
    row_warning(im, "zone", why);
}

static bool read_said(struct import *im, struct json v, bool lenient, struct import_row *ret)
{
    if (rest_said_read(im->c, v, &ret->said))
        return true;
    if (!lenient)
        return row_refused(im, im->c->field);
    ret->said = (struct rest_said){.attributes = {0}};
    im->c->problem.code = 0;
    row_warning(im, im->c->field, im->c->problem.text);
    return true;
}

/* Reads and checks one row without writing anything. False: it is left out, or the store failed (*ret_rc). */
static bool read_row(struct import *im, struct json v, struct import_row *ret, int *ret_rc, struct err *e)
{
    struct json consent = json_get(v, "consent");
    bool lenient = withdraws(consent);
    *ret = (struct import_row){.clear_zone = false};
    if (!read_names(im, v, lenient, ret))
        return false;
    if (!rest_known_keys(im->c, v, row_keys)) {
        if (!lenient)
            return row_refused(im, NULL);
        im->c->problem.code = 0;
        row_warning(im, NULL, im->c->problem.text);
    }
    if (!read_row_consent(im, consent, ret, ret_rc, e) || !read_said(im, v, lenient, ret))
        return false;
    ret->name = short_text(im, v, "name", PERSON_NAME_MAX);
    ret->lang = short_text(im, v, "lang", sizeof((struct person *)NULL)->lang);
    read_zone(im, v, ret);
    return true;
}

static bool set_text(char *out, size_t size, struct str s)
{
    if (s.n == 0 || s.n >= size || (strlen(out) == s.n && memcmp(out, s.p, s.n) == 0))
        return false;
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return true;
}

static bool set_zone(struct person *p, const struct import_row *row)
{
    if (!row->clear_zone)
        return set_text(p->zone, sizeof p->zone, row->zone);
    bool changed = p->zone[0] != '\0';
    p->zone[0] = '\0';
    return changed;
}

/* A withdrawal without a time is recorded once: the next import of the same file has nothing to add. */
static bool nothing_to_withdraw(const struct person *p, const struct import_row *row)
{
    for (int category = 0; row->undated && category < CATEGORY_COUNT; category++)
        if ((row->consent.event.scope & CONSENT_SCOPE(category)) && p->consent.of[category].status != CONSENT_WITHDRAWN)
            return false;
    return row->undated;
}

/* Whose row it is, with all names it gives. */
static int row_person(struct import *im, const struct import_row *row, struct person *ret, bool *ret_created,
                      struct err *e)
{
    int rc = people_find(im->s, &row->key, 1, ret, e);
    *ret_created = rc == 0 && ret->id == 0;
    if (*ret_created)
        rc = people_ensure(im->s, &row->key, 1, im->now, ret, e);
    if (rc == 0 && row->also.kind != IDENTITY_NONE && ret->restricted_until == 0)
        rc = people_add_identity(im->s, ret, &row->also, im->now, e);
    return rc;
}

/* Attributes, tags and where they came from. */
static int write_said(struct import *im, const struct import_row *row, const struct person *p, bool *ret_changed,
                      struct err *e)
{
    bool full = false;
    int rc = rest_said_write(im->s, im->a, p, &row->said, im->file, im->now, ret_changed, &full, e);
    if (rc == 0 && full)
        row_warning(im, "attributes",
                    "the contact has as many attributes or tags as there may be; the rest is left out");
    if (rc == 0 && im->file != 0)
        rc = contact_source_put(im->s, p->bucket, p->id, im->file, im->now, NULL, e);
    return rc;
}

/* What was recorded, and where it lifted no refusal. */
static void count_consent(struct import *im, const struct import_row *row, const struct person *p, size_t fresh)
{
    bool refused = false;
    if (!row->has_consent)
        return;
    if (row->consent.event.act == CONSENT_WITHDRAW) {
        im->withdrawals += (int64_t)fresh;
        return;
    }
    for (int category = 0; category < CATEGORY_COUNT; category++)
        refused |= (row->consent.event.scope & CONSENT_SCOPE(category)) != 0 &&
                   p->consent.of[category].status == CONSENT_WITHDRAWN;
    im->consents += (int64_t)fresh;
    im->refused += refused;
}

/* The row of somebody who is to be erased. */
static int write_withdrawal(struct import *im, struct import_row *row, struct person *p, struct err *e)
{
    bool withdraws = row->has_consent && row->consent.event.act == CONSENT_WITHDRAW;
    size_t fresh = 0;
    int rc = 0;
    row_warning(im, NULL,
                withdraws ? "they asked to be erased: the withdrawal is taken, and nothing else of the row"
                          : "they asked to be erased: nothing new is written of them, and the row is left out");
    if (withdraws && !nothing_to_withdraw(p, row))
        rc = rest_record_consent(im->c, im->s, p, &row->consent, &fresh, e);
    im->withdrawals += (int64_t)fresh;
    im->updated += fresh > 0;
    im->unchanged += fresh == 0;
    return rc;
}

static int write_row(struct import *im, struct import_row *row, struct err *e)
{
    struct person p;
    bool created = false, changed = false;
    int rc = row_person(im, row, &p, &created, e);
    if (rc != 0)
        return rc;
    if (p.restricted_until != 0)
        return write_withdrawal(im, row, &p, e);
    if (row->ahead && rest_wants_time(im->c, &p, &row->consent)) {
        row_refused(im, im->c->field);
        return 0;
    }
    changed |= set_text(p.name, sizeof p.name, row->name);
    changed |= row->name.n > 0 && p.name_at != 0;
    p.name_at = row->name.n > 0 ? 0 : p.name_at; /* the business gave it: what webhooks say does not change it */
    changed |= set_text(p.lang, sizeof p.lang, row->lang);
    changed |= set_zone(&p, row);
    size_t fresh = 0;
    bool said = false;
    if (row->has_consent && !nothing_to_withdraw(&p, row))
        rc = rest_record_consent(im->c, im->s, &p, &row->consent, &fresh, e);
    else if (changed)
        rc = people_save(im->s, &p, 1, e);
    if (rc == 0)
        rc = write_said(im, row, &p, &said, e);
    changed |= said;
    count_consent(im, row, &p, fresh);
    im->created += created;
    im->updated += !created && (changed || fresh > 0);
    im->unchanged += !created && !changed && fresh == 0;
    return rc;
}

/* The answer's errors, row by row. */
static int import_rows(struct import *im, struct json list, struct err *e)
{
    int64_t at = 0;
    jo_object(&im->c->out);
    jo_key(&im->c->out, "errors");
    jo_array(&im->c->out);
    jo_array(&im->warnings);
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct import_row row;
        im->row = ++at;
        json_i64(json_get(it.value, "row"), &im->row);
        int rc = 0;
        if (read_row(im, it.value, &row, &rc, e))
            rc = write_row(im, &row, e);
        if (rc != 0)
            return rc;
    }
    jo_end(&im->c->out);
    jo_end(&im->warnings);
    return 0;
}

static void import_answer(struct import *im)
{
    struct json_out *o = &im->c->out;
    jo_key(o, "warnings");
    jo_raw(o, buf_str(&im->warned));
    jo_kint(o, "created", im->created);
    jo_kint(o, "updated", im->updated);
    jo_kint(o, "unchanged", im->unchanged);
    jo_kint(o, "consents", im->consents);
    jo_kint(o, "withdrawals", im->withdrawals);
    jo_kint(o, "refused", im->refused);
    jo_end(o);
}

int rest_contacts_import(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct json root;
    struct err why = {0};
    if (json_parse(thread_json(), c->body, true, &root, &why) != 0)
        return rest_wrong(c, WL_EINVAL, NULL, "the body: %s", why.text);
    if (!rest_known_keys(c, root, import_keys))
        return 0;
    struct json list = json_get(root, "contacts");
    if (json_type(list) != JSON_ARRAY || json_count(list) > IMPORT_ROWS_MAX)
        return rest_wrong(c, WL_EINVAL, "contacts", "contacts must be an array of at most %d rows", IMPORT_ROWS_MAX);
    struct import im = {.c = c, .s = s, .a = a, .now = now, .source = json_str_or(json_get(root, "source"), STR(""))};
    int rc = rest_import_source(c, s, json_get(root, "import"), now, &im.file, e);
    if (rc == 0 && im.file != 0)
        rc = import_source_first(s, im.file, &im.first, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    buf_init(&im.warned, REST_ANSWER_MAX / 2);
    json_out_init(&im.warnings, &im.warned);
    rc = import_rows(&im, list, e);
    if (rc == 0)
        import_answer(&im);
    buf_done(&im.warned);
    return rc;
}

/* --- show ----------------------------------------------------------------------------------------------------------- */

static int show_identities(struct json_out *o, struct store *s, const struct person *p, struct err *e)
{
    struct identity ids[32];
    size_t n = 0;
    int rc = people_identities(s, p->bucket, p->id, ids, 32, &n, e);
    jo_key(o, "identities");
    jo_array(o);
    for (size_t i = 0; i < n; i++) {
        jo_object(o);
        jo_kcstr(o, "kind", identity_kind_name(ids[i].kind));
        jo_kcstr(o, "value", ids[i].value);
        jo_end(o);
    }
    jo_end(o);
    return rc;
}

static int show_windows(struct rest_call *c, struct store *s, const struct person *p, int64_t now, struct err *e)
{
    struct json_out *o = &c->out;
    struct snapshot *snap = snapshot_borrow(c->g->snapshots);
    const struct sender *senders;
    size_t n = snapshot_senders(snap, &senders);
    int64_t length = 0, margin = 0;
    ruleset_value(rules_current(c->g)->ruleset, "window.closed", "window", now, &length);
    ruleset_value(rules_current(c->g)->ruleset, "window.closed", "margin", now, &margin);
    int rc = 0;
    jo_key(o, "windows");
    jo_array(o);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct pair pair = {.bucket = p->bucket, .contact = p->id, .sender = senders[i].id};
        rc = pairs_get(s, &pair, 1, e);
        if (rc != 0 || pair.last_inbound == 0)
            continue;
        char id[24];
        snprintf(id, sizeof id, "%lld", (long long)senders[i].id);
        jo_object(o);
        jo_kcstr(o, "sender", id);
        rest_time(o, "last_inbound", pair.last_inbound);
        rest_time(o, "open_until", pair.last_inbound + length - margin);
        jo_end(o);
    }
    jo_end(o);
    snapshot_return(snap);
    return rc;
}

static int show_messages(struct json_out *o, struct store *s, struct arena *a, const struct person *p, int64_t now,
                         struct err *e)
{
    struct message *m;
    size_t n = 0;
    int rc = messages_of(s, p->bucket, p->id, a, MESSAGES_SHOWN, &m, &n, e);
    jo_key(o, "messages");
    jo_array(o);
    for (size_t i = 0; i < n; i++) {
        char id[STORE_ID_TEXT];
        jo_object(o);
        jo_kcstr(o, "id", store_id_text(m[i].bucket, m[i].id, id));
        rest_time(o, "at", m[i].ts);
        jo_kcstr(o, "type", m[i].type);
        jo_kcstr(o, "category", category_name((enum category)m[i].life.category));
        jo_kcstr(o, "state", life_word(&m[i].life, m[i].seen, m[i].valid_until, now));
        jo_kint(o, "code", rest_message_code(&m[i]));
        rest_seen(o, m[i].seen);
        jo_end(o);
    }
    jo_end(o);
    return rc;
}

int rest_contacts_show(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct person p;
    int rc = rest_find_person(c, s, c->param, &p, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    char id[48];
    bool cut;
    rest_contact_id(&p, id);
    jo_object(&c->out);
    jo_kcstr(&c->out, "id", id);
    jo_kcstr(&c->out, "name", p.name);
    jo_kcstr(&c->out, "lang", p.lang);
    jo_kcstr(&c->out, "zone", p.zone);
    rest_time(&c->out, "created_at", p.created_at);
    rest_consent_members(&c->out, &p);
    rest_time(&c->out, "undeliverable_at", p.undeliverable_at);
    rest_time(&c->out, "restricted_until", p.restricted_until);
    rc = show_identities(&c->out, s, &p, e);
    if (rc == 0)
        rc = rest_activity_show(&c->out, s, &p, now, e);
    if (rc == 0)
        rc = rest_said_show(&c->out, s, a, &p, &cut, e);
    if (rc == 0)
        rc = show_windows(c, s, &p, now, e);
    if (rc == 0)
        rc = show_messages(&c->out, s, a, &p, now, e);
    jo_end(&c->out);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0
 * rest_campaign_check.c - /campaigns/{id}/check, /preview and /verify: what was found before it began, and whether that is still what
 * somebody stood for.
 *
 * To verify is to work out anew what can be: the hash of the plan from what the database holds now, and the approval from the ledger: the
 * record, its salt, the entry that commits to them, and the proof that the entry lies below a signed checkpoint. Each thing that does not
 * fit is a sentence. Somebody who was erased since is no forgery, and may hide one: the plan's hash cannot be worked out any more, so the
 * answer is neither yes nor no. */
#include "core/tlog.h"
#include "gateway/campaign_check.h"
#include "gateway/campaign_id.h"
#include "gateway/campaign_listings.h"
#include "gateway/rest_campaign.h"
#include "store/ledger.h"

#define CHECK_BYTES     (256u << 20)
#define EVENTS_MOST     10000
#define PREVIEW_DEFAULT 5
#define PREVIEW_MOST    50

/* --- the check -------------------------------------------------------------------------------------------------------------- */

static int no_check(struct rest_call *c, const struct campaign_row *v)
{
    return rest_wrong(c, WL_ECONFLICT, NULL, "the campaign %s",
                      v->busy ? "is being checked just now: try again when it is done" : "was not checked yet");
}

static int show_check(struct rest_call *c, struct store *s, const struct campaign_row *v,
                      const struct campaign_check_row *k, struct err *e)
{
    char hex[SHA256_HEX];
    struct json_out *o = &c->out;
    hex_encode(k->audience_hash, SHA256_BYTES, hex);
    jo_object(o);
    int rc = rest_campaign_members(c, s, v, e);
    jo_kcstr(o, "audience_hash", v->planned ? hex : NULL);
    jo_key(o, "report");
    jo_raw(o, k->report.n > 0 ? k->report : STR("null"));
    jo_end(o);
    return rc;
}

int rest_campaign_check(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct campaign_check_row k;
    struct campaign_row v;
    struct err why = {0};
    (void)now;
    int rc = rest_find_campaign(c, s, a, &v, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    struct arena *large = arena_create(CHECK_BYTES);
    rc = large == NULL ? err_set(&why, WL_ENOMEM, "out of memory") : campaign_check_get(s, v.id, large, &k, &why);
    if (rc == 0)
        rc = show_check(c, s, &v, &k, &why);
    arena_free(large);
    if (rc == WL_ENOTFOUND)
        return no_check(c, &v);
    if (rc != 0)
        *e = why;
    return rc;
}

/* --- what they will get -------------------------------------------------------------------------------------------------------- */

struct preview_query {
    size_t limit;
    int64_t place;
};

static bool read_limit(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_size(v, PREVIEW_MOST, &((struct preview_query *)to)->limit);
}

static bool read_place(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_id(v, &((struct preview_query *)to)->place);
}

static const struct rest_parameter preview_parameters[] = {
    {"limit", read_limit, "limit is a number from 1 to 50", false},
    {"place", read_place, "place is a number from 1 on: whose turn it is first, second, ...", false},
    {NULL, NULL, NULL, false},
};

int rest_campaign_preview(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct preview_query q = {.limit = PREVIEW_DEFAULT, .place = 1};
    struct campaign_row v;
    if (!rest_query(c, a, preview_parameters, &q, now))
        return 0;
    int rc = rest_find_campaign(c, s, a, &v, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    if (!v.planned)
        return no_check(c, &v);
    jo_object(&c->out);
    jo_key(&c->out, "preview");
    rc = campaign_preview_write(c->g, s, &v, q.place, q.limit, &c->out, e);
    jo_end(&c->out);
    return rc;
}

/* --- whether it is what was approved -------------------------------------------------------------------------------------------- */

struct verify {
    struct rest_call *c;
    struct store *s;
    struct arena *a;
    const struct campaign_row *v;
    const struct campaign_event_row *approval; /* NULL: there is none */
    const char *problem[12];
    size_t n_problems;
    char listing[LISTING_WHICH];
    bool untellable; /* people were erased since: what the plan's hash would say nobody knows */
};

static void wrong(struct verify *x, const char *sentence)
{
    if (x->n_problems < sizeof x->problem / sizeof x->problem[0])
        x->problem[x->n_problems++] = sentence;
}

static int verify_plan(struct verify *x, struct err *e)
{
    uint8_t hash[SHA256_BYTES];
    char kept[SHA256_HEX], anew[SHA256_HEX];
    struct json_out *o = &x->c->out;
    int64_t erased = 0;
    if (!x->v->planned) {
        jo_kcstr(o, "plan", NULL);
        wrong(x, "it has no plan: it was not checked since it was changed last");
        return 0;
    }
    int rc = campaign_plan_hash(x->s, x->v, hash, &erased, e);
    if (rc != 0)
        return rc;
    bool same = digest_equal(hash, x->v->plan, SHA256_BYTES);
    hex_encode(x->v->plan, SHA256_BYTES, kept);
    hex_encode(hash, SHA256_BYTES, anew);
    jo_kcstr(o, "plan", kept);
    jo_kcstr(o, "recomputed", anew);
    jo_kbool(o, "same", same);
    jo_kint(o, "erased", erased);
    x->untellable = !same && erased > 0;
    if (!same && erased == 0)
        wrong(x, "the definition, the check's report or somebody's row is not what it was when the plan was made");
    return 0;
}

/* What templates say now beside what they said when everybody was chosen. */
static int verify_listings(struct verify *x, struct err *e)
{
    struct campaign_check_row k = {0};
    struct arena *large = arena_create(CHECK_BYTES);
    bool same = true;
    int rc = large != NULL ? campaign_check_get(x->s, x->v->id, large, &k, e) : err_set(e, WL_ENOMEM, "out of memory");
    if (rc == 0)
        rc = campaign_listings_same(x->s, k.report, &same, x->listing, e);
    arena_free(large);
    if (rc == 0 && !same)
        wrong(x, x->listing);
    return rc;
}

static void find_approval(struct verify *x, const struct campaign_event_row *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].act == CAMPAIGN_ACT_APPROVE)
            x->approval = &v[i];
}

static bool says(struct json root, const char *key, struct str text)
{
    struct str s;
    return json_str(json_get(root, key), &s) && str_eq(s, text);
}

static bool counts(struct json root, const char *key, int64_t n)
{
    int64_t said;
    return json_i64(json_get(root, key), &said) && said == n;
}

/* What its record says beside what it is now. */
static void compare_record(struct verify *x)
{
    const struct campaign_event_row *ev = x->approval;
    struct json root;
    char plan[SHA256_HEX], id[STORE_ID_TEXT];
    hex_encode(x->v->plan, SHA256_BYTES, plan);
    if (json_parse(thread_json(), ev->record, false, &root, NULL) != 0) {
        wrong(x, "the record of the approval cannot be read");
        return;
    }
    if (!says(root, "plan", str_of(plan)))
        wrong(x, "the plan is another one than the approval names");
    if (!says(root, "campaign", str_of(campaign_id_text(x->v->id, id))))
        wrong(x, "the approval is that of another campaign");
    if (!says(root, "approved_by", ev->actor) || !says(root, "approved_by", x->v->approved_by))
        wrong(x, "the approval names somebody else than the campaign's history");
    if (!says(root, "name", x->v->name) || !says(root, "created_by", x->v->created_by))
        wrong(x, "the approval is of a campaign with another name, or that somebody else made");
    if (!counts(root, "people", x->v->people) || !counts(root, "in_audience", x->v->audience))
        wrong(x, "the approval is for other numbers of people");
}

/* "salt", and whether the entry commits to the record under it. */
static int verify_entry(struct verify *x, const struct log_entry *entry, struct err *e)
{
    uint8_t key[LEAF_KEY_BYTES], salt[SHA256_BYTES], commit[SHA256_BYTES];
    char hex[SHA256_HEX];
    struct leaf leaf;
    struct buf text;
    int rc = subject_key_get(x->s, CAMPAIGN_BUCKET, 0, key, e);
    if (rc == 0)
        rc = leaf_read(entry->bytes, LEAF_BYTES, &leaf, e);
    if (rc != 0)
        return rc;
    leaf_salt(key, (uint64_t)x->approval->n, salt);
    leaf_commit(salt, x->approval->record, commit);
    hex_encode(salt, sizeof salt, hex);
    buf_init(&text, 512);
    base64_encode(&text, entry->bytes, LEAF_BYTES);
    jo_kcstr(&x->c->out, "salt", hex);
    jo_kstr(&x->c->out, "entry", buf_str(&text));
    buf_done(&text);
    if (leaf.kind != LEAF_CAMPAIGN || !digest_equal(commit, leaf.commit, sizeof commit))
        wrong(x, "the ledger's entry does not commit to the record of the approval");
    return 0;
}

static int verify_approval(struct verify *x, struct err *e)
{
    const struct campaign_event_row *ev = x->approval;
    struct json_out *o = &x->c->out;
    struct log_entry entry;
    size_t n = 0;
    bool sealed = false;
    jo_key(o, "approval");
    if (ev == NULL) {
        jo_null(o);
        wrong(x, "nobody approved it");
        return 0;
    }
    int rc = log_read(x->s, ev->leaf, 1, &entry, &n, e);
    jo_object(o);
    rest_time(o, "at", ev->at);
    jo_kstr(o, "actor", ev->actor);
    jo_kstr(o, "record", ev->record);
    jo_kint(o, "leaf", ev->leaf);
    compare_record(x);
    if (rc == 0 && n == 0)
        wrong(x, "the ledger has no entry of the approval");
    if (rc == 0 && n == 1)
        rc = verify_entry(x, &entry, e);
    if (rc == 0 && n == 1)
        rc = rest_ledger_proof(x->c, x->a, &entry, &sealed, e);
    jo_kbool(o, "sealed", sealed);
    jo_end(o);
    return rc;
}

int rest_campaign_verify(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct campaign_event_row *ev = NULL;
    struct campaign_row v;
    struct verify x = {.c = c, .s = s, .a = a, .v = &v};
    struct err why = {0};
    char id[STORE_ID_TEXT];
    size_t n = 0;
    (void)now;
    int rc = rest_find_campaign(c, s, a, &v, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    jo_object(&c->out);
    jo_kcstr(&c->out, "id", campaign_id_text(v.id, id));
    jo_kstr(&c->out, "name", v.name);
    rc = campaign_events(s, v.id, a, EVENTS_MOST, &ev, &n, &why);
    find_approval(&x, ev, rc == 0 ? n : 0);
    if (rc == 0)
        rc = verify_plan(&x, &why);
    if (rc == 0 && v.planned)
        rc = verify_listings(&x, &why);
    if (rc == 0)
        rc = verify_approval(&x, &why);
    if (rc == WL_ECORRUPT || rc == WL_ENOTFOUND || rc == WL_EINVAL)
        return rest_wrong(c, WL_ECORRUPT, NULL, "%s", why.text); /* an answer, and nothing that failed */
    jo_key(&c->out, "sound");
    if (x.n_problems == 0 && x.untellable)
        jo_null(&c->out);
    else
        jo_bool(&c->out, x.n_problems == 0);
    jo_key(&c->out, "problems");
    jo_array(&c->out);
    for (size_t i = 0; i < x.n_problems; i++)
        jo_cstr(&c->out, x.problem[i]);
    jo_end(&c->out);
    jo_end(&c->out);
    if (rc != 0)
        *e = why;
    return rc;
}

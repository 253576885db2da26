/* SPDX-License-Identifier: Apache-2.0
 * test_apply_order.c - the same webhooks lead to the same state: shuffled, repeated, split to single events, merged.
 *
 * Two sets of bodies: those of public SDKs (the case file), and bodies made up from a seed: people with numbers, user ids and
 * parent ids, who change them and hand numbers on, who stop, resume and sign up, some of it in the same second; statuses of
 * messages we know and do not know; every word about templates, accounts and numbers. What would hurt: an opt-out that counts
 * or not by the luck of delivery. On a difference the bodies it takes are searched for and printed. */
#include "order_world.h"

#include "core/callback.h"
#include "core/webhook_split.h"

/* --- bodies -------------------------------------------------------------------------------------------------------- */

#define BODIES_MAX 2000

struct bodies {
    struct arena *a;
    struct told v[BODIES_MAX];
    size_t n;
    uint64_t seed;
    bool made_up;
};

static uint64_t draw(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed * UINT64_C(0x2545F4914F6CDD1D);
}

static size_t any(uint64_t *seed, size_t n)
{
    return (size_t)(draw(seed) >> 33) % n;
}

static void put_body(struct bodies *b, const char *text, int64_t stored_at)
{
    size_t n = strlen(text);
    char *kept = arena_strndup(b->a, text, n);
    assert_non_null(kept);
    assert_true(b->n < BODIES_MAX);
    b->v[b->n++] = (struct told){{kept, n}, stored_at};
}

/* --- made up ------------------------------------------------------------------------------------------------------- */

#define T0     (NOW / 1000 - 90000) /* seconds; everything happens after it and before NOW */
#define PEOPLE 8
#define LATER  40000 /* seconds from T0 at which who changes names does */

static const struct person_made {
    const char *phone, *user, *parent;             /* "" none known to Meta's webhooks */
    const char *new_phone, *new_user, *new_parent; /* from LATER on; "" as before */
    bool hidden_change;                            /* the change is told without user ids */
} made[PEOPLE] = {
    {"15550000001", "US.1", "US.ENT.1", "", "", "", false},
    {"15550000002", "US.2", "", "15550000012", "US.12", "", false},
    {"15550000003", "US.3", "US.ENT.3", "", "US.13", "US.ENT.13", false},
    {"15550000004", "US.4", "", "15550000014", "US.14", "", false},
    {"15550000004", "US.5", "", "", "", "", false}, /* got the number of the one before, after LATER */
    {"15550000006", "US.6", "", "15550000016", "US.16", "", true},
    {"15550000007", "", "", "", "", "", false},
    {"15550000008", "US.8", "US.ENT.8", "15550000018", "", "", false}, /* the new user id is never told */
};

struct maker {
    struct bodies *b;
    uint64_t *seed;
    struct buf body;
    bool of_one; /* a message has one account */
    char opaque[WORLD_MESSAGES][CALLBACK_MAX + 1];
};

/* Seconds: few, so that many things happen in the same one. */
static long long when(struct maker *m, long long from, long long to)
{
    long long step = (to - from) / 8;
    return T0 + from + (long long)any(m->seed, 8) * step;
}

static void envelope(struct maker *m, const char *field, long long time, const char *value)
{
    char entry[40] = "";
    if (time != 0)
        snprintf(entry, sizeof entry, "\"time\":%lld,", time);
    buf_clear(&m->body);
    buf_printf(&m->body,
               "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"%s\",%s\"changes\":[{\"field\":\"%s\","
               "\"value\":{%s}}]}]}",
               m->of_one || any(m->seed, 4) != 0 ? "2000" : "2001", entry, field, value);
    assert_false(m->body.failed);
    put_body(m->b, m->body.data, NOW);
}

#define METADATA                                                                                                       \
    "\"messaging_product\":\"whatsapp\",\"metadata\":{\"display_phone_number\":\"1555999000%d\",\"phone_number_id\":"  \
    "\"%d\"}"

struct names {
    const char *phone, *user, *parent;
};

/* Of the names a person has at a time, the ones that this webhook tells. A number that goes from hand to hand is never told
 * alone. */
static struct names told_names(struct maker *m, size_t who, bool later)
{
    const struct person_made *p = &made[who];
    struct names n = {p->phone, p->user, p->parent};
    if (later && p->new_phone[0] != '\0')
        n.phone = p->new_phone;
    if (later && (p->new_user[0] != '\0' || p->new_phone[0] != '\0'))
        n.user = p->new_user;
    if (later && p->new_parent[0] != '\0')
        n.parent = p->new_parent;
    bool handed_on = strcmp(n.phone, "15550000004") == 0;
    size_t how = any(m->seed, 4);
    if (how == 0 && n.user[0] != '\0')
        n.phone = "";
    else if (how == 1 && !handed_on)
        n.user = n.parent = "";
    if (n.user[0] == '\0')
        n.parent = "";
    return n;
}

static void id_member(struct buf *out, const char *key, const char *value)
{
    if (value[0] != '\0')
        buf_printf(out, "\"%s\":\"%s\",", key, value);
}

static void contact(struct buf *out, const struct names *n, const char *name)
{
    buf_puts(out, "\"contacts\":[{");
    id_member(out, "wa_id", n->phone);
    id_member(out, "user_id", n->user);
    id_member(out, "parent_user_id", n->parent);
    buf_printf(out, "\"profile\":{\"name\":\"%s\"}}],", name);
}

static void make_inbound(struct maker *m, size_t i)
{
    static const char *const kinds[] = {"\"type\":\"text\",\"text\":{\"body\":\"hi\"}",
                                        "\"type\":\"reaction\",\"reaction\":{\"message_id\":\"m\",\"emoji\":\"x\"}",
                                        "\"type\":\"reaction\",\"reaction\":{\"message_id\":\"m\"}",
                                        "\"type\":\"text\",\"group_id\":\"G1\",\"text\":{\"body\":\"hi all\"}",
                                        "\"type\":\"unsupported\",\"errors\":[{\"code\":131051}]"};
    static const char *const shown[] = {"Ana", "Anna", "A."};
    size_t who = any(m->seed, PEOPLE), number = any(m->seed, 2);
    bool later = who == 4 || any(m->seed, 2) == 1, standby = any(m->seed, 5) == 0;
    struct names n = told_names(m, who, later);
    long long at = later ? when(m, LATER + 10, 80000) : when(m, 0, LATER - 10);
    struct buf v;
    buf_init(&v, 8000);
    buf_printf(&v, METADATA ",", (int)number, (int)number + 1);
    if (any(m->seed, 4) != 0)
        contact(&v, &n, shown[any(m->seed, 3)]);
    buf_printf(&v, "%s\"messages\":[{", standby ? "\"standby\":{" : "");
    id_member(&v, "from", n.phone);
    id_member(&v, "from_user_id", n.user);
    id_member(&v, "from_parent_user_id", n.parent);
    buf_printf(&v, "\"id\":\"wamid.in.%zu\",\"timestamp\":\"%lld\",%s}]%s", i, at, kinds[any(m->seed, 5)],
               standby ? "}" : "");
    envelope(m, standby ? "standby" : "messages", 0, v.data);
    buf_done(&v);
}

static void make_call(struct maker *m, size_t i)
{
    size_t who = any(m->seed, PEOPLE), number = any(m->seed, 2);
    bool later = who == 4 || any(m->seed, 2) == 1, theirs = any(m->seed, 2) == 0;
    struct names n = told_names(m, who, later);
    struct buf v;
    buf_init(&v, 8000);
    buf_printf(&v, METADATA ",\"calls\":[{", (int)number, (int)number + 1);
    id_member(&v, theirs ? "from" : "to", n.phone);
    id_member(&v, theirs ? "from_user_id" : "to_user_id", n.user);
    buf_printf(&v, "\"id\":\"wacid.%zu\",\"event\":\"%s\",\"direction\":\"%s\",\"timestamp\":\"%lld\"}]", i,
               any(m->seed, 2) == 0 ? "connect" : "terminate", theirs ? "USER_INITIATED" : "BUSINESS_INITIATED",
               later ? when(m, LATER + 10, 80000) : when(m, 0, LATER - 10));
    envelope(m, "calls", 0, v.data);
    buf_done(&v);
}

static void make_preference(struct maker *m)
{
    static const char *const values[] = {"stop", "resume", "signup"};
    size_t who = any(m->seed, PEOPLE);
    bool later = who == 4 || any(m->seed, 2) == 1;
    struct names n = told_names(m, who, later);
    struct buf v;
    buf_init(&v, 8000);
    buf_printf(&v, METADATA ",", 0, 1);
    if (any(m->seed, 2) == 0)
        contact(&v, &n, "Ana");
    buf_puts(&v, "\"user_preferences\":[{");
    id_member(&v, "wa_id", n.phone);
    id_member(&v, "user_id", n.user);
    id_member(&v, "parent_user_id", n.parent);
    buf_printf(&v, "\"category\":\"marketing_messages\",\"value\":\"%s\",\"timestamp\":%lld}]", values[any(m->seed, 3)],
               later ? when(m, LATER + 10, 80000) : when(m, 0, LATER - 10));
    envelope(m, "user_preferences", 0, v.data);
    buf_done(&v);
}

static void make_change(struct maker *m, size_t who)
{
    const struct person_made *p = &made[who];
    bool number = p->new_phone[0] != '\0';
    struct buf v;
    if (!number && p->new_user[0] == '\0')
        return;
    buf_init(&v, 8000);
    buf_printf(&v, METADATA ",\"messages\":[{", 0, 1);
    id_member(&v, "from", p->phone);
    if (!p->hidden_change)
        id_member(&v, "from_user_id", p->new_user);
    buf_printf(&v, "\"id\":\"wamid.change.%zu\",\"timestamp\":\"%lld\",\"type\":\"system\",\"system\":{\"type\":\"%s\"",
               who, (long long)(T0 + LATER), number ? "user_changed_number" : "user_changed_user_id");
    if (number)
        buf_printf(&v, ",\"wa_id\":\"%s\"", p->new_phone);
    if (!p->hidden_change && p->user[0] != '\0')
        buf_printf(&v, ",\"previous_user_id\":\"%s\"", p->user);
    buf_puts(&v, "}}]");
    envelope(m, "messages", 0, v.data);
    buf_done(&v);
}

static void make_status(struct maker *m)
{
    static const char *const words[] = {"sent", "delivered", "read", "failed", "failed", "played"};
    static const int codes[] = {131050, 131049, 131026, 130472, 131042, 131048, 131000};
    size_t of = any(m->seed, 8), word = any(m->seed, 6);
    bool ours = of < 6, marked = ours && any(m->seed, 2) == 0, grouped = of == 5;
    char value[4000], rest[800] = "";
    if (word == 3 || word == 4)
        snprintf(rest, sizeof rest, ",\"errors\":[{\"code\":%d,\"title\":\"T\"}]", codes[of % 7]);
    size_t n = strlen(rest);
    if (marked)
        n += (size_t)snprintf(rest + n, sizeof rest - n, ",\"biz_opaque_callback_data\":\"%s\"", m->opaque[of]);
    if (grouped)
        snprintf(rest + n, sizeof rest - n, ",\"recipient_type\":\"group\",\"%s\":\"1555000000%zu\"",
                 any(m->seed, 2) == 0 ? "recipient_participant_id" : "participant_recipient_id", any(m->seed, 3) + 1);
    snprintf(value, sizeof value,
             METADATA
             ",\"statuses\":[{\"id\":\"wamid.%s%zu\",\"status\":\"%s\",\"timestamp\":\"%lld\",\"recipient_id\":"
             "\"%s\"%s}]",
             0, 1, ours ? "" : "strange.", of, words[word], when(m, 0, 80000), grouped ? "G1" : made[of % 3].phone,
             rest);
    envelope(m, "messages", 0, value);
}

static void make_template(struct maker *m)
{
    static const struct {
        const char *field, *rest;
    } words[] = {
        {"message_template_status_update", "\"event\":\"APPROVED\",\"reason\":\"NONE\""},
        {"message_template_status_update", "\"event\":\"PAUSED\",\"other_info\":{\"title\":\"FIRST_PAUSE\"}"},
        {"message_template_status_update", "\"event\":\"REJECTED\",\"reason\":\"INVALID_FORMAT\""},
        {"message_template_status_update", "\"event\":\"DISABLED\",\"disable_info\":{\"disable_date\":\"January 31\"}"},
        {"message_template_status_update", "\"event\":\"PENDING\""},
        {"message_template_status_update", "\"new_quality_score\":\"RED\""},
        {"message_template_quality_update", "\"new_quality_score\":\"GREEN\""},
        {"message_template_quality_update", "\"new_quality_score\":\"YELLOW\""},
        {"message_template_components_update", "\"message_template_element\":\"b\""},
        {"template_category_update", "\"correct_category\":\"MARKETING\",\"new_category\":\"UTILITY\","
                                     "\"category_update_timestamp\":1790086400"},
        {"template_category_update", "\"previous_category\":\"UTILITY\",\"new_category\":\"MARKETING\""},
        {"template_category_update", "\"previous_category\":\"MARKETING\",\"new_category\":\"UTILITY\""},
        {"template_correct_category_detection", "\"category\":\"UTILITY\",\"correct_category\":\"MARKETING\""},
    };
    size_t i = any(m->seed, sizeof words / sizeof words[0]);
    char value[1000];
    snprintf(value, sizeof value,
             "\"message_template_id\":%zu,\"message_template_name\":\"t%zu\",\"message_template_language\":\"%s\",%s",
             any(m->seed, 2) + 1689000000000001, any(m->seed, 2), any(m->seed, 2) == 0 ? "en_US" : "en-US",
             words[i].rest);
    envelope(m, words[i].field, when(m, 0, 40), value);
}

static void make_account(struct maker *m)
{
    static const struct {
        const char *field, *value;
    } words[] = {
        {"account_update", "\"event\":\"ACCOUNT_RESTRICTION\",\"restriction_info\":[{\"restriction_type\":"
                           "\"RESTRICTED_BIZ_INITIATED_MESSAGING\",\"expiration\":1790600000}]"},
        {"account_update", "\"event\":\"ACCOUNT_RESTRICTION\",\"restriction_info\":[{\"restriction_type\":"
                           "\"RESTRICTED_BIZ_INITIATED_MESSAGING\",\"expiration\":1790700000},{\"restriction_type\":"
                           "\"RESTRICTED_UTILITY_TEMPLATES\"},{\"restriction_type\":\"RESTRICTED_CUSTOMER_INITIATED_"
                           "MESSAGING\",\"expiration\":1790600000}]"},
        {"account_update", "\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":\"DISABLE\"}"},
        {"account_update", "\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":\"REINSTATE\"}"},
        {"account_update", "\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":\"SCHEDULE_FOR_DISABLE\","
                           "\"waba_ban_date\":\"November 3, 2026\"}"},
        {"account_update", "\"event\":\"ACCOUNT_VIOLATION\",\"violation_info\":{\"violation_type\":\"SCAM\"}"},
        {"account_update", "\"event\":\"ACCOUNT_VIOLATION\",\"violation_info\":{\"violation_type\":\"ADULT\"}"},
        {"account_update", "\"event\":\"ACCOUNT_OFFBOARDED\""},
        {"account_update", "\"event\":\"ACCOUNT_RECONNECTED\""},
        {"account_update",
         "\"event\":\"PARTNER_ADDED\",\"waba_info\":{\"waba_id\":\"2000\",\"owner_business_id\":\"77\"}"},
        {"account_update",
         "\"event\":\"PARTNER_ADDED\",\"waba_info\":{\"waba_id\":\"2001\",\"owner_business_id\":\"77\"}"},
        {"account_review_update", "\"decision\":\"APPROVED\""},
        {"account_review_update", "\"decision\":\"REJECTED\""},
        {"account_review_update", "\"decision\":\"PENDING\""},
        {"account_alerts", "\"alert_info\":{\"alert_type\":\"OBA_APPROVED\",\"alert_severity\":\"WARNING\"}"},
        {"business_capability_update",
         "\"max_daily_conversations_per_business\":2000,\"max_phone_numbers_per_waba\":25"},
        {"business_capability_update",
         "\"max_daily_conversations_per_business\":\"TIER_UNLIMITED\",\"max_phone_numbers_per_waba\":2"},
        {"phone_number_quality_update", "\"display_phone_number\":\"15559990000\",\"event\":\"THROUGHPUT_UPGRADE\","
                                        "\"max_daily_conversations_per_business\":\"TIER_10K\""},
        {"phone_number_quality_update", "\"display_phone_number\":\"15559990001\",\"event\":\"FLAGGED\""},
        {"phone_number_name_update", "\"display_phone_number\":\"15559990000\",\"decision\":\"APPROVED\""},
        {"phone_number_name_update", "\"display_phone_number\":\"15559990000\",\"decision\":\"REJECTED\""},
        {"business_username_updates", "\"display_phone_number\":\"15559990001\",\"username\":\"jaspers\""},
        {"phone_number_username_update", "\"display_phone_number\":\"15559990001\",\"username\":\"market\","
                                         "\"status\":\"approved\""},
        {"security", "\"display_phone_number\":\"15559990001\",\"event\":\"PIN_CHANGED\""},
        {"flows", "\"event\":\"FLOW_STATUS_CHANGE\",\"flow_id\":\"66\",\"new_status\":\"THROTTLED\""},
        {"partner_solutions", "\"event\":\"SOLUTION_CREATED\",\"solution_id\":\"77\""},
        {"a_new_field", "\"event\":\"NEW\""},
        {"group_status_update", "\"groups\":[{\"group_id\":\"G1\",\"type\":\"group_suspend\"}]"},
        {"smb_message_echoes", "\"message_echoes\":[{\"from\":\"15559990000\",\"to\":\"15550000001\",\"id\":\"e\"}]"},
    };
    size_t i = any(m->seed, sizeof words / sizeof words[0]);
    envelope(m, words[i].field, when(m, 0, 40), words[i].value);
}

static void make_bodies(struct maker *m)
{
    for (size_t i = 0; i < 60; i++)
        make_inbound(m, i);
    for (size_t i = 0; i < 12; i++)
        make_call(m, i);
    for (size_t i = 0; i < 40; i++)
        make_preference(m);
    for (size_t i = 0; i < PEOPLE; i++)
        make_change(m, i);
    m->of_one = true;
    for (size_t i = 0; i < 60; i++)
        make_status(m);
    m->of_one = false;
    for (size_t i = 0; i < 40; i++)
        make_template(m);
    for (size_t i = 0; i < 60; i++)
        make_account(m);
}

/* --- worlds -------------------------------------------------------------------------------------------------------- */

static void before_people(struct world *w)
{
    struct person ana = world_person(w, IDENTITY_PHONE, "15550000001"),
                  bo = world_person(w, IDENTITY_PHONE, "15550000002"), cy = world_person(w, IDENTITY_USER_ID, "US.3"),
                  di = world_person(w, IDENTITY_PHONE, "15550000012"), ed = world_person(w, IDENTITY_USER_ID, "US.4"),
                  fay = world_person(w, IDENTITY_PHONE, "15550000016");
    world_said(w, &ana, CONSENT_WITHDRAW, (T0 + 5000) * 1000);
    world_said(w, &bo, CONSENT_GRANT, (T0 + 30000) * 1000);
    world_said(w, &bo, CONSENT_WITHDRAW, (T0 + 20000) * 1000);
    world_said(w, &cy, CONSENT_WITHDRAW, (T0 + 100) * 1000);
    world_said(w, &di, CONSENT_WITHDRAW, (T0 + 10000) * 1000);
    world_said(w, &ed, CONSENT_WITHDRAW, (T0 + 10) * 1000);
    world_said(w, &fay, CONSENT_GRANT, (T0 + 70000) * 1000);
    world_called(w, &ana, "Ana of the shop");
    const int64_t to[] = {ana.id, bo.id, cy.id, ana.id, bo.id, cy.id};
    for (size_t i = 0; i < 6; i++) {
        char wamid[40];
        snprintf(wamid, sizeof wamid, "wamid.%zu", i);
        world_message(w, to[i], wamid);
    }
}

static void before(struct world *w, const struct bodies *b)
{
    const struct sender numbers[] = {
        {.id = 1, .waba = 2000, .display_phone = "+1 555-999-0000", .quality = "GREEN", .per_second = 80},
        {.id = 2, .waba = 2000, .display_phone = "+1 555-999-0001", .quality = "GREEN", .per_second = 80}};
    world_start(w);
    BEGIN(&w->f);
    OK(&w->f, senders_put(w->f.s, numbers, 2, &w->f.e));
    if (b->made_up)
        before_people(w);
    COMMIT(&w->f);
}

static char *state_after(const struct bodies *b, const struct told *v, size_t n, size_t *ret_events)
{
    struct world w;
    before(&w, b);
    for (size_t i = 0; i < b->n; i++) { /* all names there are, also when not all bodies are heard */
        struct json root;
        struct event *ev;
        size_t k;
        arena_reset(w.f.a);
        assert_ok(json_parse(w.parser, b->v[i].body, false, &root, &w.f.e), w.f.e);
        assert_ok(events_parse(root, w.f.a, &ev, &k, &w.f.e), w.f.e);
        for (size_t j = 0; j < k; j++) {
            const struct identity *ids[] = {&ev[j].phone,    &ev[j].user_id,          &ev[j].parent_id,
                                            &ev[j].previous, &ev[j].previous_user_id, &ev[j].previous_parent_id};
            for (size_t q = 0; q < 6; q++)
                world_name(&w, ids[q]);
        }
    }
    world_hear(&w, v, n);
    if (ret_events != NULL)
        *ret_events += w.events;
    char *text = world_dump(&w);
    world_end(&w);
    return text;
}

/* --- ways of delivery ---------------------------------------------------------------------------------------------- */

struct delivery_made {
    struct arena *a;
    struct told *v;
    size_t n, max;
};

static void deliver(struct delivery_made *d, struct told t)
{
    assert_true(d->n < d->max);
    d->v[d->n++] = t;
}

static void shuffle(struct delivery_made *d, uint64_t *seed)
{
    for (size_t i = d->n; i > 1; i--) {
        size_t j = any(seed, i);
        struct told t = d->v[i - 1];
        d->v[i - 1] = d->v[j];
        d->v[j] = t;
    }
}

/* Every body as bodies of one event. */
static void split_all(struct delivery_made *d)
{
    size_t n = d->n;
    struct told *whole = arena_memdup(d->a, d->v, n * sizeof *d->v);
    d->n = 0;
    for (size_t i = 0; i < n; i++) {
        struct webhook_piece *piece;
        struct err e = {0};
        size_t k;
        assert_ok(webhook_split(whole[i].body, d->a, &piece, &k, &e), e);
        for (size_t j = 0; j < k; j++)
            deliver(d, (struct told){piece[j].body, whole[i].stored_at});
    }
}

static struct str entries_of(struct arena *a, struct str body)
{
    const char *p = memmem(body.p, body.n, "\"entry\"", 7);
    struct json_parser *parser = json_parser_create();
    struct json root;
    struct buf b;
    (void)p;
    buf_init(&b, 8u << 20);
    assert_int_equal(json_parse(parser, body, false, &root, NULL), 0);
    assert_true(json_write_value(&b, json_get(root, "entry")));
    char *text = arena_strndup(a, b.data + 1, b.len - 2); /* without its brackets */
    size_t n = b.len - 2;
    buf_done(&b);
    json_parser_free(parser);
    return (struct str){text, n};
}

/* Some bodies that came at the same time as one. */
static void merge_some(struct delivery_made *d, uint64_t *seed)
{
    size_t n = d->n;
    struct told *one = arena_memdup(d->a, d->v, n * sizeof *d->v);
    d->n = 0;
    for (size_t i = 0; i < n;) {
        size_t k = any(seed, 12) + 1;
        struct buf b;
        buf_init(&b, 8u << 20);
        buf_puts(&b, "{\"object\":\"whatsapp_business_account\",\"entry\":[");
        for (size_t j = 0; j < k && i < n; j++, i++) {
            struct str entries = entries_of(d->a, one[i].body);
            if (j > 0 && entries.n > 0)
                buf_putc(&b, ',');
            buf_putstr(&b, entries);
        }
        buf_puts(&b, "]}");
        assert_false(b.failed);
        deliver(d, (struct told){{arena_strndup(d->a, b.data, b.len), b.len}, one[i - 1].stored_at});
        buf_done(&b);
    }
}

static void vary(const struct bodies *b, int way, uint64_t *seed, struct delivery_made *d)
{
    for (size_t i = 0; i < b->n; i++)
        deliver(d, b->v[i]);
    if (way & 1)
        for (size_t i = 0, n = d->n; i < n; i++)
            if (any(seed, 3) == 0)
                deliver(d, d->v[i]);
    if (way & 2)
        split_all(d);
    shuffle(d, seed);
    if (way & 4)
        merge_some(d, seed);
}

/* --- differences --------------------------------------------------------------------------------------------------- */

static size_t line_at(const char *text, size_t at, const char **ret)
{
    while (at > 0 && text[at - 1] != '\n')
        at--;
    *ret = text + at;
    return strcspn(text + at, "\n");
}

static void print_difference(const char *a, const char *b)
{
    const char *x, *y;
    size_t at = 0;
    while (a[at] != '\0' && a[at] == b[at])
        at++;
    size_t n = line_at(a, at, &x), m = line_at(b, at, &y);
    fprintf(stderr, "  in order: %.*s\n  otherwise: %.*s\n", (int)n, x, (int)m, y);
}

static bool differ_without(const struct bodies *b, const struct told *order, const bool *out, size_t n,
                           struct told *scratch)
{
    size_t k = 0, m = 0;
    for (size_t i = 0; i < n; i++)
        if (!out[i])
            scratch[k++] = order[i];
    char *that = state_after(b, scratch, k, NULL);
    for (size_t i = 0; i < b->n; i++) /* the same bodies, once each, as they were made */
        for (size_t j = 0; j < n; j++)
            if (!out[j] && order[j].body.p == b->v[i].body.p) {
                scratch[m++] = b->v[i];
                break;
            }
    char *this = state_after(b, scratch, m, NULL);
    bool differ = strcmp(this, that) != 0;
    free(this);
    free(that);
    return differ;
}

/* Leaves out what the difference does not take, and prints what it takes. */
static void shrink(const struct bodies *b, const struct told *order, size_t n)
{
    bool *out = calloc(n, sizeof *out);
    struct told *scratch = calloc(n + b->n, sizeof *scratch);
    assert_true(out != NULL && scratch != NULL);
    for (size_t step = n / 2; step > 0; step /= 2)
        for (size_t from = 0; from < n; from += step) {
            bool had[BODIES_MAX];
            memcpy(had, out, n * sizeof *out);
            for (size_t i = from; i < n && i < from + step; i++)
                out[i] = true;
            if (!differ_without(b, order, out, n, scratch))
                memcpy(out, had, n * sizeof *out);
        }
    fprintf(stderr, "the bodies it takes, in the order that differs:\n");
    size_t k = 0, m = 0;
    for (size_t i = 0; i < n; i++)
        if (!out[i]) {
            fprintf(stderr, "  %.*s\n", (int)order[i].body.n, order[i].body.p);
            scratch[k++] = order[i];
        }
    char *that = state_after(b, scratch, k, NULL);
    for (size_t i = 0; i < b->n; i++)
        for (size_t j = 0; j < n; j++)
            if (!out[j] && order[j].body.p == b->v[i].body.p) {
                scratch[m++] = b->v[i];
                break;
            }
    char *this = state_after(b, scratch, m, NULL);
    print_difference(this, that);
    free(this);
    free(that);
    free(out);
    free(scratch);
}

static void prove(const struct bodies *b, int orders)
{
    size_t events = 0;
    uint64_t seed = b->seed * 2 + 1;
    char *reference = state_after(b, b->v, b->n, &events);
    for (int i = 0; i < orders; i++) {
        struct delivery_made d = {.a = arena_create(256u << 20), .max = 16 * BODIES_MAX};
        d.v = calloc(d.max, sizeof *d.v);
        assert_true(d.a != NULL && d.v != NULL);
        vary(b, i % 8, &seed, &d);
        char *state = state_after(b, d.v, d.n, &events);
        if (strcmp(reference, state) != 0) {
            fprintf(stderr, "seed %llu, order %d (way %d): another state\n", (unsigned long long)b->seed, i, i % 8);
            print_difference(reference, state);
            if ((i % 8 & 6) == 0)
                shrink(b, d.v, d.n);
            fail();
        }
        free(state);
        free(d.v);
        arena_free(d.a);
    }
    fprintf(stderr, "  %zu bodies, seed %llu: %d orders, %zu events, one state of %zu bytes\n", b->n,
            (unsigned long long)b->seed, orders, events, strlen(reference));
    free(reference);
}

static void write_marks(struct maker *m, const struct bodies *b)
{
    struct world w;
    before(&w, b);
    for (size_t i = 0; i < w.n_messages; i++) {
        struct callback_key key;
        struct callback c = {.bucket = 0, .message = w.message[i], .attempt = 1};
        struct buf out;
        buf_init(&out, sizeof m->opaque[i] - 1);
        memcpy(key.bytes, w.g->mark_key, sizeof key.bytes);
        callback_write(&key, &c, (struct str){NULL, 0}, &out);
        snprintf(m->opaque[i], sizeof m->opaque[i], "%s", buf_cstr(&out));
        buf_done(&out);
    }
    world_end(&w);
}

static void made_up(uint64_t seed, int orders)
{
    static struct bodies b;
    static struct maker m;
    memset(&b, 0, sizeof b);
    b.a = arena_create(64u << 20);
    b.seed = seed;
    b.made_up = true;
    uint64_t state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    m.b = &b;
    m.seed = &state;
    buf_init(&m.body, 1u << 20);
    write_marks(&m, &b);
    make_bodies(&m);
    prove(&b, orders);
    buf_done(&m.body);
    arena_free(b.a);
}

TEST(made_up_bodies_lead_to_one_state)
{
    const char *count = getenv("WAYLEAVE_ORDER_SEEDS"), *first = getenv("WAYLEAVE_ORDER_SEED");
    uint64_t from = first != NULL ? strtoull(first, NULL, 10) : 1, n = count != NULL ? strtoull(count, NULL, 10) : 3;
    for (uint64_t seed = from; seed < from + n; seed++)
        made_up(seed, 8);
}

TEST(public_bodies_lead_to_one_state)
{
    const char *path = case_file("webhooks/webhooks.jsonl");
    static struct bodies b;
    char *line = NULL;
    size_t cap = 0;
    if (path == NULL)
        skip_loudly("webhooks/webhooks.jsonl is not there");
    b = (struct bodies){.a = arena_create(64u << 20), .seed = 1};
    struct json_parser *parser = json_parser_create();
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (getline(&line, &cap, f) > 0) {
        struct json row;
        struct buf text;
        assert_int_equal(json_parse(parser, str_of(line), false, &row, NULL), 0);
        if (json_type(json_get(row, "payload")) != JSON_OBJECT)
            continue;
        buf_init(&text, 1u << 20);
        assert_true(json_write_value(&text, json_get(row, "payload")));
        put_body(&b, text.data, NOW);
        buf_done(&text);
    }
    fclose(f);
    free(line);
    json_parser_free(parser);
    assert_true(b.n > 150);
    prove(&b, 16);
    arena_free(b.a);
}

TESTS(T(made_up_bodies_lead_to_one_state), T(public_bodies_lead_to_one_state))

/* SPDX-License-Identifier: Apache-2.0
 * rest_messages.c - the list of messages: newest first, filtered, a page at a time.
 *
 * A state is asked for by the word that is shown, and a word is more than a column: "expired" is a message that was never
 * sent in time, and one that Meta could not deliver in time. So the store narrows to what may have one of the words, and
 * each row is looked at before it is shown. A page may be short and still have a next one: how far one page looks is
 * bounded, so that a rare word does not hold a reader for long. */
#include <stdio.h>

#include "gateway/admit.h"
#include "gateway/campaign_id.h"
#include "gateway/rest_impl.h"
#include "gateway/send_terms.h"
#include "store/idempotency.h"

#define PAGE_DEFAULT 100
#define PAGE_MOST    1000
#define ROUNDS_MAX   8 /* readings of the store for one page */
#define WORDS_MAX    16

/* Words that are no name of a state alone: what they can be seen by. Others are states. */
static const struct {
    const char *word;
    enum life_state state;
    uint32_t seen, not_seen;
} views[] = {
    {"accepted", LIFE_ACCEPTED, 0, SEEN_SENT | SEEN_DELIVERED | SEEN_READ | SEEN_PLAYED},
    {"held", LIFE_ACCEPTED, 0, SEEN_SENT | SEEN_DELIVERED | SEEN_READ | SEEN_PLAYED},
    {"sent", LIFE_ACCEPTED, SEEN_SENT, SEEN_DELIVERED | SEEN_READ | SEEN_PLAYED},
    {"delivered", LIFE_ACCEPTED, SEEN_DELIVERED, SEEN_READ | SEEN_PLAYED},
    {"read", LIFE_ACCEPTED, SEEN_READ, SEEN_PLAYED},
    {"played", LIFE_ACCEPTED, SEEN_PLAYED, 0},
};

struct query {
    struct message_filter f;
    const char *word[WORDS_MAX]; /* of states; those that are asked for */
    size_t n_words;
    size_t limit;
    int64_t before;
    struct str person; /* as given */
    struct str key;    /* as given, {NULL,0}: none */
};

/* --- reading the query ---------------------------------------------------------------------------------------------- */

static bool add_word(struct query *q, struct str word)
{
    enum life_state state = life_state_parse(word);
    const char *known = state != 0 ? life_state_name(state) : NULL;
    uint32_t states = state != 0 ? 1u << state : 0;
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        if (!str_eq(word, str_of(views[i].word)))
            continue;
        known = views[i].word;
        states = 1u << views[i].state;
        q->f.seen = views[i].seen; /* looked at when it is the only word */
        q->f.not_seen = views[i].not_seen;
    }
    if (state == LIFE_EXPIRED)
        states |= 1u << LIFE_ACCEPTED; /* Meta could not deliver it in time */
    if (known == NULL || q->n_words == WORDS_MAX)
        return false;
    q->f.states |= states;
    q->word[q->n_words++] = known;
    return true;
}

static bool read_states(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    for (struct str rest = v; rest.p != NULL;)
        if (!add_word(q, str_trim(str_cut(rest, ',', &rest))))
            return false;
    return true;
}

static bool read_sender(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    return rest_read_id(v, &q->f.sender);
}

static bool read_campaign(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    return campaign_id_parse(v, &q->f.campaign);
}

static bool read_category(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    q->f.category = (int)category_parse(v);
    return q->f.category != CATEGORY_UNKNOWN;
}

static bool read_code(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    int64_t code;
    (void)now;
    if (!str_i64(v, &code) || code <= 0 || code > INT32_MAX)
        return false;
    q->f.code = (int)code; /* looked at when shown: what was met on the way is no end */
    return true;
}

static bool read_from(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    return rest_read_time(v, now, &q->f.from);
}

static bool read_to(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    return rest_read_time(v, now, &q->f.to);
}

static bool read_duplicated(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    return rest_read_flag(v, &q->f.duplicated);
}

static bool read_limit(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    return rest_read_size(v, PAGE_MOST, &q->limit);
}

static bool read_cursor(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    int bucket;
    (void)now;
    return store_id_parse(v, &bucket, &q->before) == 0;
}

static bool read_contact(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    q->person = v;
    return v.n > 0;
}

static bool read_key(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    q->key = v;
    return v.n > 0;
}

static const struct rest_parameter parameters[] = {
    {"state", read_states,
     "state is one of waiting, sending, ambiguous, accepted, held, sent, delivered, read, played, failed, rejected, "
     "refused, unsent, expired, undetermined, cancelled, or several with commas between",
     true},
    {"sender", read_sender, "sender is a phone_number_id", false},
    {"contact", read_contact, "contact is a phone number, a user id or a contact id", false},
    {"campaign", read_campaign, "campaign is the id of a campaign, k and 15 digits", false},
    {"category", read_category, "category is marketing, utility, authentication, service or calls", false},
    {"code", read_code, "code is an error code of the Graph API", false},
    {"key", read_key, "key is an idempotency key", false},
    {"from", read_from, "from is a time such as " REST_TIME_FORMS, false},
    {"to", read_to, "to is a time such as " REST_TIME_FORMS, false},
    {"duplicated", read_duplicated, "duplicated is true or false", false},
    {"limit", read_limit, "limit is a number from 1 to 1000", false},
    {"cursor", read_cursor, "cursor is the id at which the page before ended", false},
    {NULL, NULL, NULL, false},
};

static bool read_query(struct rest_call *c, struct arena *a, int64_t now, struct query *q)
{
    *q = (struct query){.limit = PAGE_DEFAULT};
    if (!rest_query(c, a, parameters, q, now) || !rest_read_span(c, q->f.from, q->f.to, now))
        return false;
    if (q->n_words > 1)
        q->f.seen = q->f.not_seen = 0;
    return true;
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static bool wanted(const struct query *q, const struct message *m, int64_t now)
{
    const char *word = life_word(&m->life, m->seen, m->valid_until, now);
    if (q->f.code != 0 && rest_message_code(m) != q->f.code)
        return false;
    for (size_t i = 0; i < q->n_words; i++)
        if (strcmp(q->word[i], word) == 0)
            return true;
    return q->n_words == 0;
}

/* Shows what is wanted of these rows until the page is full. *ret_at: the last row that was looked at. */
static size_t show_some(struct rest_call *c, const struct query *q, const struct message *m, size_t n, size_t room,
                        int64_t now, int64_t *ret_at)
{
    size_t shown = 0;
    for (size_t i = 0; i < n && shown < room; i++) {
        *ret_at = m[i].id;
        if (!wanted(q, &m[i], now))
            continue;
        jo_object(&c->out);
        rest_message_members(&c->out, &m[i], now);
        jo_end(&c->out);
        shown++;
    }
    return shown;
}

/* Rows of the store until the page is full, the last row was seen, or it has looked far enough. */
static int show_rows(struct rest_call *c, struct store *s, struct arena *a, const struct query *q, int bucket,
                     int64_t now, int64_t *ret_next, struct err *e)
{
    int64_t at = q->before;
    size_t shown = 0;
    for (int round = 0; round < ROUNDS_MAX && shown < q->limit; round++) {
        struct message *m;
        size_t n = 0, most = q->n_words > 0 || q->f.code != 0 ? PAGE_MOST : q->limit;
        int64_t next = 0, last = 0;
        int rc = messages_list(s, bucket, &q->f, at, a, most, &m, &n, &next, e);
        if (rc != 0)
            return rc;
        shown += show_some(c, q, m, n, q->limit - shown, now, &last);
        at = n > 0 && last != m[n - 1].id ? last : next;
        if (at == 0)
            break;
    }
    *ret_next = at;
    return 0;
}

/* The message that has this key, as long as keys are kept; it is shown when it is what else is asked for. */
static int show_keyed(struct rest_call *c, struct store *s, const struct query *q, int bucket, int64_t now,
                      struct err *e)
{
    struct idempotency known;
    struct message m;
    struct err why = {0};
    uint8_t key[IDEMPOTENCY_KEY_BYTES];
    int64_t at;
    key_hash(q->key, key);
    int rc = idempotency_get(s, bucket, key, now, &known, e);
    if (rc != 0 || known.msg == 0)
        return rc;
    rc = messages_get(s, bucket, known.msg, &m, &why);
    if (rc == WL_ENOTFOUND)
        return 0;
    if (rc != 0) {
        *e = why;
        return rc;
    }
    show_some(c, q, &m, 1, 1, now, &at);
    return 0;
}

/* A key names one message, so nothing but whose it is and its state makes sense beside it. */
static bool read_keyed(struct rest_call *c, struct arena *a, struct query *q)
{
    struct err why = {0};
    const struct message_filter *f = &q->f;
    bool more = f->sender != 0 || f->campaign != 0 || f->category != 0 || f->code != 0 || f->from != 0 || f->to != 0 ||
                f->duplicated || q->before != 0;
    if (q->key.p == NULL)
        return true;
    if (terms_key(q->key, "key", a, &q->key, &why) != 0)
        rest_wrong(c, WL_EINVAL, "key", "%s", why.text);
    else if (more)
        rest_wrong(c, WL_EINVAL, "key", "key names one message: only contact and state may stand beside it");
    return c->problem.code == 0;
}

int rest_messages_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct query q;
    struct person p = {.id = 0};
    int64_t next = 0;
    char text[STORE_ID_TEXT];
    if (!read_query(c, a, now, &q) || !read_keyed(c, a, &q))
        return 0;
    int rc = q.person.n > 0 ? rest_find_person(c, s, q.person, &p, e) : 0;
    if (rc != 0 || c->problem.code != 0)
        return rc;
    q.f.contact = p.id;
    jo_object(&c->out);
    jo_key(&c->out, "messages");
    jo_array(&c->out);
    rc = q.key.p != NULL ? show_keyed(c, s, &q, p.bucket, now, e) : show_rows(c, s, a, &q, p.bucket, now, &next, e);
    jo_end(&c->out);
    jo_kcstr(&c->out, "next", next != 0 ? store_id_text(p.bucket, next, text) : NULL);
    jo_end(&c->out);
    return rc;
}

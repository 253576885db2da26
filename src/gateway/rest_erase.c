/* SPDX-License-Identifier: Apache-2.0
 * rest_erase.c - POST /webhooks/erase: one person's data taken out of what webhooks left here.
 *
 * Nobody knows which bodies speak of a person, so all are looked through: by a reader, for at most a moment a call, and the
 * caller comes back with `next` until there is none. What is found is handed to the writer as numbers; there each body is
 * read once more, cut (core/webhook_redact.h) and put in its own place, so that two erasures at a time, or one beside
 * retention, undo nothing of each other. Dead letters go with the events that are taken out. Bodies that were not applied
 * yet are waited for: a withdrawal in them counts. Only then come what they may have left: the events of messages we do
 * not know that name the person, notices that do, and the name that webhooks told us of them. At the end the fan-out
 * forgets the copies that it had prepared, and the database's log is emptied.
 *
 * The person's names are those they go by now and those they had before; somebody nobody knows is looked for by the name
 * that is given. What the business itself keeps stays: the person, their consent and its proof, and messages to them. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/webhook_redact.h"
#include "core/webhook_split.h"
#include "gateway/fanout.h"
#include "gateway/projector.h"
#include "gateway/rest_subscriber.h"
#include "store/inbox.h"
#include "store/messages.h"
#include "store/notice_cut.h"
#include "store/subscribers.h"

#define NAMES_MAX     256
#define CALL_NS       400000000 /* a reader looks for about as long */
#define CALL_BODIES   100000
#define PAGE          1000
#define PAGE_BYTES    (4u << 20)
#define MEMORY        (64u << 20)
#define REDACTED_MAX  (3 * INBOX_BODY_MAX + 64) /* while it is made */
#define FOUND_MAX     256                       /* in one call, and so in one transaction */
#define FOUND_BYTES   (8u << 20)
#define ORPHANS_ABOUT 20000
#define NOTICES       500 /* a page, and most that are cut at once */
#define DEAD_PAGE     64
#define RANK          5
#define EMPTY_TRIES   25
#define EMPTY_WAIT_US 20000
#define BUCKET        0 /* one holds everything while the spread is 1 */

struct erasure {
    struct rest_call *c;
    struct identity name[NAMES_MAX];
    size_t n_names;
    int64_t contact; /* 0: nobody is known by the name */

    /* --- where it is: bodies after `at` up to `until`, then orphans from `at`, then notices after (at, key) --- */
    enum { BODIES, ORPHANS, NOTICE_PAGES, OVER } phase;
    int64_t at, key, until;

    /* --- what this call found --- */
    int64_t found[FOUND_MAX];
    size_t n_found, found_bytes;
    struct message_event *orphans;
    struct notice *notices;
    size_t n_orphans, n_notices;
    size_t scanned, erased;
    bool waits; /* for the projector */
};

/* --- who, and where it goes on ------------------------------------------------------------------------------------- */

static int find_names(struct erasure *x, struct store *s, struct str who, struct err *e)
{
    struct person p;
    struct rest_call *c = x->c;
    bool known = true;
    int rc = rest_find_person(c, s, who, &p, e);
    if (rc == 0 && c->problem.code == WL_ENOTFOUND && identity_parse(who, &x->name[0], NULL) == 0) {
        known = false; /* webhooks may speak of somebody nobody knows */
        x->n_names = 1;
        c->problem.code = 0;
        c->field = NULL;
    }
    if (rc != 0 || c->problem.code != 0 || !known)
        return rc;
    x->contact = p.id;
    rc = people_identities(s, p.bucket, p.id, x->name, NAMES_MAX, &x->n_names, e);
    if (rc == 0 && x->n_names == NAMES_MAX)
        return err_set(e, WL_EBUG, "a person with %d names", NAMES_MAX);
    return rc;
}

static bool read_place(struct erasure *x, struct str text)
{
    struct str rest;
    int64_t phase;
    int64_t *const places[] = {&phase, &x->at, &x->key, &x->until};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++, text = rest)
        if (!str_i64(str_cut(text, '.', &rest), places[i]))
            return false;
    if (phase < BODIES || phase >= OVER || x->until < 0 || rest.n > 0)
        return false;
    x->phase = (unsigned)phase;
    return x->at >= 0 || x->phase == NOTICE_PAGES;
}

/* Where a phase begins. */
static void go_on(struct erasure *x)
{
    x->phase++;
    x->at = x->phase == NOTICE_PAGES ? INT64_MIN : 0;
    x->key = x->phase == NOTICE_PAGES ? INT64_MIN : 0;
}

static bool over(const struct erasure *x)
{
    return x->phase == OVER;
}

static int read_request(struct erasure *x, struct store *s, struct err *e)
{
    static const char *const keys[] = {"who", "cursor", NULL};
    struct rest_call *c = x->c;
    struct json root;
    struct str who, place = {NULL, 0};
    if (!rest_read_object(c, keys, &root))
        return 0;
    if (!json_str(json_get(root, "who"), &who) || who.n == 0)
        return rest_wrong(c, WL_EINVAL, "who", "who is missing: a phone number, user id or contact id");
    struct json cursor = json_get(root, "cursor");
    bool first = json_type(cursor) <= JSON_NULL;
    if (!first && (!json_str(cursor, &place) || !read_place(x, place)))
        return rest_wrong(c, WL_EINVAL, "cursor", "cursor is the `next` of the answer before");
    int rc = find_names(x, s, who, e);
    return rc == 0 && c->problem.code == 0 && first ? inbox_newest(s, &x->until, e) : rc;
}

/* --- looking ------------------------------------------------------------------------------------------------------- */

static bool is_theirs(const struct erasure *x, struct str participant)
{
    for (size_t i = 0; i < x->n_names; i++)
        if (str_eq(participant, str_of(x->name[i].value)))
            return true;
    return false;
}

/* A page of them; those that are theirs move to the front. */
static int look_at_orphans(struct erasure *x, struct store *s, struct arena *kept, struct err *e)
{
    int64_t next = 0;
    size_t n = 0;
    int rc = message_orphans(s, BUCKET, x->at, ORPHANS_ABOUT, kept, &x->orphans, &n, &next, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (is_theirs(x, x->orphans[i].participant))
            x->orphans[x->n_orphans++] = x->orphans[i];
    x->at = next;
    if (next == 0)
        go_on(x);
    return rc;
}

static bool names_them(const struct erasure *x, const struct notice *v)
{
    return webhook_names(v->detail, x->name, x->n_names) || webhook_names(v->subject, x->name, x->n_names) ||
           webhook_names(v->word, x->name, x->n_names);
}

static int look_at_notices(struct erasure *x, struct store *s, struct arena *kept, struct err *e)
{
    size_t n = 0;
    int rc = notices_after(s, x->at, x->key, NOTICES, kept, &x->notices, &n, e);
    if (rc == 0 && n > 0) {
        x->at = x->notices[n - 1].at;
        x->key = (int64_t)x->notices[n - 1].key;
    }
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (names_them(x, &x->notices[i]))
            x->notices[x->n_notices++] = x->notices[i];
    if (rc == 0 && n < NOTICES)
        go_on(x);
    return rc;
}

static int look_at_body(struct erasure *x, const struct inbox_row *row, struct buf *out, struct err *e)
{
    buf_clear(out);
    x->scanned++;
    if (webhook_redact(row->body, x->name, x->n_names, out)) {
        x->found[x->n_found++] = row->seq;
        x->found_bytes += row->body.n;
    }
    return out->failed ? err_set(e, WL_ENOMEM, "a webhook body does not fit its memory") : 0;
}

static bool enough(const struct erasure *x, int64_t begun_ns)
{
    return x->n_found == FOUND_MAX || x->found_bytes >= FOUND_BYTES || x->scanned >= CALL_BODIES ||
           clock_mono_ns() - begun_ns > CALL_NS;
}

/* Up to what was applied. */
static int look_at_bodies(struct erasure *x, struct store *s, struct arena *a, int64_t begun_ns, struct err *e)
{
    struct buf out;
    int64_t applied = 0;
    int rc = cursor_get(s, PROJECTOR_CURSOR, &applied, e);
    int64_t end = x->until < applied ? x->until : applied;
    buf_init(&out, REDACTED_MAX);
    while (rc == 0 && x->at < end && !enough(x, begun_ns)) {
        struct inbox_row *rows = NULL;
        size_t n = 0;
        arena_reset(a);
        rc = inbox_read(s, x->at, PAGE, PAGE_BYTES, a, &rows, &n, e);
        for (size_t i = 0; rc == 0 && i < n && rows[i].seq <= end && !enough(x, begun_ns); i++) {
            rc = look_at_body(x, &rows[i], &out, e);
            x->at = rows[i].seq;
        }
        if (rc == 0 && (n == 0 || (rows[n - 1].seq > end && !enough(x, begun_ns))))
            x->at = end; /* the last ones were dropped meanwhile */
    }
    x->waits = rc == 0 && x->at >= end && end < x->until;
    buf_done(&out);
    return rc;
}

static int look(struct erasure *x, struct store *s, struct arena *pages, struct arena *kept, struct err *e)
{
    if (x->phase == ORPHANS)
        return look_at_orphans(x, s, kept, e);
    if (x->phase == NOTICE_PAGES)
        return look_at_notices(x, s, kept, e);
    int rc = look_at_bodies(x, s, pages, clock_mono_ns(), e);
    if (rc == 0 && x->at >= x->until)
        go_on(x);
    return rc;
}

/* --- taking out, on the writer's thread ------------------------------------------------------------------------------ */

/* Whether nothing is left of an event, or with -1 of the body. Pieces: of the body as it is now. */
static bool is_gone(struct str body, const struct webhook_piece *piece, size_t n, int event)
{
    struct buf unused;
    if (event >= 0 && (size_t)event >= n)
        return true;
    struct str text = event < 0 ? body : piece[event].body;
    buf_init(&unused, text.n);
    enum webhook_left left = webhook_without_gaps(text, &unused);
    buf_done(&unused);
    return left == WEBHOOK_NOTHING || str_eq(text, STR(WEBHOOK_OF_NOTHING));
}

/* A page of what one subscriber did not take of this body. */
static int drop_dead(struct store *s, int64_t subscriber, int64_t seq, struct str body, struct arena *a, struct err *e)
{
    struct webhook_piece *piece = NULL;
    struct dead_letter *dead;
    size_t n = 0, pieces = 0;
    int rc = 0, after = INT_MIN;
    do {
        rc = dead_letters_list(s, subscriber, seq, after, false, DEAD_PAGE, a, &dead, &n, e);
        if (rc == 0 && piece == NULL && n > 0 && dead[0].seq == seq)
            (void)webhook_split(body, a, &piece, &pieces, NULL);
        for (size_t i = 0; rc == 0 && i < n && dead[i].seq == seq; i++) {
            after = dead[i].event;
            if (is_gone(body, piece, pieces, after))
                rc = dead_letter_drop(s, subscriber, seq, after, e);
        }
    } while (rc == 0 && n == DEAD_PAGE && dead[n - 1].seq == seq);
    return rc;
}

static int rewrite(struct erasure *x, struct store *s, int64_t seq, struct arena *a, struct buf *out, struct err *e)
{
    struct subscriber *to = NULL;
    struct inbox_row row;
    size_t n = 0;
    arena_reset(a);
    buf_clear(out);
    int rc = inbox_get(s, seq, a, &row, e);
    if (rc != 0)
        return rc == WL_ENOTFOUND ? 0 : rc; /* dropped meanwhile */
    if (!webhook_redact(row.body, x->name, x->n_names, out))
        return 0;
    if (out->failed)
        return err_set(e, WL_ENOMEM, "a webhook body does not fit its memory");
    x->erased++;
    rc = subscribers_list(s, a, &to, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = drop_dead(s, to[i].id, seq, buf_str(out), a, e);
    return rc == 0 ? inbox_rewrite(s, seq, buf_str(out), e) : rc;
}

/* The name that webhooks told; when it was told stays, so that older news does not tell it again. */
static int forget_name(struct erasure *x, struct store *s, struct err *e)
{
    struct person p;
    int rc = people_get(s, BUCKET, x->contact, &p, e);
    if (rc != 0 || p.name_at == 0 || p.name[0] == '\0')
        return rc;
    p.name[0] = '\0';
    return people_save(s, &p, 1, e);
}

static int take_out(void *ctx, struct store *s, struct arena *unused, int64_t now, struct err *e)
{
    struct erasure *x = ctx;
    struct arena *a = arena_create(2 * INBOX_BODY_MAX + SPLIT_BYTES_MAX);
    struct buf out;
    int rc = a == NULL ? err_set(e, WL_ENOMEM, "out of memory") : 0;
    (void)unused, (void)now;
    buf_init(&out, REDACTED_MAX);
    x->erased = 0; /* the transaction may run a second time */
    if (rc == 0 && over(x) && x->contact != 0)
        rc = forget_name(x, s, e);
    for (size_t i = 0; rc == 0 && i < x->n_notices; i++)
        rc = notice_cut(s, &x->notices[i], e);
    for (size_t i = 0; rc == 0 && i < x->n_orphans; i++)
        rc = message_orphan_drop(s, &x->orphans[i], e);
    for (size_t i = 0; rc == 0 && i < x->n_found; i++)
        rc = rewrite(x, s, x->found[i], a, &out, e);
    if (rc == 0 && over(x))
        rc = store_empty_log(s, e);
    buf_done(&out);
    arena_free(a);
    return rc;
}

/* WL_EBUSY: the log could not be emptied yet; this commit tries once more. */
static int empty_again(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)a, (void)now;
    bool *emptied = ctx;
    *emptied = store_log_emptied(s);
    return *emptied ? 0 : store_empty_log(s, e);
}

/* When somebody reads for longer than this, a later checkpoint does it. */
static int empty_log(struct gateway *g, struct err *e)
{
    bool emptied = false;
    int rc = 0;
    for (int i = 0; rc == 0 && !emptied && i < EMPTY_TRIES; i++) {
        if (i > 0)
            usleep(EMPTY_WAIT_US);
        rc = writer_call(g->writer, RANK, empty_again, &emptied, e);
    }
    return rc;
}

/* --- the call -------------------------------------------------------------------------------------------------------- */

static void answer(struct erasure *x)
{
    struct json_out *o = &x->c->out;
    char next[96];
    jo_object(o);
    jo_kint(o, "scanned", (int64_t)x->scanned);
    jo_kint(o, "erased", (int64_t)x->erased);
    snprintf(next, sizeof next, "%d.%lld.%lld.%lld", (int)x->phase, (long long)x->at, (long long)x->key,
             (long long)x->until);
    jo_kcstr(o, "next", over(x) ? NULL : next);
    jo_end(o);
}

/* On the reader's thread, its transaction being over. */
static void erase_found(struct rest_call *c)
{
    struct erasure *x = c->work;
    struct err e = {0};
    int rc = 0;
    if (x->n_found > 0 || x->n_orphans > 0 || x->n_notices > 0 || over(x))
        rc = writer_call(c->g->writer, RANK, take_out, x, &e);
    else if (x->waits)
        usleep(EMPTY_WAIT_US);
    if (rc == 0 && over(x)) {
        fanout_forget(c->g->fanout);
        rc = empty_log(c->g, &e);
    }
    if (rc == 0)
        answer(x);
    else
        c->problem = e;
    rest_reply(c);
}

int rest_webhooks_erase(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct arena *kept = http_arena(c->rq); /* outlives the transaction */
    struct erasure *x = arena_new(kept, struct erasure);
    (void)now, (void)a;
    if (x == NULL)
        return err_set(e, WL_ENOMEM, "the request is too large");
    x->c = c;
    int rc = read_request(x, s, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    struct arena *pages = arena_create(MEMORY);
    if (pages == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    rc = look(x, s, pages, kept, e);
    arena_free(pages);
    c->work = x;
    c->later = erase_found;
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0
 * scrub.c - looking for a person's names in bodies, orphaned events and notices, and taking them out.
 *
 * Nobody knows which bodies speak of a person, so all are looked through: by a reader, for at most a moment a look. What is
 * found is handed to the writer as numbers; there each body is read once more, cut (core/webhook_redact.h) and put in its own
 * place, so that two erasures at a time, or one beside retention, undo nothing of each other. Dead letters go with the events
 * that are taken out. Only then come what bodies may have left: the events of messages we do not know that name the person, and
 * notices that do. At the end the fan-out forgets the copies that it had prepared, and the database's log is emptied. */
#include "gateway/scrub.h"

#include <limits.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/wamid.h"
#include "core/webhook_redact.h"
#include "core/webhook_split.h"
#include "gateway/fanout.h"
#include "gateway/gateway_impl.h"
#include "gateway/projector.h"
#include "store/inbox.h"
#include "store/notice_cut.h"
#include "store/subscribers.h"

#define CALL_NS       400000000 /* a reader looks for about as long */
#define CALL_BODIES   100000
#define PAGE          1000
#define PAGE_BYTES    (4u << 20)
#define REDACTED_MAX  (3 * INBOX_BODY_MAX + 64) /* while it is made */
#define FOUND_BYTES   (8u << 20)
#define ORPHANS_ABOUT 20000
#define NOTICES       500 /* a page, and most that are cut at once */
#define DEAD_PAGE     64
#define RANK          5
#define EMPTY_TRIES   25
#define EMPTY_WAIT_US 20000
#define BUCKET        0 /* one holds everything while the spread is 1 */

/* Where a phase begins. */
static void go_on(struct scrub *x)
{
    x->phase++;
    x->at = x->phase == SCRUB_NOTICES ? INT64_MIN : 0;
    x->key = x->phase == SCRUB_NOTICES ? INT64_MIN : 0;
}

bool scrub_over(const struct scrub *x)
{
    return x->phase == SCRUB_OVER;
}

int scrub_begin(struct scrub *x, struct store *reader, struct err *e)
{
    x->phase = SCRUB_BODIES;
    x->at = x->key = 0;
    return inbox_newest(reader, &x->until, e);
}

/* --- looking ------------------------------------------------------------------------------------------------------- */

static bool is_theirs(const struct scrub *x, const struct message_event *ev)
{
    for (size_t i = 0; i < x->n_names; i++)
        if (str_eq(ev->participant, str_of(x->name[i].value)))
            return true;
    return ev->participant.n == 0 && wamid_names(ev->wamid, x->name, x->n_names);
}

/* A page of them; those that are theirs move to the front. */
static int look_at_orphans(struct scrub *x, struct store *s, struct arena *kept, struct err *e)
{
    int64_t next = 0;
    size_t n = 0;
    int rc = message_orphans(s, BUCKET, x->at, ORPHANS_ABOUT, kept, &x->orphans, &n, &next, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (is_theirs(x, &x->orphans[i]))
            x->orphans[x->n_orphans++] = x->orphans[i];
    x->at = next;
    if (next == 0)
        go_on(x);
    return rc;
}

static bool names_them(const struct scrub *x, const struct notice *v)
{
    return webhook_names(v->detail, x->name, x->n_names) || webhook_names(v->subject, x->name, x->n_names) ||
           webhook_names(v->word, x->name, x->n_names);
}

static int look_at_notices(struct scrub *x, struct store *s, struct arena *kept, struct err *e)
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

static int look_at_body(struct scrub *x, const struct inbox_row *row, struct buf *out, struct err *e)
{
    buf_clear(out);
    x->scanned++;
    if (webhook_redact(row->body, x->name, x->n_names, out)) {
        x->found[x->n_found++] = row->seq;
        x->found_bytes += row->body.n;
    }
    return out->failed ? err_set(e, WL_ENOMEM, "a webhook body does not fit its memory") : 0;
}

static bool enough(const struct scrub *x, int64_t begun_ns)
{
    return x->n_found == SCRUB_FOUND || x->found_bytes >= FOUND_BYTES || x->scanned >= CALL_BODIES ||
           clock_mono_ns() - begun_ns > CALL_NS;
}

/* Up to what was applied. */
static int look_at_bodies(struct scrub *x, struct store *s, struct arena *a, int64_t begun_ns, struct err *e)
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

int scrub_look(struct scrub *x, struct store *reader, struct arena *pages, struct arena *kept, struct err *e)
{
    x->n_found = x->found_bytes = x->n_orphans = x->n_notices = x->scanned = x->erased = 0;
    x->waits = false;
    if (x->phase == SCRUB_ORPHANS)
        return look_at_orphans(x, reader, kept, e);
    if (x->phase == SCRUB_NOTICES)
        return look_at_notices(x, reader, kept, e);
    int rc = look_at_bodies(x, reader, pages, clock_mono_ns(), e);
    if (rc == 0 && x->at >= x->until)
        go_on(x);
    return rc;
}

bool scrub_found(const struct scrub *x)
{
    return x->n_found > 0 || x->n_orphans > 0 || x->n_notices > 0;
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

static int rewrite(struct scrub *x, struct store *s, int64_t seq, struct arena *a, struct buf *out, struct err *e)
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

int scrub_take_out(struct scrub *x, struct store *s, struct err *e)
{
    struct arena *a = arena_create(2 * INBOX_BODY_MAX + SPLIT_BYTES_MAX);
    struct buf out;
    int rc = a == NULL ? err_set(e, WL_ENOMEM, "out of memory") : 0;
    buf_init(&out, REDACTED_MAX);
    x->erased = 0; /* the transaction may run a second time */
    for (size_t i = 0; rc == 0 && i < x->n_notices; i++)
        rc = notice_cut(s, &x->notices[i], e);
    for (size_t i = 0; rc == 0 && i < x->n_orphans; i++)
        rc = message_orphan_drop(s, &x->orphans[i], e);
    for (size_t i = 0; rc == 0 && i < x->n_found; i++)
        rc = rewrite(x, s, x->found[i], a, &out, e);
    buf_done(&out);
    arena_free(a);
    return rc;
}

/* The next bodies that were applied, up to `most` of them; *ret_n 0: there are none. */
static int rest_of_bodies(struct store *s, int64_t after, int64_t applied, size_t most, struct arena *a, int64_t *seq,
                          size_t *ret_n, struct err *e)
{
    struct inbox_row *rows = NULL;
    size_t n = 0, taken = 0;
    int rc = inbox_read(s, after, most, SCRUB_PAGES / 2, a, &rows, &n, e);
    for (size_t i = 0; rc == 0 && i < n && rows[i].seq <= applied; i++)
        seq[taken++] = rows[i].seq;
    *ret_n = taken;
    return rc;
}

int scrub_rest(struct scrub *x, struct store *s, size_t most, bool *ret_all, struct err *e)
{
    struct arena *pages = arena_create(SCRUB_PAGES), *a = arena_create(2 * INBOX_BODY_MAX + SPLIT_BYTES_MAX);
    int64_t seq[SCRUB_FOUND], applied = 0;
    struct buf out;
    size_t n = 0;
    int rc = pages == NULL || a == NULL ? err_set(e, WL_ENOMEM, "out of memory")
                                        : cursor_get(s, PROJECTOR_CURSOR, &applied, e);
    most = most < SCRUB_FOUND ? most : SCRUB_FOUND;
    buf_init(&out, REDACTED_MAX);
    if (rc == 0)
        rc = rest_of_bodies(s, x->until, applied, most, pages, seq, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = rewrite(x, s, seq[i], a, &out, e);
    buf_done(&out);
    arena_free(pages);
    arena_free(a);
    *ret_all = rc == 0 && n < most;
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

int scrub_end(struct gateway *g, bool *ret_emptied, struct err *e)
{
    bool emptied = false;
    int rc = 0;
    fanout_forget(g->fanout);
    for (int i = 0; rc == 0 && !emptied && i < EMPTY_TRIES; i++) {
        if (i > 0)
            usleep(EMPTY_WAIT_US);
        rc = writer_call(g->writer, RANK, empty_again, &emptied, e);
    }
    *ret_emptied = emptied;
    return rc;
}

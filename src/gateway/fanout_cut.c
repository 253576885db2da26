/* SPDX-License-Identifier: Apache-2.0
 * fanout_cut.c - a body of the inbox as one subscriber is to have it.
 *
 * Our mark is taken out first, then the body is cut into one piece an event, or stays whole. A piece goes on when one of its events
 * is wanted by the subscriber's filter and was not had before, in whatever body. What cannot be read as webhooks, or cannot
 * be cut, goes whole to whoever filters nothing: Meta signed it, and what it means is for the app to say.
 *
 * What an erasure took out has left its place: the piece is counted, and nobody's. Of a whole body the rest goes on, without
 * the places. A body that says nothing is nobody's either. */
#include "gateway/fanout_impl.h"

#include <stdio.h>

#include "base/json.h"
#include "core/webhook_redact.h"
#include "core/webhook_split.h"
#include "gateway/mark.h"
#include "gateway/snapshot.h"

static void name_identity(struct delivery_names *n, const struct identity *id)
{
    if (id->kind != IDENTITY_NONE)
        delivery_name(n, str_of(id->value));
}

/* What an event speaks of, in order with what else speaks of it; of no message and nobody: by field and account. */
static void names_of(struct delivery_names *n, const struct event *ev)
{
    const struct identity *people[] = {&ev->phone,    &ev->user_id,          &ev->parent_id,
                                       &ev->previous, &ev->previous_user_id, &ev->previous_parent_id};
    bool somebody = ev->wamid.n > 0 || ev->group_id.n > 0;
    delivery_name(n, ev->wamid);
    delivery_name(n, ev->group_id);
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        name_identity(n, people[i]);
        somebody |= people[i]->kind != IDENTITY_NONE;
    }
    if (somebody)
        return;
    char text[160];
    int len = snprintf(text, sizeof text, "%lld %.*s", (long long)ev->waba,
                       (int)(ev->field.n < 120 ? ev->field.n : 120), ev->field.p != NULL ? ev->field.p : "");
    delivery_name(n, (struct str){text, (size_t)len});
}

/* A body of events of which there are none. Of entries without changes we do not know what they say. */
static bool says_nothing(struct json root)
{
    for (struct json_iter it = json_iter(json_get(root, "entry")); json_next(&it);)
        if (json_type(json_get(it.value, "changes")) != JSON_ARRAY)
            return false;
    return true;
}

static void judge(struct fanout *f, const struct target *t, const struct inbox_row *row, struct cut_piece *p)
{
    struct json root;
    struct event *events = NULL;
    size_t n = 0;
    bool readable = json_parse(thread_json(), p->body, false, &root, NULL) == 0 &&
                    events_parse(root, f->cut, &events, &n, NULL) == 0;
    n = readable ? n : 0;
    snapshot_number_events(f->g->snapshots, events, n);
    p->wanted = p->fresh = n == 0 && t->filter == NULL && !(readable && says_nothing(root));
    for (size_t i = 0; i < n; i++) {
        names_of(&p->names, &events[i]);
        bool wanted = t->filter == NULL || webhook_wanted(t->filter, &events[i]);
        p->wanted |= wanted;
        p->fresh |= wanted && (events[i].key == 0 || !inbox_repeated(row, events[i].key));
    }
}

/* WL_ENOMEM: it does not fit without its gaps either. */
static int close_gaps(struct fanout *f, struct cut_piece *p, struct err *e)
{
    struct buf less;
    buf_init(&less, p->body.n);
    enum webhook_left left = webhook_without_gaps(p->body, &less);
    p->gone = left == WEBHOOK_NOTHING;
    char *copy = left == WEBHOOK_LESS ? arena_memdup(f->cut, less.data, less.len) : NULL;
    if (copy != NULL)
        p->body = (struct str){copy, less.len};
    buf_done(&less);
    return left == WEBHOOK_LESS && copy == NULL ? err_set(e, WL_ENOMEM, "no memory to cut a body") : 0;
}

int fanout_cut(struct fanout *f, const struct target *t, bool whole, const struct inbox_row *row, struct cut *ret,
               struct err *e)
{
    struct webhook_piece *pieces = NULL;
    struct str body = row->body;
    size_t n = 0;
    arena_reset(f->cut);
    buf_clear(&f->restored);
    if (mark_restore(f->g, f->reader, row->body, &f->restored) && !f->restored.failed)
        body = buf_str(&f->restored);
    if (!whole && webhook_split(body, f->cut, &pieces, &n, NULL) != 0)
        n = 0;
    bool uncut = n == 0;
    ret->n = uncut ? 1 : n;
    ret->piece = arena_new_array(f->cut, struct cut_piece, ret->n);
    if (ret->piece == NULL && !uncut) { /* the pieces took all the room there is */
        arena_reset(f->cut);
        uncut = true;
        ret->n = 1;
        ret->piece = arena_new(f->cut, struct cut_piece);
    }
    if (ret->piece == NULL)
        return err_set(e, WL_ENOMEM, "no memory to cut a body");
    for (size_t i = 0; i < ret->n; i++) {
        ret->piece[i].body = uncut ? body : pieces[i].body;
        ret->piece[i].event = uncut ? -1 : (int)i;
        int rc = close_gaps(f, &ret->piece[i], e);
        if (rc != 0)
            return rc;
        if (!ret->piece[i].gone)
            judge(f, t, row, &ret->piece[i]);
    }
    return 0;
}

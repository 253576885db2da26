/* SPDX-License-Identifier: Apache-2.0
 * rest_erase.c - POST /webhooks/erase: one person's data taken out of what webhooks left here.
 *
 * A call looks for a moment (scrub.h) and the caller comes back with `next` until there is none; what it found is taken out
 * before it answers. The person's names are those they go by now and those they had before; somebody nobody knows is looked for
 * by the name that is given. At the end goes the name that webhooks told us of them.
 *
 * What the business itself keeps stays: the person, their consent and its proof, and messages to them. That all of it goes is
 * asked for at /contacts/{who}/erase. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/rest_subscriber.h"
#include "gateway/scrub.h"

#define RANK    5
#define WAIT_US 20000
#define BUCKET  0 /* one holds everything while the spread is 1 */

struct erase_call {
    struct rest_call *c;
    struct scrub scrub;
    int64_t contact; /* 0: nobody is known by the name */
};

/* --- who, and where it goes on ------------------------------------------------------------------------------------- */

static int find_names(struct erase_call *x, struct store *s, struct str who, struct err *e)
{
    struct person p;
    struct rest_call *c = x->c;
    bool known = true;
    int rc = rest_find_person(c, s, who, &p, e);
    if (rc == 0 && c->problem.code == WL_ENOTFOUND &&
        identity_written(&c->g->phones, who, &x->scrub.name[0], NULL) == 0) {
        known = false; /* webhooks may speak of somebody nobody knows */
        x->scrub.n_names = 1;
        c->problem.code = 0;
        c->field = NULL;
    }
    if (rc != 0 || c->problem.code != 0 || !known)
        return rc;
    x->contact = p.id;
    rc = people_identities(s, p.bucket, p.id, x->scrub.name, SCRUB_NAMES, &x->scrub.n_names, e);
    if (rc == 0 && x->scrub.n_names == SCRUB_NAMES)
        return err_set(e, WL_EBUG, "a person with %d names", SCRUB_NAMES);
    return rc;
}

static bool read_place(struct scrub *x, struct str text)
{
    struct str rest;
    int64_t phase;
    int64_t *const places[] = {&phase, &x->at, &x->key, &x->until};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++, text = rest)
        if (!str_i64(str_cut(text, '.', &rest), places[i]))
            return false;
    if (phase < SCRUB_BODIES || phase >= SCRUB_OVER || x->until < 0 || rest.n > 0)
        return false;
    x->phase = (unsigned)phase;
    return x->at >= 0 || x->phase == SCRUB_NOTICES;
}

static int read_request(struct erase_call *x, struct store *s, struct err *e)
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
    if (!first && (!json_str(cursor, &place) || !read_place(&x->scrub, place)))
        return rest_wrong(c, WL_EINVAL, "cursor", "cursor is the `next` of the answer before");
    int rc = find_names(x, s, who, e);
    return rc == 0 && c->problem.code == 0 && first ? scrub_begin(&x->scrub, s, e) : rc;
}

/* --- the call -------------------------------------------------------------------------------------------------------- */

/* The name that webhooks told; when it was told stays, so that older news does not tell it again. */
static int forget_name(struct erase_call *x, struct store *s, struct err *e)
{
    struct person p;
    int rc = people_get(s, BUCKET, x->contact, &p, e);
    if (rc != 0 || p.name_at == 0 || p.name[0] == '\0')
        return rc;
    p.name[0] = '\0';
    return people_save(s, &p, 1, e);
}

static int take_out(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct erase_call *x = ctx;
    bool over = scrub_over(&x->scrub);
    (void)a, (void)now;
    int rc = over && x->contact != 0 ? forget_name(x, s, e) : 0;
    if (rc == 0)
        rc = scrub_take_out(&x->scrub, s, e);
    return rc == 0 && over ? store_empty_log(s, e) : rc;
}

static void answer(struct erase_call *x)
{
    struct json_out *o = &x->c->out;
    const struct scrub *w = &x->scrub;
    char next[96];
    jo_object(o);
    jo_kint(o, "scanned", (int64_t)w->scanned);
    jo_kint(o, "erased", (int64_t)w->erased);
    snprintf(next, sizeof next, "%d.%lld.%lld.%lld", (int)w->phase, (long long)w->at, (long long)w->key,
             (long long)w->until);
    jo_kcstr(o, "next", scrub_over(w) ? NULL : next);
    jo_end(o);
}

/* On the reader's thread, its transaction being over. */
static void erase_found(struct rest_call *c)
{
    struct erase_call *x = c->work;
    struct err e = {0};
    bool emptied;
    int rc = 0;
    if (scrub_found(&x->scrub) || scrub_over(&x->scrub))
        rc = writer_call(c->g->writer, RANK, take_out, x, &e);
    else if (x->scrub.waits)
        usleep(WAIT_US);
    if (rc == 0 && scrub_over(&x->scrub))
        rc = scrub_end(c->g, &emptied, &e);
    if (rc == 0)
        answer(x);
    else
        c->problem = e;
    rest_reply(c);
}

int rest_webhooks_erase(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct arena *kept = http_arena(c->rq); /* outlives the transaction */
    struct erase_call *x = arena_new(kept, struct erase_call);
    (void)now, (void)a;
    if (x == NULL)
        return err_set(e, WL_ENOMEM, "the request is too large");
    x->c = c;
    int rc = read_request(x, s, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    struct arena *pages = arena_create(SCRUB_PAGES);
    if (pages == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    rc = scrub_look(&x->scrub, s, pages, kept, e);
    arena_free(pages);
    c->work = x;
    c->later = erase_found;
    return rc;
}

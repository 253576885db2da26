/* SPDX-License-Identifier: Apache-2.0
 * campaign_preview.c - some messages of a checked campaign, as their people would read them.
 *
 * Made from what the check froze, so it is what will be sent; the listing beside it is today's. Kept nowhere: it has people's words in it, and
 * whoever asks may have them (docs/api.md). Numbers are masked all the same: a preview is looked at over shoulders. */
#include <stdio.h>

#include "base/log.h"
#include "gateway/campaign_check.h"
#include "store/people.h"
#include "store/senders.h"

#define PREVIEW_ARENA (64u << 20)
#define TEXT_MAX      (64u << 10)
#define NAMES_MAX     16
#define BUCKET        0 /* one holds everything while the spread is 1 */

struct preview {
    struct gateway *g;
    struct store *reader;
    struct arena *a;
    struct json_parser *definition, *listing;
    struct campaign_def *def;
    struct template_row *rows;
    size_t n_rows;
    struct snapshot *snap;
    struct json_out *o;
};

static struct json listing_of(struct preview *p, const struct campaign_recipient *r)
{
    const struct sender *number = snapshot_sender(p->snap, r->sender);
    struct json found = {NULL, 0};
    for (size_t i = 0; number != NULL && i < p->n_rows; i++) {
        const struct template_row *t = &p->rows[i];
        if (t->waba == number->waba && str_eq(t->language, r->language) &&
            str_eq(t->name, p->def->variant[r->variant].name) && t->listing.n > 0 &&
            json_parse(p->listing, t->listing, false, &found, NULL) != 0)
            found = (struct json){NULL, 0};
    }
    return found;
}

static int put_to(struct preview *p, const struct campaign_recipient *r, char masked[LOG_MASK], bool *ret_user,
                  struct err *e)
{
    struct identity names[NAMES_MAX];
    size_t n = 0;
    masked[0] = '\0';
    *ret_user = true;
    int rc = r->contact != 0 ? people_identities(p->reader, BUCKET, r->contact, names, NAMES_MAX, &n, e) : 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (names[i].kind == IDENTITY_PHONE || (names[i].kind == IDENTITY_USER_ID && *ret_user)) {
            log_mask(str_of(names[i].value), masked);
            *ret_user = names[i].kind != IDENTITY_PHONE;
        }
    return rc;
}

static int put_one(struct preview *p, const struct campaign_recipient *r, struct err *e)
{
    const struct campaign_variant *v = &p->def->variant[r->variant];
    struct buf text, body;
    char id[48], masked[LOG_MASK];
    bool user = false;
    int rc = put_to(p, r, masked, &user, e);
    buf_init(&text, TEXT_MAX);
    buf_init(&body, TEXT_MAX);
    if (rc == 0)
        rc = campaign_body(v, r->language, str_of(masked), user, r->params, &body, e);
    if (rc == 0) {
        campaign_text(v, listing_of(p, r), r->params, &text);
        snprintf(id, sizeof id, "c%lld-%d", (long long)r->contact, BUCKET);
        jo_object(p->o);
        jo_kint(p->o, "place", r->place);
        jo_kcstr(p->o, "contact", r->contact != 0 ? id : NULL);
        jo_kcstr(p->o, "to", masked);
        snprintf(id, sizeof id, "%lld", (long long)r->sender);
        jo_kcstr(p->o, "number", id);
        jo_kstr(p->o, "template", v->name);
        jo_kstr(p->o, "language", r->language);
        jo_kstr(p->o, "text", buf_str(&text));
        jo_key(p->o, "body");
        jo_raw(p->o, buf_str(&body));
        jo_end(p->o);
    }
    buf_done(&body);
    buf_done(&text);
    return rc;
}

static int open_definition(struct preview *p, const struct campaign_row *c, struct err *e)
{
    struct json root;
    p->def = arena_new(p->a, struct campaign_def);
    if (p->def == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    int rc = json_parse(p->definition, c->definition, false, &root, e);
    if (rc == 0)
        rc = campaign_def_read(root, p->a, p->def, NULL, e);
    return rc == 0 ? templates_list(p->reader, 0, p->a, &p->rows, &p->n_rows, e) : rc;
}

static int put_all(struct preview *p, const struct campaign_row *c, int64_t place, size_t n, struct err *e)
{
    struct campaign_recipient *r;
    size_t got = 0;
    if (n > CAMPAIGN_PREVIEWS_MAX)
        n = CAMPAIGN_PREVIEWS_MAX;
    int rc = recipients_read(p->reader, BUCKET, c->id, place > 0 ? place : 1, p->a, n, &r, &got, e);
    jo_array(p->o);
    for (size_t i = 0; rc == 0 && i < got; i++)
        if (r[i].skip == SKIP_NONE && (size_t)r[i].variant < p->def->n_variants && r[i].params.n > 0)
            rc = put_one(p, &r[i], e);
    jo_end(p->o);
    return rc;
}

int campaign_preview_write(struct gateway *g, struct store *reader, const struct campaign_row *c, int64_t place,
                           size_t n, struct json_out *o, struct err *e)
{
    struct preview p = {.g = g, .reader = reader, .o = o, .a = arena_create(PREVIEW_ARENA)};
    if (p.a == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    p.definition = json_parser_create();
    p.listing = json_parser_create();
    p.snap = snapshot_borrow(g->snapshots);
    int rc = c->planned ? open_definition(&p, c, e)
                        : err_set(e, WL_EDENIED, "the campaign has no plan yet: have it checked first");
    if (rc == 0)
        rc = put_all(&p, c, place, n, e);
    snapshot_return(p.snap);
    json_parser_free(p.listing);
    json_parser_free(p.definition);
    arena_free(p.a);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0
 * apply_word.c - what was said of templates, accounts and numbers; and that it was said.
 *
 * The state that decisions read is the fold of such words; the words themselves are kept as notices, for people who ask why.
 * Fields are counted, known or not, so that one that Meta adds is seen. */
#include "base/digest.h"
#include "gateway/apply_account.h"
#include "gateway/apply_impl.h"
#include "store/notices.h"

_Static_assert(EVENT_NOTICE_MAX == NOTICE_DETAIL_MAX, "what is read can be kept");

/* The account's list of templates says something else by now. */
static void note_stale(struct apply_result *r, int64_t waba)
{
    for (size_t i = 0; i < r->n_stale; i++)
        if (r->stale_waba[i] == waba || r->stale_waba[i] == 0)
            return;
    if (r->n_stale < APPLIED_STALE_MAX)
        r->stale_waba[r->n_stale++] = waba;
    else
        r->stale_waba[0] = 0; /* more than fit: any */
}

int apply_template(struct apply_context *c, const struct event *ev, struct err *e)
{
    if (ev->template_name.n == 0 || ev->template_language.n == 0 || ev->waba == 0)
        return 0; /* kept in the inbox */
    int64_t at = apply_time(c, ev);
    bool changed = ev->kind == EVENT_TEMPLATE_COMPONENTS;
    struct template_row row = {.waba = ev->waba,
                               .name = ev->template_name,
                               .language = ev->template_language,
                               .id = ev->template_id,
                               .status = ev->template_status,
                               .category = ev->new_category,
                               .quality = ev->quality,
                               .detail = ev->template_detail,
                               .next_category = ev->next_category,
                               .next_category_at = ev->next_category_at,
                               .next_said_at = ev->kind == EVENT_TEMPLATE_CATEGORY ? at : 0,
                               .components_at = changed ? at : 0,
                               .updated_at = at,
                               .status_at = at};
    c->result->control_changed = true;
    if (ev->kind != EVENT_TEMPLATE_QUALITY)
        note_stale(c->result, ev->waba);
    return templates_put(c->s, &row, 1, e);
}

int apply_account(struct apply_context *c, const struct event *ev, struct err *e)
{
    if (ev->account == NULL)
        return 0;
    c->result->control_changed = true;
    return apply_account_word(c->s, c->arena, ev->waba, ev->display_phone, ev->account, apply_time(c, ev), e);
}

static struct str subject_of(struct apply_context *c, const struct event *ev)
{
    if (ev->template_name.n > 0) {
        char *text =
            arena_printf(c->arena, "%.*s/%.*s", (int)ev->template_name.n, ev->template_name.p,
                         (int)ev->template_language.n, ev->template_language.n > 0 ? ev->template_language.p : "");
        return str_of(text);
    }
    return ev->flow_id.n > 0 ? ev->flow_id : ev->display_phone;
}

static struct str word_of_notice(const struct event *ev)
{
    if (ev->kind == EVENT_TEMPLATE_QUALITY)
        return ev->quality;
    if (ev->kind == EVENT_TEMPLATE_CATEGORY && ev->new_category != CATEGORY_UNKNOWN)
        return str_of(category_name(ev->new_category));
    if (ev->next_category != CATEGORY_UNKNOWN)
        return str_of(category_name(ev->next_category));
    return ev->type;
}

int apply_notice(struct apply_context *c, const struct event *ev, struct err *e)
{
    if (ev->notice.n == 0)
        return 0;
    struct notice v = {.at = apply_time(c, ev),
                       .key = ev->key != 0 ? ev->key : hash64(ev->notice.p, ev->notice.n),
                       .recorded_at = c->stored_at,
                       .waba = ev->waba,
                       .sender = ev->phone_number_id,
                       .field = ev->field,
                       .subject = subject_of(c, ev),
                       .word = word_of_notice(ev),
                       .detail = ev->notice};
    int rc = 0;
    if (v.sender == 0 && ev->display_phone.n > 0)
        rc = apply_number_shown(c->s, c->arena, ev->display_phone, &v.sender, e);
    return rc == 0 ? notices_put(c->s, &v, 1, NULL, e) : rc;
}

/* --- fields -------------------------------------------------------------------------------------------------------- */

#define FIELD_MAX 80 /* characters of a field's name that are kept */

int apply_end(struct store *s, struct apply_result *r, struct err *e)
{
    int rc = r->n_fields > 0 ? fields_add(s, r->field, r->n_fields, e) : 0;
    r->n_fields = 0;
    return rc == 0 ? apply_active_flush(&r->active, s, e) : rc;
}

int apply_field(struct apply_context *c, const struct event *ev, struct err *e)
{
    struct apply_result *r = c->result;
    struct str name = {ev->field.n > 0 ? ev->field.p : "", ev->field.n < FIELD_MAX ? ev->field.n : FIELD_MAX};
    size_t i = 0;
    while (i < r->n_fields && !str_eq(r->field[i].field, name))
        i++;
    if (i == APPLIED_FIELDS_MAX) {
        int rc = apply_end(c->s, r, e);
        if (rc != 0)
            return rc;
        i = 0;
    }
    struct field_heard *f = &r->field[i];
    if (i == r->n_fields) {
        *f = (struct field_heard){name, event_field_known(ev->field), 0, c->stored_at, c->stored_at};
        r->n_fields++;
    }
    f->events++;
    f->first_at = c->stored_at < f->first_at ? c->stored_at : f->first_at;
    f->last_at = c->stored_at > f->last_at ? c->stored_at : f->last_at;
    return 0;
}

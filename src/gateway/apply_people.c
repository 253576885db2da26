/* SPDX-License-Identifier: Apache-2.0
 * apply_people.c - what people wrote, called and chose: who it was, their window, their name, their consent.
 *
 * Persons are found by whichever names an event carries and learn the others (a webhook may have a phone number, a
 * business-scoped id, or both; docs/platform.md §6.9); whose a name is when two persons have a claim to it is people.h's
 * matter. The name a person shows is the one heard last, by the time of what it came with; to know that without writing the
 * person's row with every message, the pair's row, which is written anyway, has the time. A name the business gave stays. */
#include "gateway/apply_impl.h"
#include "store/ledger.h"

static int event_person(struct apply_context *c, const struct event *ev, struct person *ret, struct err *e)
{
    const struct heard names = {&ev->phone, &ev->user_id, &ev->parent_id};
    return people_hear(c->s, &names, apply_time(c, ev), c->now, ret, e);
}

/* --- names and windows --------------------------------------------------------------------------------------------- */

static void copy_name(char out[PERSON_NAME_MAX], struct str name)
{
    struct str kept = str_clip(name, PERSON_NAME_MAX - 1);
    memcpy(out, kept.p, kept.n);
    out[kept.n] = '\0';
}

static bool was_given_a_name(const struct person *p)
{
    return p->name[0] != '\0' && p->name_at == 0;
}

/* Another name than the one we have: when was that one last heard? */
static int take_name(struct apply_context *c, struct person *p, const char *name, int64_t at, struct err *e)
{
    int64_t last = 0;
    int rc = pairs_last_named(c->s, p->bucket, p->id, &last, e);
    last = last > p->name_at ? last : p->name_at;
    if (rc != 0 || at < last || (at == last && strcmp(name, p->name) <= 0))
        return rc;
    memcpy(p->name, name, sizeof p->name);
    p->name_at = at;
    return people_save(c->s, p, 1, e);
}

/* `pair` may be NULL; its row is the caller's to save. */
static int learn_name(struct apply_context *c, const struct event *ev, struct person *p, struct pair *pair,
                      struct err *e)
{
    char name[PERSON_NAME_MAX] = {0};
    int64_t at = apply_time(c, ev);
    if (ev->profile_name.n == 0 || was_given_a_name(p))
        return 0;
    copy_name(name, ev->profile_name);
    if (name[0] == '\0')
        return 0;
    if (strcmp(name, p->name) != 0)
        return take_name(c, p, name, at, e);
    if (pair != NULL) {
        pair->named_at = at > pair->named_at ? at : pair->named_at;
        return 0;
    }
    if (at <= p->name_at)
        return 0;
    p->name_at = at;
    return people_save(c->s, p, 1, e);
}

/* With one of our numbers: the window, and when their name was heard. */
static int learn_pair(struct apply_context *c, const struct event *ev, struct person *p, struct err *e)
{
    struct pair pair = {.bucket = p->bucket, .contact = p->id, .sender = ev->phone_number_id};
    int rc = pairs_get(c->s, &pair, 1, e);
    if (rc != 0)
        return rc;
    struct pair before = pair;
    int64_t at = apply_time(c, ev);
    if (ev->opens && at > pair.last_inbound)
        pair.last_inbound = at;
    rc = learn_name(c, ev, p, &pair, e);
    if (rc != 0 || (pair.last_inbound == before.last_inbound && pair.named_at == before.named_at))
        return rc;
    return pairs_put(c->s, &pair, 1, e);
}

/* --- campaigns ----------------------------------------------------------------------------------------------------- */

/* ret->id 0: it answers none that we know. */
static int answered(struct apply_context *c, const struct event *ev, struct message *ret, struct err *e)
{
    int bucket;
    int64_t id;
    ret->id = 0;
    if (ev->reply_to.n == 0 || !apply_find(c->a, ev->reply_to, &bucket, &id))
        return 0;
    int rc = messages_get(c->s, bucket, id, ret, e);
    if (rc == WL_ENOTFOUND)
        ret->id = 0;
    return rc == WL_ENOTFOUND ? 0 : rc;
}

int apply_told(struct apply_context *c, const struct event *ev, const struct person *p, int bits, struct err *e)
{
    struct message m;
    int rc = answered(c, ev, &m, e);
    if (rc != 0)
        return rc;
    return m.id != 0 ? campaign_told(c->s, &m, bits, e)
                     : campaign_told_lately(c->s, c->arena, p->bucket, p->id, apply_time(c, ev), bits, e);
}

static int replied(struct apply_context *c, const struct event *ev, const struct person *p, struct err *e)
{
    bool speaks = ev->kind == EVENT_INBOUND && ev->opens && ev->group_id.n == 0;
    return speaks ? apply_told(c, ev, p, TOLD_REPLIED | (ev->payload.n > 0 ? TOLD_CLICKED : 0), e) : 0;
}

/* --- what they wrote ----------------------------------------------------------------------------------------------- */

int apply_inbound(struct apply_context *c, const struct event *ev, struct err *e)
{
    struct person p;
    bool says_more = ev->opens || ev->profile_name.n > 0 || ev->text.n > 0 || ev->payload.n > 0;
    if (ev->kind == EVENT_CALL && !ev->opens)
        return 0; /* we called them: nothing we did not know */
    int rc = event_person(c, ev, &p, e);
    if (rc != 0 || p.id == 0 || !says_more)
        return rc;
    rc = ev->phone_number_id != 0 ? learn_pair(c, ev, &p, e) : learn_name(c, ev, &p, NULL, e);
    if (rc == 0)
        rc = apply_activity_inbound(&c->result->active, c->s, p.bucket, p.id, ev, apply_time(c, ev), e);
    if (rc == 0)
        rc = replied(c, ev, &p, e);
    return rc == 0 ? apply_asked(c, ev, &p, e) : rc;
}

/* --- consent ------------------------------------------------------------------------------------------------------- */

int apply_consent(struct store *s, struct person *p, const struct said *said, int64_t now, bool *ret_new, struct err *e)
{
    consent_scope scope = said->scope != 0 ? said->scope : CONSENT_SCOPE(CATEGORY_MARKETING);
    char subject[IDENTITY_TEXT_MAX] = "";
    struct consent_row row = {.bucket = p->bucket,
                              .id = store_id(s, now),
                              .contact = p->id,
                              .event = {said->act, scope, said->at, CONSENT_RANK_WRITTEN, 0},
                              .recorded_at = now,
                              .method = said->method.n > 0 ? said->method : STR("platform"),
                              .source = said->source,
                              .evidence = said->evidence,
                              .language = said->language,
                              .actor = STR("webhook"),
                              .sender = said->sender};
    size_t fresh = 0;
    if (said->under != NULL)
        row.subject = identity_text(said->under, subject);
    int rc = ledger_append(s, &row, 1, &fresh, e);
    if (ret_new != NULL)
        *ret_new = fresh > 0;
    return rc == 0 ? people_say(s, p, said->under, &row.event, now, e) : rc;
}

void apply_refused(struct apply_context *c, const struct person *p)
{
    struct apply_result *r = c->result;
    if (r->n_refused < APPLIED_MAX)
        r->refused[r->n_refused++] = (struct refused){p->bucket, p->id, c->stored_at};
}

/* GRANT: Meta's own opt-in link (In-App Signup). */
int apply_preference(struct apply_context *c, const struct event *ev, struct err *e)
{
    const struct said said = {.act = ev->act,
                              .at = apply_time(c, ev),
                              .sender = ev->phone_number_id,
                              .source = STR("user_preferences"),
                              .under = said_under(ev)};
    struct person p;
    bool new = false;
    int rc = event_person(c, ev, &p, e);
    if (rc == 0 && p.id != 0)
        rc = learn_name(c, ev, &p, NULL, e);
    if (rc != 0 || p.id == 0 || (ev->act != CONSENT_STOP && ev->act != CONSENT_RESUME && ev->act != CONSENT_GRANT))
        return rc;
    rc = apply_consent(c->s, &p, &said, c->now, &new, e);
    if (rc != 0 || !new || ev->act != CONSENT_STOP)
        return rc;
    apply_refused(c, &p);
    return apply_told(c, ev, &p, TOLD_OPTED_OUT, e);
}

int apply_number_changed(struct apply_context *c, const struct event *ev, struct err *e)
{
    const struct identity *phone = ev->previous.kind == IDENTITY_PHONE ? &ev->previous : NULL;
    const struct heard before = {phone, &ev->previous_user_id, &ev->previous_parent_id},
                       after = {&ev->phone, &ev->user_id, &ev->parent_id};
    struct person p;
    if (phone == NULL && ev->previous_user_id.kind == IDENTITY_NONE) /* told by a parent id alone it joins nobody */
        return event_person(c, ev, &p, e);
    return people_rename(c->s, &before, &after, apply_time(c, ev), c->now, &p, e);
}

/* SPDX-License-Identifier: Apache-2.0
 * campaign_check_judge.c - asking the door about everybody, a few at a time.
 *
 * Each question is the message as it would be sent, in mode SEND_JUDGE: the same facts, the same rules, and nothing is written or counted. At most
 * JUDGE_AT_ONCE are with the door, and no more than a part of the places that one number has there (limits.queue), so that a check of a million people
 * stands in nobody's way. A denial makes the person a skip with its rule; a hold is no reason to leave anybody out, and is counted with the times it ends. Where the door
 * has no room the check waits: it has no hurry. */
#include <stdlib.h>
#include <unistd.h>

#include "gateway/admit.h"
#include "gateway/campaign_check_impl.h"

#define JUDGE_AT_ONCE 48
#define PART          32 /* of all places; a number has a quarter of them */
#define ARENA_MAX     (256u << 10)
#define ROOM_WAIT_US  5000
#define WAIT_MOST     12000 /* times: a minute without any room */

struct question {
    struct send send;
    struct intent intent;
    struct arena *arena;
    struct json_parser *json;
    struct buf body;
    struct judge *judge;
    struct check_person *person;
    struct question *next; /* of the answered ones, or of the free ones */
};

struct judge {
    pthread_mutex_t lock;
    pthread_cond_t told;
    struct question *answered; /* under the lock */
    struct question *free;
    size_t asked;
    struct question all[JUDGE_AT_ONCE];
};

static void decided(struct send *s)
{
    struct question *q = container_of(s, struct question, send);
    pthread_mutex_lock(&q->judge->lock);
    q->next = q->judge->answered;
    q->judge->answered = q;
    pthread_cond_signal(&q->judge->told);
    pthread_mutex_unlock(&q->judge->lock);
}

int judge_open(struct check *c, struct err *e)
{
    struct judge *j = calloc(1, sizeof *j);
    if (j == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->told, NULL);
    c->judge = j;
    size_t part = c->g->o.max_queue / PART, n = part < 1 ? 1 : part < JUDGE_AT_ONCE ? part : JUDGE_AT_ONCE;
    for (size_t i = 0; i < n; i++) {
        struct question *q = &j->all[i];
        q->judge = j;
        q->arena = arena_create(ARENA_MAX);
        q->json = json_parser_create();
        buf_init(&q->body, OUTBOX_BODY_MAX);
        if (q->arena == NULL)
            return err_set(e, WL_ENOMEM, "out of memory");
        q->next = j->free;
        j->free = q;
    }
    return 0;
}

static void tally_hold(struct check *c, struct check_person *p, struct str rule, int64_t until)
{
    struct check_tally *t = check_tally(c, SKIP_NONE, rule);
    t->people++;
    p->tally = (uint16_t)(t - c->tally);
    p->held = true;
    check_sample(&t->sample, p->contact);
    if (t->first_until == 0 || until < t->first_until)
        t->first_until = until;
    if (until > t->last_until)
        t->last_until = until;
}

/* What was said of one person. */
static int hear(struct check *c, const struct question *q, struct err *e)
{
    const struct send *s = &q->send;
    if (s->job.rc != 0)
        return err_set(e, s->job.rc, "%s", s->job.err.text);
    const struct finding *f = decision_main(&s->decision);
    struct check_group *g = &c->group[q->person->group];
    if (g->facts == NULL && s->decision.verdict != VERDICT_DENY)
        g->facts = arena_memdup(c->a, &s->facts, sizeof s->facts);
    struct str rule = f != NULL ? str_of(rule_id(f->rule)) : STR("");
    if (s->decision.verdict == VERDICT_DENY)
        check_skip(c, q->person, SKIP_RULE, rule);
    else if (s->decision.verdict == VERDICT_HOLD)
        tally_hold(c, q->person, rule, s->decision.until);
    return 0;
}

/* Hears all that was answered; waits for one where `wait` says so. */
static int hear_answers(struct check *c, bool wait, struct err *e)
{
    struct judge *j = c->judge;
    int rc = 0;
    pthread_mutex_lock(&j->lock);
    while (wait && j->answered == NULL && j->asked > 0)
        pthread_cond_wait(&j->told, &j->lock);
    struct question *q = j->answered, *next;
    j->answered = NULL;
    pthread_mutex_unlock(&j->lock);
    for (; q != NULL; q = next) {
        next = q->next;
        if (rc == 0)
            rc = hear(c, q, e);
        j->asked--;
        q->next = j->free;
        j->free = q;
    }
    return rc;
}

/* Hands it over as soon as there is room. */
static int submit(struct check *c, struct question *q, struct err *e)
{
    struct err why = {0};
    for (int i = 0; i < WAIT_MOST; i++) {
        int rc = admit_submit(&q->send, &why);
        if (rc == 0) {
            c->judge->asked++;
            return 0;
        }
        if (rc != WL_EBUSY || (rc = check_go_on(c, e)) != 0)
            return rc != WL_EBUSY ? err_set(e, rc, "%s", why.text) : rc;
        usleep(ROOM_WAIT_US);
    }
    return err_set(e, WL_EBUSY, "%s", why.text);
}

int judge_ask(struct check *c, struct check_person *p, const struct identity *to, const struct check_listing *l,
              struct str values, struct err *e)
{
    struct judge *j = c->judge;
    struct json root;
    int rc = hear_answers(c, j->free == NULL, e);
    if (rc != 0)
        return rc;
    struct question *q = j->free;
    arena_reset(q->arena);
    buf_clear(&q->body);
    rc = campaign_body(&c->def->variant[p->variant], l->row->language, str_of(to->value), to->kind != IDENTITY_PHONE,
                       values, &q->body, e);
    if (rc == 0)
        rc = json_parse(q->json, buf_str(&q->body), true, &root, e);
    if (rc == 0)
        rc = intent_parse(root, PATH_MESSAGES, q->arena, &q->intent, e);
    if (rc != 0)
        return rc;
    q->person = p;
    q->send = (struct send){.g = c->g,
                            .mode = SEND_JUDGE,
                            .sender = c->def->number[p->number],
                            .intent = &q->intent,
                            .expected = c->def->category,
                            .expires = c->def->deadline,
                            .campaign = c->row.id,
                            .stratum = p->stratum,
                            .decided = decided};
    send_facts(&q->send, c->snap);
    j->free = q->next;
    rc = submit(c, q, e);
    if (rc != 0) {
        q->next = j->free;
        j->free = q;
    }
    return rc;
}

int judge_wait(struct check *c, struct err *e)
{
    int rc = 0;
    while (c->judge->asked > 0) {
        int one = hear_answers(c, true, rc == 0 ? e : NULL);
        rc = rc != 0 ? rc : one;
    }
    return rc;
}

void judge_close(struct check *c)
{
    struct judge *j = c->judge;
    if (j == NULL)
        return;
    judge_wait(c, NULL);
    for (size_t i = 0; i < JUDGE_AT_ONCE; i++) {
        buf_done(&j->all[i].body);
        arena_free(j->all[i].arena);
        json_parser_free(j->all[i].json);
    }
    pthread_cond_destroy(&j->told);
    pthread_mutex_destroy(&j->lock);
    free(j);
    c->judge = NULL;
}

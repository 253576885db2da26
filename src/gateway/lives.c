/* SPDX-License-Identifier: Apache-2.0
 * lives.c - one message, one piece of news.
 *
 * A piece of news that changes nothing (late, doubled) writes nothing. The row is saved under the version it was read
 * with; the loser of a race reads it again, and because a step depends on nothing but the row and the news the order in
 * which two pieces arrive does not matter more than sendlife.c says. */
#include "gateway/lives.h"

#define TRIES 3

static bool same_life(const struct life *a, const struct life *b)
{
    return a->state == b->state && a->attempts == b->attempts && life_bits(a) == life_bits(b) && a->code == b->code &&
           a->at == b->at && a->begun_at == b->begun_at;
}

/* Meta's id of the attempt it accepted last. */
static void take_wamid(struct message *m, const struct life_news *news)
{
    if (news->wamid.n == 0 || news->wamid.n >= sizeof m->wamid)
        return;
    if (m->wamid[0] != '\0' && news->event.attempt < m->life.attempts)
        return;
    memcpy(m->wamid, news->wamid.p, news->wamid.n);
    m->wamid[news->wamid.n] = '\0';
}

int life_hear(struct store *s, struct message *m, const struct life_news *news, int64_t now,
              struct life_effects *ret_effects, struct err *e)
{
    struct life_effects effects;
    int rc = 0;
    for (int i = 0; i < TRIES; i++) {
        struct message next = *m;
        life_step(&next.life, &news->event, now, &effects);
        next.seen |= news->seen;
        take_wamid(&next, news);
        if (next.life.state != m->life.state)
            next.changed_at = now;
        bool news_to_us = !same_life(&next.life, &m->life) || next.seen != m->seen ||
                          strcmp(next.wamid, m->wamid) != 0 || next.epoch != m->epoch;
        rc = news_to_us ? message_save(s, &next, e) : 0;
        if (rc == 0)
            *m = next;
        if (rc != WL_ECONFLICT)
            break;
        rc = messages_get(s, m->bucket, m->id, m, e);
        if (rc != 0)
            break;
        rc = WL_ECONFLICT;
    }
    if (rc == 0 && ret_effects != NULL)
        *ret_effects = effects;
    return rc;
}

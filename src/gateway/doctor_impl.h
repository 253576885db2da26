/* SPDX-License-Identifier: Apache-2.0
 * doctor_impl.h - what the doctor_*.c files share: a round of looking, and the lines it writes.
 *
 * Each file looks at one place: here (files, disk, database), the gateway itself (its door), Meta. A round is one function on
 * a thread of its own with its own lines, which stand in the report in the order of the rounds. */
#ifndef WL_GATEWAY_DOCTOR_IMPL_H
#define WL_GATEWAY_DOCTOR_IMPL_H

#include <pthread.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "gateway/doctor.h"

#define DOCTOR_CALL_MS 5000
#define DOCTOR_LINES   160 /* of one round: two for each subscriber there may be, and the others. More are counted */

/* What one round found and another needs. */
struct doctor {
    const struct gateway_options *o;
    const char *version;
    int64_t deadline; /* ms: nothing is begun after it */
    pthread_mutex_t lock;
    struct {
        int64_t waba;
        size_t sender; /* with whose token it can be asked about */
    } * account;       /* found by the rounds of the numbers */
    size_t n_accounts;
    int64_t app; /* the app of a token; 0 not known */
};

struct round {
    struct doctor *d;
    int64_t id;   /* what it is about */
    size_t index; /* of the sender or the app */
    void (*run)(struct round *r);
    struct json_parser *parser;
    struct arena *arena;
    struct doctor_line *line;
    size_t n, room;
    struct doctor_line over;  /* the last one that found no place */
    size_t more;              /* how many did not, */
    enum doctor_result worst; /* and the worst of them */
};

/* A line; `advice` may hold one %s-free sentence, NULL none. Returns it, to be added to before the next is said. */
struct doctor_line *doctor_say(struct round *r, const char *name, enum doctor_result result, const char *advice,
                               const char *found, ...) __attribute__((format(printf, 5, 6)));
void doctor_advise(struct doctor_line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* An address as it may be shown: without what stands behind '?'. */
#define DOCTOR_URL 220
const char *doctor_url(struct str url, char out[DOCTOR_URL]);
/* public_url + webhook.path; false when there is no public_url. */
bool doctor_public_address(const struct doctor *d, struct buf *out);

/* The app of webhook.app_secret first, then webhook.apps[]. */
size_t doctor_apps(const struct gateway_options *o);
struct webhook_app doctor_app(const struct gateway_options *o, size_t i);

/* --- rounds --- */
void doctor_state(struct round *r);                         /* doctor_here.c: state directory, disk, database */
void doctor_machine(struct round *r);                       /* descriptors, time zones, certificate */
void doctor_silence(struct round *r);                       /* when a webhook came last, and when a message left */
void doctor_gateway(struct round *r);                       /* doctor_door.c: does it answer, and which one is it */
void doctor_subscribers(struct round *r, struct json list); /* doctor_subscribers.c: of GET /subscribers */
void doctor_door(struct round *r);                          /* handshake and signatures, here */
void doctor_public(struct round *r);                        /* the handshake from outside */
void doctor_upstream(struct round *r);                      /* doctor_meta.c: the way to Meta, and the clock */
void doctor_number(struct round *r);
void doctor_account(struct round *r);
void doctor_app_round(struct round *r);

#endif

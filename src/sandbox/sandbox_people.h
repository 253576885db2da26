/* SPDX-License-Identifier: Apache-2.0
 * sandbox_people.h - what people do about a message: a model of their reactions, drawn from a seed.
 *
 * Pure: the same seed, person and message give the same reaction, on every machine and in any order of asking. The running
 * sandbox makes webhooks of it (sandbox_people_live.c), `wayleave simulate` counts. Rates are shares of the people a message
 * is sent to, as a sender sees them, so what is put in is what comes out: readings are those that are reported.
 *
 * Assumed, and to be replaced by figures of one's own: of those who will read, 35 % take 5 minutes in the median (lognormal,
 * sigma 1), the others 2 hours (sigma 1.3), so 34, 54, 81 and 98 % of readings are there after 15 minutes, 1, 4 and 24 hours.
 * Whom a message does not reach is known within a minute. Nobody opts out, complains or answers who has not read, and a
 * complaint is an opt-out too. */
#ifndef WL_SANDBOX_PEOPLE_H
#define WL_SANDBOX_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#define PEOPLE_GROUPS   16 /* with everybody else, who is the first */
#define PEOPLE_PREFIXES 32
#define PEOPLE_LISTED   200000 /* numbers of one group */

enum people_rate {
    PEOPLE_READ,          /* and say so */
    PEOPLE_OPT_OUT,       /* with those who complain */
    PEOPLE_COMPLAINT,     /* and leave in anger */
    PEOPLE_UNDELIVERABLE, /* 131026; for good */
    PEOPLE_HELD_BACK,     /* 131049: Meta does not deliver to them now */
    PEOPLE_RECEIPTS_OFF,  /* of all who read, those who do not say so */
    PEOPLE_REPLY,
    PEOPLE_RATES
};
extern const char *const people_rate_names[PEOPLE_RATES]; /* "read", "opt_out", ... */

/* By what an opt-out comes. */
enum people_way { PEOPLE_BY_ANY, PEOPLE_BY_TEXT, PEOPLE_BY_BUTTON, PEOPLE_BY_PREFERENCE };

/* People of their own kind: by the beginning of their number, by name, or by chance. The first group is everybody else. */
struct people_group {
    char name[32];
    uint32_t ppm[PEOPLE_RATES];
    bool set[PEOPLE_RATES]; /* else as everybody else */
    uint32_t share;         /* ppm of everybody, by chance */
    char prefix[PEOPLE_PREFIXES][16];
    size_t n_prefixes;
    uint64_t *listed; /* owned, sorted */
    size_t n_listed;
};

struct people_model {
    uint64_t seed;
    double speed;  /* of readers: 2 reads in half the time */
    double factor; /* of the clock, when webhooks are made: 3600 lets an hour pass in a second */
    enum people_way way;
    struct people_group group[PEOPLE_GROUPS];
    size_t n_groups;
};

void people_default(
    struct people_model *m); /* read 75 %, opt-out 0.2, complaint 0.03, undeliverable 3, receipts off 15, reply 2 */
void people_done(struct people_model *m); /* the lists */
void people_copy(struct people_model *to,
                 const struct people_model *from); /* aborts without memory, like all of the sandbox */
uint32_t people_ppm(const struct people_model *m, size_t group, enum people_rate r);

/* Ms after it was sent; -1: never. */
struct people_reaction {
    int fail_code; /* 0: it arrives */
    int64_t fail_ms;
    int64_t sent_ms, delivered_ms, read_ms;
    bool told; /* the reading is reported */
    int64_t opt_out_ms;
    enum people_way way; /* how, of an opt-out */
    bool complains;      /* and how angrily */
    int64_t reply_ms;    /* never of somebody who opts out */
};

uint64_t people_key(struct str text);
/* Which kind of person: digits of their number, or whatever names them. */
size_t people_group_of(const struct people_model *m, struct str who);
/* who, what: keys of the person and of what they get. wants: whether it is something one opts out of or answers. */
void people_react(const struct people_model *m, size_t group, uint64_t who, uint64_t what, bool wants,
                  struct people_reaction *ret);

/* --- read and written (sandbox_people_text.c) --------------------------------------------------------------------- */

/* "read=75%, opt_out=0.2%, seed=7": rates of everybody, and seed, speed, factor, way. WL_EINVAL names what is wrong. */
int people_read(struct people_model *m, struct str text, struct err *e);
/* One more group: "NAME: prefix=4915 4916, opt_out=15%", "share=10%, undeliverable=25%". */
int people_read_group(struct people_model *m, struct str text, struct err *e);
/* {"seed":7,"read":"75%","groups":[{"name":"bought","prefix":["4915"],"numbers":["15550001111"],"opt_out":"15%"}]}: members that are not
 * there stay as they are; "groups" takes the place of all there were. Unchanged on failure. */
int people_read_json(struct people_model *m, struct json object, struct err *e);
void people_write_json(const struct people_model *m, struct json_out *o); /* members of an open object */

#endif

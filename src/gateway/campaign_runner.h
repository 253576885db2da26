/* SPDX-License-Identifier: Apache-2.0
 * campaign_runner.h - what the runner remembers of one campaign between its steps. All of it is the runner thread's.
 *
 * Nothing here has to survive: after a crash it is filled again from the rows. */
#ifndef WL_GATEWAY_CAMPAIGN_RUNNER_H
#define WL_GATEWAY_CAMPAIGN_RUNNER_H

#include "core/campaign_run.h"
#include "core/lane.h"
#include "gateway/campaign_hand.h"

#define RUN_MEMORY   (32u << 20)
#define TRIGGERS_MAX 64
#define USES_MAX     256

/* Something Meta says or does that is no matter of statistics. */
struct trigger {
    uint64_t key;              /* the same as long as it is the same */
    enum campaign_cause cause; /* TEMPLATE, NUMBER, ACCOUNT, RAMP */
    bool always;               /* nobody's word lets the campaign go on while it lasts */
    char what[160];            /* "template spring_sale (en_US) is paused" */
    const char *todo;          /* for people */
};

/* A template in a language, as messages of the campaign use it. */
struct use {
    int variant;
    char language[16];
    int64_t sender;
    bool known; /* it was seen in the account's list */
};

/* Counts of a moment: campaign_progress.c. */
struct tally {
    int64_t open, waiting; /* as in struct campaign_progress */
    int64_t sent, old_enough, last_sent_at;
    int64_t sent_before; /* of them, before a person let it go on */
    int64_t ended;       /* everybody below this place has come to their end */
};

struct run {
    struct run *next;
    struct arena *arena; /* of the definition */
    struct json_parser *json;
    int64_t id, ver;
    struct campaign_def *def;
    struct monitor_terms terms;
    bool readable;               /* the definition and the terms are there */
    bool told;                   /* that they are not */
    bool seen;                   /* in this step */
    bool taken;                  /* the cursor is under our epoch */
    bool begun;                  /* it was looked at in this life */
    int64_t resumed_at;          /* by a person, last; 0 never */
    enum campaign_cause held_by; /* when it was seen last */
    enum ramp_kind ramp;
    int64_t waits_for; /* of a series: the campaign it made that a person has to see to; 0 none */
    int64_t deaf_ms;   /* monotonic: when it was said last that no statuses come; 0 never */

    struct campaign_hand hand;
    struct hand_number number[CAMPAIGN_NUMBERS_MAX];
    size_t n_numbers;
    int64_t tokens_ms; /* monotonic: when they were read */

    struct tally tally;
    struct campaign_source *source; /* of the step under way */
    size_t n_sources;
    struct monitor_verdict verdict; /* of the whole */
    bool has_verdict;
    int64_t looked_ms, look_took_ms; /* monotonic */

    struct use use[USES_MAX];
    size_t n_uses;
    uint64_t waived[TRIGGERS_MAX]; /* of triggers a person has let it go on in spite of */
    size_t n_waived;
    uint64_t yellow;     /* variants whose template became YELLOW while it ran: no further stage */
    uint64_t not_yellow; /* variants whose template was seen otherwise */
    const void *worded;  /* the snapshot of which was seen what the templates say; not to be looked into */
    int64_t worded_ms;   /* when; 0 not yet */
    char otherwise[160]; /* what one says otherwise than it was approved; empty: nothing */

    int64_t quota;   /* people to be handed before it is asked again */
    int64_t ask_ms;  /* monotonic, as all times of its own rest: a wall clock set back stands still */
    int64_t lenient; /* as the last step said */
    int64_t told_ms; /* monotonic: when it was said last that nobody can be handed on; 0 never */
    struct cohort_change
        *before; /* campaign_monitors.c: what was counted when a person let it, or a source, go on; malloc'ed */
    size_t n_before;
    int64_t before_at, released_at; /* of which word of a person they are */
    bool counted;                   /* in this life */
    int64_t base, base_sent;        /* handed and sent when a person let it go on that its monitor had held */
    bool was_looked;
    struct campaign_look look;
    int64_t beat_ms; /* monotonic: when the row was written last; 0 not in this life */
    int64_t handed;  /* by the cursor */
};

struct campaign_runner {
    struct campaigns *c;
    struct chore *chore;
    struct campaign_hands *hands;
    struct run *runs;
    _Atomic bool rung;     /* something was committed: everybody is asked at once */
    int64_t table_ms;      /* monotonic: when the runner read the table last */
    struct zones *zones;   /* campaign_series.c; NULL: not needed yet */
    struct arena *scratch; /* of one campaign's step */

    pthread_mutex_t lock; /* of what others may see */
    struct run_view {
        int64_t id, people, handed, sent;
        int state, cause;
        bool looked;
        struct campaign_look look;
    } view[CAMPAIGNS_OPEN];
    size_t n_views;
};

/* --- campaign_progress.c: how far it is --- */

/* Rows of the outbox that wait for each number. Every time something is to be handed on. */
int run_count_numbers(struct campaign_runner *r, struct run *run, struct store *reader, struct arena *a, int64_t now,
                      struct err *e);
/* Everything a question needs. */
int run_progress(struct campaign_runner *r, struct run *run, const struct campaign_row *row, struct store *reader,
                 struct arena *a, int64_t now, struct campaign_progress *ret, struct err *e);

/* --- campaign_monitors.c: what people do about it --- */

/* Looks at the cohorts, when it is time, and quarantines; fills tally and verdict. */
int run_monitors(struct campaign_runner *r, struct run *run, const struct campaign_row *row, struct store *reader,
                 struct arena *a, int64_t now, struct err *e);

/* --- campaign_watch.c: what Meta says about it --- */

/* What its people get, by the check's report. */
int run_uses_read(struct campaign_runner *r, struct run *run, struct str report, struct err *e);
/* Messages of the campaign use this one. */
void run_use(struct run *run, const struct campaign_recipient *who);
/* What holds it now, the first that nobody waived; NULL: nothing. Also says which templates became YELLOW. */
const struct trigger *run_watch(struct campaign_runner *r, struct run *run, struct store *reader, struct arena *a,
                                int64_t now);
/* A person lets it go on: what is said now was known to them. */
void run_waive(struct campaign_runner *r, struct run *run, struct store *reader, struct arena *a, int64_t now);

/* --- campaign_write.c: what changes --- */

/* campaign_do() in a transaction of its own, on the row as it is by then, unless its state is another one than `row`'s; then the table is
 * read anew. That it may not be done is no error: *ret_done false, and the log says why. */
int run_act(struct campaign_runner *r, const struct campaign_row *row, const struct campaign_order *o, bool *ret_done,
            struct err *e);
/* Stage and beat. */
int run_beat(struct campaign_runner *r, struct run *run, const struct campaign_row *row, int64_t target,
             int64_t target_at, struct err *e);
int run_take_cursor(struct campaign_runner *r, struct run *run, struct err *e);
/* Finished: looked at once more in the transaction that says so. *ret_done false: somebody's message is open after all. */
int run_finish(struct campaign_runner *r, const struct run *run, const struct campaign_row *row, const char *why,
               bool *ret_done, struct err *e);
/* One that is over: its outcome is written, and when nothing of it is open any more the runner lets go of it. */
int run_over(struct campaign_runner *r, struct run *run, const struct campaign_row *row, struct store *reader,
             struct arena *a, int64_t now, struct err *e);

/* --- campaign_beat.c: whether this is the database of yesterday --- */

/* In the transaction of a beat: its number. */
int run_beat_count(struct store *s, int64_t *ret, struct err *e);
/* That beat is on the disk. */
void run_mark(const struct gateway *g, int64_t beat);

/* --- campaign_series.c: campaigns that repeat --- */

int run_series(struct campaign_runner *r, struct run *run, const struct campaign_row *row, struct store *reader,
               struct arena *a, int64_t now, struct err *e);

/* campaign_progress.c: how far the ends are followed; and its tokens are wiped. */
int run_follow_ends(struct run *run, struct store *reader, struct err *e);
void run_numbers_done(struct run *run);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * campaign.h - what a campaign is: its definition, its states and who may change them, and what is said to whom.
 *
 * A definition is JSON somebody wrote (docs/campaigns.md). Read once, it is immutable and lives in the arena it was read into. What a
 * definition cannot know (whether the templates exist, who the people are) is found out by a check (gateway/campaign_check.h), which
 * fixes for every person of the audience whether they get a message, from which number, in which language and with which words; from
 * then on nothing of it changes. How it goes on once it runs is core/campaign_run.h's matter, whether it should is core/monitor.h's. */
#ifndef WL_CORE_CAMPAIGN_H
#define WL_CORE_CAMPAIGN_H

#include "base/arena.h"
#include "base/json.h"
#include "base/buf.h"
#include "core/calendar.h"
#include "core/intent.h"

#define CAMPAIGN_NAME_MAX       128 /* bytes */
#define CAMPAIGN_VARIANTS_MAX   8
#define CAMPAIGN_NUMBERS_MAX    32
#define CAMPAIGN_ROUTES_MAX     64
#define CAMPAIGN_SLOTS_MAX      64 /* values put into one template */
#define CAMPAIGN_LANGUAGES_MAX  32
#define CAMPAIGN_STRATA_MAX     4096 /* sources; what comes from more is one, the last */
#define CAMPAIGN_PEOPLE_MAX     20000000
#define CAMPAIGN_DEFINITION_MAX (64u << 10)

/* Stored: a number never changes its meaning. */
enum campaign_state {
    CAMPAIGN_DRAFT = 1, /* may be changed; nobody was chosen */
    CAMPAIGN_CHECKED,   /* everybody is chosen and everything that is said is fixed */
    CAMPAIGN_APPROVED,  /* somebody stands for it */
    CAMPAIGN_RUNNING,   /* started: waits for its time, or sends */
    CAMPAIGN_HELD,      /* nothing leaves; `cause` says why, and whether it goes on by itself */
    CAMPAIGN_FINISHED,  /* everybody's message has come to its end */
    CAMPAIGN_STOPPED,   /* for good, while some had no message yet */
    CAMPAIGN_CANCELLED  /* before it began */
};

/* Stored. Why it is held or was stopped. */
enum campaign_cause {
    CAUSE_NONE = 0,
    CAUSE_PERSON,   /* somebody paused or stopped it */
    CAUSE_MONITOR,  /* what people do about it: opt-outs, complaints, undeliverable, not read (core/monitor.h) */
    CAUSE_TEMPLATE, /* a template of it is paused, disabled, RED or of another category */
    CAUSE_NUMBER,   /* a number of it may not send */
    CAUSE_ACCOUNT,  /* 131048, 368 or 131031: Meta acts against the number or the account */
    CAUSE_GAP,      /* the runner was away for too long, or the database is an older copy: somebody has to look */
    CAUSE_LATE,     /* its time is over */
    CAUSE_RAMP      /* Meta holds its messages for a quality assessment */
};

/* What somebody, or the runner, does to a campaign. Stored in campaign_event.act. */
enum campaign_act {
    CAMPAIGN_ACT_CREATE = 1,
    CAMPAIGN_ACT_CHANGE,    /* the definition; back to draft */
    CAMPAIGN_ACT_CHECK,     /* asks for a check */
    CAMPAIGN_ACT_CHECKED,   /* it was done (the runner's) */
    CAMPAIGN_ACT_UNCHECKED, /* it could not be done; `detail` says why (the runner's) */
    CAMPAIGN_ACT_APPROVE,
    CAMPAIGN_ACT_START,
    CAMPAIGN_ACT_PAUSE,
    CAMPAIGN_ACT_HOLD,   /* the runner's */
    CAMPAIGN_ACT_RESUME, /* a person's, or the runner's after a hold of its own */
    CAMPAIGN_ACT_STOP,
    CAMPAIGN_ACT_CANCEL,
    CAMPAIGN_ACT_QUARANTINE, /* one source; `detail` names it */
    CAMPAIGN_ACT_RELEASE,    /* a source goes on */
    CAMPAIGN_ACT_FINISH,     /* the runner's */
    CAMPAIGN_ACT_REPEAT      /* a series made its next campaign; `detail` has its id */
};

const char *campaign_state_name(enum campaign_state s); /* "draft", ... */
enum campaign_state campaign_state_parse(struct str word);
const char *campaign_cause_name(enum campaign_cause c); /* "person", ...; "" for none */
const char *campaign_act_name(enum campaign_act a);     /* "create", ... */
/* Whether it may be done in this state; else `e` says why not and what may be done instead. ret_next: the state after it. */
int campaign_act_allowed(enum campaign_state s, enum campaign_act a, enum campaign_state *ret_next, struct err *e);
static inline bool campaign_is_over(enum campaign_state s)
{
    return s == CAMPAIGN_FINISHED || s == CAMPAIGN_STOPPED || s == CAMPAIGN_CANCELLED;
}

/* Stored in campaign_recipient.skip: why somebody of the audience gets no message. */
enum campaign_skip {
    SKIP_NONE = 0,
    SKIP_RULE,      /* a rule said no at the check; campaign_recipient.rule has its id */
    SKIP_HOLD_OUT,  /* kept back, to compare with */
    SKIP_PARAMETER, /* no value for a parameter that has no default; `rule` has its name */
    SKIP_LANGUAGE,  /* no template in a language of theirs, and no other to fall back to */
    SKIP_NUMBER,    /* none of the numbers is for them (routes) */
    SKIP_NO_NAME,   /* nobody knows a phone number or user id of theirs any more */
    SKIP_LIMIT      /* beyond the most people the campaign may reach */
};
const char *campaign_skip_name(enum campaign_skip s); /* "rule", "hold_out", ... */

enum ramp_kind { RAMP_STANDARD, RAMP_CAREFUL, RAMP_FAST }; /* core/campaign_run.h */

/* One value put into a template. */
struct campaign_slot {
    struct str component; /* "header", "body", "button" */
    struct str sub_type;  /* of a button: "url", "quick_reply", "copy_code"; else empty */
    int index;            /* of a button */
    struct str name;      /* of a named parameter; empty: by position */
    struct str type;      /* "text", "currency", "image", ..., "payload", "coupon_code" */
    struct str
        attribute;   /* the contact's; "name" and "phone" are theirs without being attributes. Empty: `text` is it */
    struct str text; /* the same for everybody, or when the contact has no value; p NULL: none, then they get nothing */
    struct json media; /* of header media: the object as it is to be sent */
};

struct campaign_variant {
    struct str name; /* of the template */
    uint32_t weight; /* 1..1000: its share of the people */
    struct str
        language[CAMPAIGN_LANGUAGES_MAX]; /* fall-back order; n 0: any that is approved, the person's own first */
    size_t n_languages;
    struct campaign_slot slot[CAMPAIGN_SLOTS_MAX];
    size_t n_slots;
};

struct campaign_route { /* who is written to from this number; empty lists: anybody */
    int64_t number;
    struct str country[16], language[16];
    size_t n_countries, n_languages;
};

enum campaign_every { REPEAT_NEVER, REPEAT_WEEK, REPEAT_MONTH };
struct campaign_repeat {
    enum campaign_every every;
    uint8_t weekdays;  /* bit 0 is Monday */
    uint8_t month_day; /* 1..31; of a shorter month its last day */
    int minute;        /* of the day, local time of `zone` */
    char zone[64];
    int64_t until; /* ms; 0 never */
    int times;     /* 0: without limit */
};

struct campaign_def {
    struct str name;
    enum category category; /* marketing, utility or authentication: what is counted on */
    struct str segment;     /* a saved one by name; empty: `query` is it */
    struct json query;
    struct campaign_variant variant[CAMPAIGN_VARIANTS_MAX];
    size_t n_variants;
    int64_t number[CAMPAIGN_NUMBERS_MAX]; /* phone number ids */
    size_t n_numbers;
    struct campaign_route route[CAMPAIGN_ROUTES_MAX];
    size_t n_routes;
    enum ramp_kind ramp;
    bool ramp_given;      /* else the check chooses: careful for what is new, fast for what is proven */
    int hold_out;         /* permille of the audience */
    uint32_t weight;      /* 1..100 among campaigns of its class and number */
    int64_t most;         /* people at most; 0 without limit */
    int64_t start_at;     /* ms; 0: when it is started */
    int64_t deadline;     /* ms; 0 none: later nothing leaves */
    int64_t max_lateness; /* ms after start_at within which it must begin; default 24 h; 0: any */
    bool has_hours;
    struct hours hours; /* local time of the recipient; beside quiet hours, which are the rules' */
    struct campaign_repeat repeat;
    /* The most that is tolerated, ppm; 0: as learned or shipped. Only stricter ones count. */
    uint32_t opt_out_most, undeliverable_most, complaint_most;
};

/* Everything in the arena; strings may point into the parsed text, which has to stay. WL_EINVAL: `e` says what is wrong and *ret_field (may
 * be NULL) names the field as a path, "templates[0].parameters.body[1]". Unknown keys are errors with a suggestion. */
int campaign_def_read(struct json root, struct arena *a, struct campaign_def *ret, const char **ret_field,
                      struct err *e);

/* --- who gets what (core/campaign_plan.c) -------------------------------------------------------------------------- */

/* Deterministic parts of the plan. `key` is the campaign's own, 32 random bytes kept nowhere but in its definition's row: see
 * campaign_key(). */
#define CAMPAIGN_KEY_BYTES 32
void campaign_key(int64_t campaign, const uint8_t secret[CAMPAIGN_KEY_BYTES], uint8_t ret[CAMPAIGN_KEY_BYTES]);
/* 0..n-1 by weight, and whether somebody is kept back: by a keyed hash of the contact, so the same whatever the order. */
size_t campaign_variant_of(const struct campaign_def *d, const uint8_t key[CAMPAIGN_KEY_BYTES], int64_t contact);
bool campaign_held_out(const struct campaign_def *d, const uint8_t key[CAMPAIGN_KEY_BYTES], int64_t contact);
/* One of n by weight, not all 0: for what else is shared out among people. */
size_t campaign_share_of(const uint32_t *weight, size_t n, const uint8_t key[CAMPAIGN_KEY_BYTES], int64_t contact);
/* The order in which people are sent to: a keyed shuffle in which every stretch has its share of every stratum (methods topic 3: without
 * it no statistic is valid). person[i] = {contact, stratum}; sorted in place. */
struct campaign_person {
    int64_t contact;
    uint64_t at; /* campaign_order()'s own: how far along the way they stand */
    uint32_t stratum;
    uint32_t index; /* the caller's */
};
void campaign_order(struct campaign_person *p, size_t n, const uint8_t key[CAMPAIGN_KEY_BYTES]);

/* The language of `have` (as Meta writes them, "pt_BR") that fits somebody with locale `lang` ("pt-BR", "pt", ""): their own, one of their
 * language, then the first of the fall-back order that there is; -1: none. */
int campaign_language(const struct campaign_variant *v, struct str lang, const struct str *have, size_t n);

/* Values of the slots for one person, frozen: a JSON array in the order of the slots, a text where it is the person's own, null where the
 * definition says it for everybody. *ret_missing: the slot that has no value (then
 * WL_ENOTFOUND), or that a template would not take (WL_EINVAL: newline, tab, five spaces, too long). */
struct campaign_value {
    struct str name, value; /* an attribute of the person; "name", "phone" among them */
};
int campaign_values(const struct campaign_variant *v, const struct campaign_value *has, size_t n_has, struct buf *out,
                    size_t *ret_missing, struct err *e);
/* The Graph body of POST /{number}/messages for somebody (`to`: a phone number in digits, or a user id) with these frozen values. */
int campaign_body(const struct campaign_variant *v, struct str language, struct str to, bool is_user_id,
                  struct str values, struct buf *out, struct err *e);

/* What somebody reads: header, body, footer and buttons of the template's listing with these values put in. For looking at only. */
void campaign_text(const struct campaign_variant *v, struct json listing, struct str values, struct buf *out);
/* Characters that the listing's text of a component ("body", "header") has with these values: Meta takes no more than so many (132005). */
#define CAMPAIGN_BODY_MOST   1024
#define CAMPAIGN_HEADER_MOST 60
size_t campaign_text_length(const struct campaign_variant *v, const char *component, struct str text, struct str values,
                            struct buf *scratch);

/* --- when (core/campaign_time.c) ------------------------------------------------------------------------------------ */

struct zone;
/* The n-th time a repetition falls due after `after`; 0: never again. Local times that do not exist are the next that does. */
int64_t campaign_next(const struct campaign_repeat *r, const struct zone *z, int64_t after);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * campaign_check_impl.h - what the files of a check share: one struct for the time of one check, on one thread.
 *
 * campaign_check.c goes from step to step; _look.c finds out about numbers and templates; _people.c goes through everybody; _judge.c asks the
 * door; _plan.c orders and writes them; _terms.c chooses ramp, monitors and forecast; _report.c says all of it. What is kept of a person in memory is struct
 * check_person; their words are in a file without a name until they are written. */
#ifndef WL_GATEWAY_CAMPAIGN_CHECK_IMPL_H
#define WL_GATEWAY_CAMPAIGN_CHECK_IMPL_H

#include "base/log.h"
#include "core/campaign_run.h"
#include "core/segment.h"
#include "gateway/campaign_check.h"
#include "gateway/places.h"

#define CHECK_BUCKET    0 /* one holds everything while the spread is 1 */
#define CHECK_SAMPLE    5
#define CHECK_PROBLEMS  200
#define CHECK_TALLIES   1024
#define CHECK_LANGUAGES 256  /* different ones of all templates */
#define CHECK_GROUPS    1024 /* of people with the same clocks */
#define CHECK_COUNTRIES (26 * 26 + 1)
#define CHECK_LISTINGS  512 /* of the campaign's templates: names, languages, accounts */

struct check_sample {
    size_t n;
    int64_t contact[CHECK_SAMPLE];
};

struct check_problem {
    bool error;
    const char *what, *field;
    char text[ERR_TEXT_MAX];
    int64_t people;
    struct check_sample sample;
};

/* People who get nothing for one reason, or who have to wait by one rule. */
struct check_tally {
    enum campaign_skip skip; /* SKIP_NONE: they wait */
    struct str rule;
    int64_t people;
    struct check_sample sample;
    int64_t first_until, last_until;
};

enum { BY_STICKY, BY_ROUTE, BY_COUNTRY, BY_SHARE, CHECK_WAYS };
struct check_number {
    const struct sender *sender; /* NULL: not known */
    bool usable;
    char country[3];
    uint32_t per_second;
    int64_t people, by[CHECK_WAYS];
};

/* One template as one account has it in one language. */
struct check_listing {
    size_t variant;
    int64_t waba;
    const struct template_row *row;
    const struct template_spec *spec;
    struct str header, body; /* its texts, with their placeholders */
    bool usable;
    uint8_t language; /* in check.language */
    int64_t people;
};

/* How one value of a variant is filled. */
struct check_slot {
    int64_t missing, refused, defaulted;
    struct check_sample sample;
};

struct check_person { /* 40 bytes, in the order of their ids */
    int64_t contact;
    uint64_t words : 40, words_n : 24; /* in the file; n 0: the variant's own */
    uint64_t defaulted;                /* a bit for each slot that has the definition's words instead of theirs */
    uint32_t place;
    uint16_t stratum, tally, group; /* tally: why they get nothing, or wait */
    uint8_t number, variant, language, skip;
    uint8_t way; /* how they came to their number */
    bool held;
};
_Static_assert(CAMPAIGN_SLOTS_MAX <= 64, "a bit for each slot");

/* People with the same clocks. */
struct check_group {
    struct whereabouts where;
    const char *country; /* of the first of them; NULL not known */
    int64_t people;
    const struct facts *facts; /* of one of them, as the door saw it; NULL: none was let through yet */
};

struct check_source {
    int64_t id, people;
    struct str name;
};

struct judge;

struct check {
    struct gateway *g;
    struct store *reader;
    bool (*stop)(void *ctx);
    void *ctx;
    int64_t now;
    struct arena *a;    /* of the whole check */
    struct arena *page; /* of one page of people */
    struct json_parser *json,
        *query_json; /* the definition's and a saved segment's; nothing else is parsed with them */
    struct snapshot *snap;
    struct campaign_row row;
    struct campaign_def *def;
    uint8_t key[CAMPAIGN_KEY_BYTES];

    struct check_problem *problem;
    size_t n_problems, n_errors;

    struct check_number number[CAMPAIGN_NUMBERS_MAX];
    struct check_listing *listing;
    size_t n_listings;
    struct template_row *rows; /* all templates */
    size_t n_rows;
    struct str language[CHECK_LANGUAGES];
    size_t n_languages;
    int64_t by_language[CAMPAIGN_VARIANTS_MAX][CHECK_LANGUAGES], by_variant[CAMPAIGN_VARIANTS_MAX];
    struct check_slot slot[CAMPAIGN_VARIANTS_MAX][CAMPAIGN_SLOTS_MAX];
    struct check_duplicate {
        const struct check_listing *of;
        const struct template_row *like;
        int permille;
    } duplicate[20];
    size_t n_duplicates;

    const struct audience *au;
    struct segment *segment;
    int64_t segment_version;
    roaring_bitmap_t *people;
    int64_t n_segment, n_reachable;
    int64_t froze_ms; /* for the log */

    struct check_person *person; /* in the order of their ids */
    size_t n_people;
    int words; /* the file */
    uint64_t words_n;
    struct check_source *source; /* by stratum */
    size_t n_sources;
    struct check_tally *tally;
    size_t n_tallies;
    struct judge *judge;

    struct places *places;
    struct check_group *group;
    size_t n_groups;
    int64_t by_country[CHECK_COUNTRIES];

    struct campaign_person *order; /* those who get a message, in their order */
    size_t n_order;
    enum ramp_kind ramp;
    char ramp_why[200];
    struct monitor_terms terms;
    struct forecast forecast;
    bool has_quiet;
    struct hours quiet; /* at which the rules let it leave */
    struct buf report, terms_text, audience;
    uint8_t audience_hash[SHA256_BYTES], plan[SHA256_BYTES];
};

/* WL_EBUSY: the check is to end. */
int check_go_on(const struct check *c, struct err *e);
/* what: a word for programs. field: of the definition, kept, not copied. NULL: too many problems, and nobody reads more. */
struct check_problem *check_problem(struct check *c, bool error, const char *what, const char *field, const char *fmt,
                                    ...) __attribute__((format(printf, 5, 6)));
void check_sample(struct check_sample *s, int64_t contact);
/* The tally of this reason and rule; beyond CHECK_TALLIES the last one. rule is copied. */
struct check_tally *check_tally(struct check *c, enum campaign_skip skip, struct str rule);
static inline void check_skip(struct check *c, struct check_person *p, enum campaign_skip skip, struct str rule)
{
    struct check_tally *t = check_tally(c, skip, rule);
    t->people++;
    check_sample(&t->sample, p->contact);
    p->skip = (uint8_t)skip;
    p->tally = (uint16_t)(t - c->tally);
}
/* "templates[1]" and the like, in the check's arena. */
const char *check_field(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "body[1]", "button[0]", "header": as a person counts. out holds 64 bytes. */
const char *check_slot_name(const struct campaign_variant *v, size_t slot, char out[64]);

int check_numbers(struct check *c, struct err *e);
int check_templates(struct check *c, struct err *e);
/* The languages a variant may be sent in from this number, and their listings; at most CAMPAIGN_LANGUAGES_MAX. */
size_t check_languages(const struct check *c, size_t variant, size_t number, struct str *ret,
                       const struct check_listing **ret_listing);
int check_near(struct check *c, struct err *e);
/* The value that makes a text longer than Meta takes, of who has these values: its component's longest. -1: none does. */
int check_length(const struct check *c, const struct check_listing *l, struct str values, struct buf *scratch);

int check_segment(struct check *c, struct err *e); /* who is meant; a problem where nobody can tell */
int check_people(struct check *c, struct err *e);  /* everybody of them */

int judge_open(struct check *c, struct err *e);
/* Takes over the words; their answer comes later, with judge_wait() at the latest. */
int judge_ask(struct check *c, struct check_person *p, const struct identity *to, const struct check_listing *l,
              struct str values, struct err *e);
int judge_wait(struct check *c, struct err *e);
void judge_close(struct check *c);

int check_order(struct check *c, struct err *e);
int check_terms(struct check *c, struct err *e);
/* At which hours the rules let it leave; false: at all, as far as can be seen. After check_order(). */
bool check_quiet(struct check *c, struct hours *ret);
int check_report(struct check *c, struct err *e);
int check_write(struct check *c, struct err *e); /* recipients and all that belongs to them */
/* Both end the check for good: the campaign has a plan, or is a draft again. */
int check_done(struct check *c, struct err *e);
int check_undone(struct check *c, struct err *e);

/* The hash over recipients' rows, row by row. */
void plan_row(struct sha256_state *h, const struct campaign_recipient *r);
void plan_hash(const struct campaign_row *row, struct str report, struct str terms,
               const uint8_t audience[SHA256_BYTES], const uint8_t rows[SHA256_BYTES], uint8_t ret[SHA256_BYTES]);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * account_word.h - what a webhook says about an account or a number: restrictions, limits, throughput, names.
 *
 * One change says some of these things and nothing of the others; what it does not say stays as it was. Nothing is
 * applied here, and nothing is guessed: a word that is not known says nothing. Source: docs/platform.md §3.3, §6.7, §7. */
#ifndef WL_CORE_ACCOUNT_WORD_H
#define WL_CORE_ACCOUNT_WORD_H

#include "base/json.h"

#define ACCOUNT_FOREVER INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z: until Meta lifts it */

enum account_state { ACCOUNT_OK = 0, ACCOUNT_LOCKED = 1, ACCOUNT_DISABLED = 2 }; /* as account.state in facts.def */

/* health_status.can_send_message (docs/platform.md §0.3). */
enum health { HEALTH_UNKNOWN = 0, HEALTH_AVAILABLE = 1, HEALTH_LIMITED = 2, HEALTH_BLOCKED = 3 };

/* What was said, as bits. */
enum account_said {
    SAID_STATE = 1,
    SAID_TEMPLATES = 2,
    SAID_MESSAGES = 4,
    SAID_UTILITY = 8,
    SAID_LIMIT = 16,
    SAID_PORTFOLIO = 32,
    SAID_THROUGHPUT = 64, /* of the number display_phone */
    SAID_QUALITY = 128,   /* of the number display_phone */
    SAID_DIRECT = 256,
    SAID_REVIEW = 512,
    SAID_VIOLATION = 1024,
    SAID_DISABLE_ON = 2048,
    SAID_NUMBERS_MAX = 4096,
    SAID_NAME_STATUS = 8192, /* of the number display_phone */
    SAID_USERNAME = 16384    /* of the number display_phone */
};
#define SAID_OF_NUMBER (SAID_THROUGHPUT | SAID_QUALITY | SAID_NAME_STATUS | SAID_USERNAME)

struct account_word {
    unsigned said;
    int64_t waba; /* the account meant when that is not the entry's; 0: the entry's */
    enum account_state state;
    int64_t no_templates_until, no_messages_until, no_utility_until, no_direct_until; /* ms; 0: lifted */
    int64_t limit;     /* people outside windows in 24 h; 0 without limit */
    int64_t portfolio; /* owner business */
    int per_second;
    const char *quality; /* GREEN, YELLOW, RED */
    const char *review;  /* APPROVED, REJECTED, PENDING, DEFERRED */
    char violation[48];  /* as Meta calls it; the list is open */
    char disable_on[32]; /* the day, as Meta writes it; "" when it is off */
    int64_t numbers_max;
    const char *name_status; /* as the number's name_status: APPROVED, DECLINED, PENDING_REVIEW; DEFERRED */
    char username[40];       /* "" when it has none any more */
};

struct account_word account_word_parse(struct str field, struct json value);

/* A limit as a number, -1 for none, or as TIER_250, TIER_2K ... TIER_UNLIMITED. -1 when it says nothing. */
int64_t account_limit_parse(struct json v);

/* Messages in and out a second from the words of the number's `throughput.level`; 0 when it says nothing. */
int account_throughput_parse(struct str level, bool on_phone_app);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * wayleave.h - libwayleave: may this WhatsApp message be sent, and why?
 *
 * The pure core of the gateway as a C library. It loads rule files, decides about facts, explains decisions and reads
 * phone numbers. It opens no socket and no database, starts no thread, reads no clock (every time is a
 * parameter) and keeps no global state: objects may be used from any thread, one thread at a time; a wl_rules is
 * immutable and may be shared. Only wl_rules_load() reads files.
 *
 * Times are milliseconds since 1970-01-01 UTC. Text is UTF-8. Functions that can fail return 0 or a negative WL_ERR_*,
 * leave their output untouched on failure, and put one sentence for a person into *err when err is not NULL.
 *
 * NULL crashes nothing. Functions that free accept it; those that can fail return WL_ERR_INVALID for an object, text or place for the
 * result that is NULL (names of wl_rules_compile() and err may be); asked about no rules or no decision the others
 * return NULL or 0, and wl_decision_verdict() WL_DENY. Compiles as C99 and as C++. */
#ifndef WAYLEAVE_H
#define WAYLEAVE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WL_API __attribute__((visibility("default")))
#else
#define WL_API
#endif

#define WL_ERR_INVALID  (-1) /* bad input: the sentence names field, file or line */
#define WL_ERR_NOTFOUND (-2)
#define WL_ERR_NOMEM    (-3)
#define WL_ERR_IO       (-4)

#define WL_ERROR_TEXT_MAX 512
typedef struct wl_error {
    int code;
    char text[WL_ERROR_TEXT_MAX];
} wl_error;

WL_API const char *wl_version(void); /* "0.1.0" */

/* ---- rules ---- */

typedef struct wl_rules wl_rules;

/* Compiles rule files to one book: the platform's set and any number of laws and policies (docs/rules.md). */
WL_API int wl_rules_load(wl_rules **ret, const char *const *paths, size_t n, wl_error *err);
/* The same from memory; names are used in messages. */
WL_API int wl_rules_compile(wl_rules **ret, const char *const *names, const char *const *texts, size_t n,
                            wl_error *err);
WL_API void wl_rules_free(wl_rules *rules);
WL_API const char *wl_rules_hash(const wl_rules *rules); /* 64 hex digits: the version; lives as long as the rules */
WL_API size_t wl_rules_count(const wl_rules *rules);
WL_API const char *wl_rules_id(const wl_rules *rules, size_t i); /* i < wl_rules_count(); NULL beyond */

/* ---- facts: a closed record; what is not set is unknown, and every rule says what it does then ---- */

typedef struct wl_facts wl_facts;

WL_API int wl_facts_create(wl_facts **ret);
WL_API void wl_facts_free(wl_facts *facts);
/* "consent.status" "granted"; times as "2026-11-22T08:00:00Z", "never", or relative to `now` as "now-23h"; durations as in
 * rule files; "unknown" forgets the fact, unless it is one of the fact's own words (a template's status): in JSON null
 * forgets any. WL_ERR_INVALID names the nearest fact or word that exists. */
WL_API int wl_facts_set(wl_facts *facts, const char *name, const char *value, int64_t now, wl_error *err);
/* A JSON object of such pairs; numbers and booleans may be written as such. Nothing is set when one is wrong. */
WL_API int wl_facts_set_json(wl_facts *facts, const char *json, size_t n, int64_t now, wl_error *err);
/* Names of all facts there are, i from 0; NULL beyond the last. */
WL_API const char *wl_fact_name(size_t i);

/* ---- decisions ---- */

typedef enum wl_verdict { WL_ALLOW = 0, WL_HOLD = 1, WL_DENY = 2 } wl_verdict;
typedef struct wl_decision wl_decision;

/* Judges every rule. expires: when the message is worthless, 0 = never. Total: the only errors are no memory, NULL and rules
 * without a platform set. */
WL_API int wl_decide(wl_decision **ret, const wl_rules *rules, const wl_facts *facts, int64_t now, int64_t expires,
                     wl_error *err);
WL_API void wl_decision_free(wl_decision *decision);
WL_API wl_verdict wl_decision_verdict(const wl_decision *decision);
WL_API int64_t wl_decision_until(const wl_decision *decision);    /* WL_HOLD: when to ask again; else 0 */
WL_API int wl_decision_code(const wl_decision *decision);         /* Graph error code; 0 when allowed */
WL_API const char *wl_decision_rule(const wl_decision *decision); /* the rule that speaks; NULL when allowed */
/* One line for a person, and everything as JSON. Both live as long as the decision; the rules must outlive it. */
WL_API const char *wl_decision_text(const wl_decision *decision);
WL_API const char *wl_decision_json(const wl_decision *decision);

/* ---- phone numbers ---- */

/* The numbering plans of the world. Any number of threads may read one object. */
typedef struct wl_plans wl_plans;
/* bytes: a file made by `wayleave phone compile`, copied; NULL (and 0): the plans built in. */
WL_API int wl_plans_create(wl_plans **ret, const void *bytes, size_t n, wl_error *err);
WL_API void wl_plans_free(wl_plans *plans);
WL_API const char *wl_plans_name(const wl_plans *plans); /* "google-libphonenumber 3.2.47"; NULL: no plans */

#define WL_PHONE_TEXT 32
typedef struct wl_phone {
    char e164[WL_PHONE_TEXT]; /* "+5511912345678"; "" when the text is no number */
    char region[4];           /* "BR"; "001" is no country's, "ZZ" nobody's */
    const char *status;       /* "ok", or why it is none: "too_short", "unknown_country_code", ... */
    const char *type;         /* "mobile", "fixed_line_or_mobile", ...; "unknown": in no range that is assigned */
    int valid;                /* 1: in an assigned range, which is not "in service" */
} wl_phone;

/* A number as people write it, read as libphonenumber's C++ reads it. region: "BR" for numbers without country code; NULL: none
 * are taken. Text that is no number is no error: ret->status says why. WL_ERR_INVALID: NULL, or no such region. */
WL_API int wl_phone_read(const wl_plans *plans, const char *text, const char *region, wl_phone *ret, wl_error *err);
/* The ISO country whose rules are asked for the digits of an international number ("BR"), as the gateway tells it; of a number
 * that nobody has, where most of its calling code are ("US" for +1 555). "" where the code is nobody's. ret holds 3 bytes. */
WL_API int wl_phone_country(const wl_plans *plans, const char *digits, char *ret);

#ifdef __cplusplus
}
#endif

#endif

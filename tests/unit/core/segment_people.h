/* SPDX-License-Identifier: Apache-2.0
 * segment_people.h - a few people for tests of segments: an audience of rows that can be read at a glance. */
#ifndef WL_TESTS_SEGMENT_PEOPLE_H
#define WL_TESTS_SEGMENT_PEOPLE_H

#include "core/segment.h"
#include "t.h"

#define DAY_MS ((int64_t)86400000)
#define NOW    ((int64_t)1795305600000) /* 2026-11-22 00:00 UTC */

struct row {
    int64_t id;
    const char *phone; /* or a user id */
    const char *lang, *name;
    const char *attributes; /* "city=Berlin|score=3" */
    const char *tags;       /* "vip|new" */
    const char *sources;    /* "7|8" */
    const char *
        consent; /* of marketing: "granted", "withdrawn", "none", or "granted-1d" that ended; "stop" for a platform stop */
    int read_days; /* ago; -1 never */
};

static inline size_t cut_words(const char *text, struct str *ret, size_t max)
{
    size_t n = 0;
    for (struct str rest = str_of(text); rest.n > 0 && n < max;)
        ret[n++] = str_cut(rest, '|', &rest);
    return n;
}

static inline void consent_of(const char *word, struct consent_state *s)
{
    struct consent_event ev = {.act = CONSENT_GRANT,
                               .scope = CONSENT_SCOPE(CATEGORY_MARKETING),
                               .at = NOW - 100 * DAY_MS,
                               .rank = CONSENT_RANK_WRITTEN};
    *s = (struct consent_state){0};
    if (strcmp(word, "granted-1d") == 0)
        ev.until = NOW - DAY_MS;
    if (strcmp(word, "granted+1d") == 0)
        ev.until = NOW + DAY_MS;
    if (strcmp(word, "withdrawn") == 0)
        ev.act = CONSENT_WITHDRAW;
    if (strcmp(word, "none") != 0)
        consent_apply(s, &ev);
    ev.act = CONSENT_STOP;
    if (strcmp(word, "stop") == 0)
        consent_apply(s, &ev);
}

static inline void add_row(struct audience *a, const struct row *r)
{
    struct consent_state consent;
    struct activity activity = {0};
    struct audience_pair pair[16];
    struct str text[16], tag[16], source[16];
    int64_t id[16];
    struct err e = {0};
    consent_of(r->consent, &consent);
    if (r->read_days >= 0)
        activity_add(&activity, &(struct activity_event){.kind = ACTIVITY_READ,
                                                         .at = NOW - r->read_days * DAY_MS - DAY_MS / 4,
                                                         .sent = NOW - 300 * DAY_MS});
    struct audience_person p = {.id = r->id,
                                .created_at = NOW - r->id * DAY_MS,
                                .lang = str_of(r->lang),
                                .name = str_of(r->name),
                                .consent = &consent,
                                .activity = r->read_days >= 0 ? &activity : NULL,
                                .attribute = pair,
                                .tag = tag,
                                .source = id};
    if (strchr(r->phone, '.') != NULL)
        assert_ok(identity_user_id(str_of(r->phone), &p.phone, &e), e);
    else if (*r->phone != '\0')
        assert_ok(identity_phone(str_of(r->phone), &p.phone, &e), e);
    p.named = *r->phone != '\0';
    p.n_attributes = cut_words(r->attributes, text, 16);
    for (size_t i = 0; i < p.n_attributes; i++)
        pair[i].name = str_cut(text[i], '=', &pair[i].value);
    p.n_tags = cut_words(r->tags, tag, 16);
    p.n_sources = cut_words(r->sources, source, 16);
    for (size_t i = 0; i < p.n_sources; i++)
        assert_true(str_i64(source[i], &id[i]));
    assert_ok(audience_add(a, &p, &e), e);
}

#endif

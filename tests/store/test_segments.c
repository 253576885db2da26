/* SPDX-License-Identifier: Apache-2.0
 * test_segments.c - saved segments and their versions; and everybody as the read model is built from.
 *
 * What would hurt: two people overwrite each other's segment, a version a campaign refers to changes or goes; somebody is met twice, or
 * with what is somebody else's, or not at all when the pages end in an awkward place; a number a person has left still counts. */
#include "store_fixture.h"

#include "store/activities.h"
#include "store/attributes.h"
#include "store/audience_rows.h"
#include "store/campaigns.h"
#include "store/erasures.h"
#include "store/segments.h"

#define DAY INT64_C(86400000)

/* ---- saved ones ---- */

static int try_put(struct fx *f, const char *name, const char *query, int64_t was, struct segment_row *ret)
{
    const struct segment_row given = {.name = str_of(name),
                                      .query = str_of(query),
                                      .actor = STR("ada"),
                                      .note = STR("why")};
    BEGIN(f);
    int rc = segment_put(f->s, &given, was, NOW, ret, &f->e);
    COMMIT(f); /* also after a refusal: others share the transaction */
    return rc;
}

static void drop(struct fx *f, const char *name, int want)
{
    BEGIN(f);
    assert_int_equal(segment_drop(f->s, str_of(name), NOW, &f->e), want);
    COMMIT(f);
}

TEST(versions_are_made_and_never_change)
{
    struct fx f;
    struct segment_row r, *v;
    size_t n;
    fx_start(&f);
    OK(&f, try_put(&f, "vip", "{\"a\":1}", SEGMENT_IS_NEW, &r));
    assert_true(r.version == 1 && r.at == NOW && r.id != 0);
    OK(&f, try_put(&f, "vip", "{\"a\":1}", 0, &r)); /* the same: no version */
    assert_int_equal(r.version, 1);
    OK(&f, try_put(&f, "vip", "{\"a\":2}", 1, &r));
    assert_int_equal(r.version, 2);
    OK(&f, segment_get(f.s, STR("vip"), 0, f.a, &r, &f.e));
    assert_str(r.query, "{\"a\":2}");
    OK(&f, segment_get(f.s, STR("vip"), 1, f.a, &r, &f.e));
    assert_str(r.query, "{\"a\":1}");
    assert_str(r.actor, "ada");
    assert_str(r.note, "why");
    assert_int_equal(segment_get(f.s, STR("vip"), 3, f.a, &r, &f.e), WL_ENOTFOUND);
    OK(&f, segment_versions(f.s, STR("vip"), 0, f.a, 10, &v, &n, &f.e));
    assert_true(n == 2 && v[0].version == 2 && v[1].version == 1);
    OK(&f, segment_versions(f.s, STR("vip"), 2, f.a, 10, &v, &n, &f.e));
    assert_true(n == 1 && v[0].version == 1);
    fx_end(&f);
}

TEST(nobody_overwrites_what_they_have_not_seen)
{
    static const struct {
        const char *name;
        int64_t was;
        int want;
    } cases[] = {
        {"vip", SEGMENT_IS_NEW, WL_ECONFLICT},
        {"vip", 1, WL_ECONFLICT},
        {"vip", 3, WL_ECONFLICT},
        {"vip", 2, 0},
        {"none", 1, WL_ECONFLICT},
        {"none", 0, 0},
    };
    struct fx f;
    struct segment_row r;
    fx_start(&f);
    OK(&f, try_put(&f, "vip", "1", 0, &r));
    OK(&f, try_put(&f, "vip", "2", 0, &r));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(try_put(&f, cases[i].name, "3", cases[i].was, &r), cases[i].want);
    OK(&f, segment_get(f.s, STR("vip"), 0, f.a, &r, &f.e));
    assert_int_equal(r.version, 3);
    fx_end(&f);
}

TEST(names_that_are_none_are_refused)
{
    char longest[SEGMENT_NAME_MAX + 2], query[SEGMENT_TEXT_MAX + 2];
    struct fx f;
    struct segment_row r;
    fx_start(&f);
    memset(longest, 'n', sizeof longest);
    longest[SEGMENT_NAME_MAX + 1] = '\0';
    memset(query, '1', sizeof query);
    query[SEGMENT_TEXT_MAX + 1] = '\0';
    assert_int_equal(try_put(&f, longest, "1", 0, &r), WL_EINVAL);
    OK(&f, try_put(&f, longest + 1, "1", 0, &r));
    assert_int_equal(try_put(&f, "", "1", 0, &r), WL_EINVAL);
    assert_int_equal(try_put(&f, "a\nb", "1", 0, &r), WL_EINVAL);
    assert_int_equal(try_put(&f, "big", query, 0, &r), WL_ETOOBIG);
    OK(&f, try_put(&f, "big", query + 1, 0, &r));
    fx_end(&f);
}

TEST(a_name_that_was_taken_away_begins_anew)
{
    struct fx f;
    struct segment_row first, second, *v;
    size_t n;
    fx_start(&f);
    OK(&f, try_put(&f, "b", "1", 0, &first));
    OK(&f, try_put(&f, "b", "2", 0, &first));
    drop(&f, "b", 0);
    drop(&f, "b", WL_ENOTFOUND);
    assert_int_equal(segment_get(f.s, STR("b"), 1, f.a, &second, &f.e), WL_ENOTFOUND);
    assert_int_equal(segment_versions(f.s, STR("b"), 0, f.a, 10, &v, &n, &f.e), WL_ENOTFOUND);
    OK(&f, try_put(&f, "b", "9", SEGMENT_IS_NEW, &second));
    assert_true(second.version == 1 && second.id != first.id);
    OK(&f, try_put(&f, "a", "1", 0, &first));
    OK(&f, try_put(&f, "\xc3\xa4rzte", "1", 0, &first));
    OK(&f, segments_list(f.s, STR(""), f.a, 2, &v, &n, &f.e));
    assert_int_equal(n, 2);
    assert_str(v[0].name, "a");
    assert_str(v[1].query, "9");
    OK(&f, segments_list(f.s, v[1].name, f.a, 2, &v, &n, &f.e));
    assert_int_equal(n, 1);
    assert_str(v[0].name, "\xc3\xa4rzte");
    fx_end(&f);
}

/* ---- everybody ---- */

/* What each() was given, as one line a person. */
static int note_person(void *ctx, const struct audience_person *p, struct err *e)
{
    struct buf *out = ctx;
    (void)e;
    buf_printf(out, "%lld %.*s %s%s%s", (long long)(p->id / STORE_BUCKETS), (int)p->name.n, p->name.p, p->phone.value,
               p->named ? "" : " unnamed", p->restricted ? " restricted" : "");
    buf_printf(out, " %s%s", p->consent->of[CATEGORY_MARKETING].status == CONSENT_GRANTED ? "granted" : "none",
               p->activity != NULL && p->activity->read != 0 ? " read" : "");
    for (size_t i = 0; i < p->n_attributes; i++)
        buf_printf(out, " %.*s=%.*s", (int)p->attribute[i].name.n, p->attribute[i].name.p, (int)p->attribute[i].value.n,
                   p->attribute[i].value.p);
    for (size_t i = 0; i < p->n_tags; i++)
        buf_printf(out, " #%.*s", (int)p->tag[i].n, p->tag[i].p);
    for (size_t i = 0; i < p->n_sources; i++)
        buf_printf(out, " <%lld", (long long)p->source[i]);
    buf_putc(out, '\n');
    return 0;
}

static void everybody(struct fx *f, size_t page, struct buf *out)
{
    int64_t last = 0;
    size_t n = page, pages = 0;
    buf_clear(out);
    while (n == page) {
        arena_reset(f->a);
        OK(f, audience_rows(f->s, 0, last, page, f->a, note_person, out, &last, &n, &f->e));
        assert_true(pages++ < 20);
    }
}

static struct person somebody(struct fx *f, const char *number, const char *name)
{
    struct person p = fx_person(f, IDENTITY_PHONE, number);
    snprintf(p.name, sizeof p.name, "%s", name);
    BEGIN(f);
    OK(f, people_save(f->s, &p, 1, &f->e));
    COMMIT(f);
    return p;
}

static void give(struct fx *f, const struct person *p, const char *name, const char *value, const char *tag)
{
    const struct attribute v = {str_of(name), str_of(value), 0, NOW};
    const struct tag t = {str_of(tag), 0, NOW};
    BEGIN(f);
    OK(f, attribute_put(f->s, 0, p->id, &v, NULL, &f->e));
    OK(f, tag_put(f->s, 0, p->id, &t, NULL, &f->e));
    COMMIT(f);
}

static void came(struct fx *f, const struct person *p, uint8_t file, int64_t at)
{
    const uint8_t sha[SHA256_BYTES] = {file};
    int64_t id;
    BEGIN(f);
    OK(f, import_source_put(f->s, STR("list.csv"), sha, NOW, &id, &f->e));
    OK(f, contact_source_put(f->s, 0, p->id, id, at, NULL, &f->e));
    COMMIT(f);
}

TEST(everybody_comes_once_with_all_that_is_theirs)
{
    struct fx f;
    struct buf out;
    const struct activity_event read = {ACTIVITY_READ, NOW, NOW - 1000, true};
    fx_start(&f);
    buf_init(&out, 65536);
    everybody(&f, 2, &out);
    assert_str(buf_str(&out), "");
    struct person a = somebody(&f, "15550001001", "Ana"), b = somebody(&f, "15550001002", "Bo");
    struct person c = somebody(&f, "15550001003", "Cy"), d = somebody(&f, "15550001004", "Di");
    (void)b;
    give(&f, &a, "city", "Bern", "vip");
    give(&f, &a, "age", "33", "cold");
    give(&f, &d, "city", "Berlin", "vip");
    came(&f, &c, 1, NOW + DAY);
    came(&f, &c, 2, NOW);
    came(&f, &c, 3, NOW + 2 * DAY);
    BEGIN(&f);
    OK(&f, activities_add(f.s, 0, c.id, &read, 1, &f.e));
    COMMIT(&f);
    static const char want[] = "1 Ana 15550001001 none age=33 city=Bern #cold #vip\n2 Bo 15550001002 none\n"
                               "3 Cy 15550001003 none read <2 <1 <3\n4 Di 15550001004 none city=Berlin #vip\n";
    for (size_t page = 1; page <= 5; page++) {
        everybody(&f, page, &out);
        assert_str(buf_str(&out), want);
    }
    buf_done(&out);
    fx_end(&f);
}

TEST(who_was_merged_has_left_a_number_or_is_to_go)
{
    struct identity one = fx_name(IDENTITY_PHONE, "15550001001"), two = fx_name(IDENTITY_PHONE, "15550001002");
    struct identity user = fx_name(IDENTITY_USER_ID, "US.1");
    struct fx f;
    struct buf out;
    struct person p;
    fx_start(&f);
    buf_init(&out, 65536);
    struct person gone = somebody(&f, "15550001009", "Gil");
    (void)fx_person(&f, IDENTITY_USER_ID, "US.9"); /* who has no number */
    (void)somebody(&f, one.value, "Ana");
    p = fx_person(&f, IDENTITY_USER_ID, user.value);
    give(&f, &p, "city", "Bern", "vip");
    BEGIN(&f); /* they turn out to be one; and their number changes */
    OK(&f, people_hear(f.s, &(struct heard){&one, &user, NULL}, NOW, NOW, &p, &f.e));
    OK(&f, people_rename(f.s, &(struct heard){&one, &user, NULL}, &(struct heard){&two, NULL, NULL}, NOW + DAY,
                         NOW + DAY, &p, &f.e));
    COMMIT(&f);
    BEGIN(&f);
    OK(&f, person_restrict(f.s, 0, gone.id, NOW + 2 * DAY, &f.e));
    COMMIT(&f);
    everybody(&f, 1, &out);
    assert_non_null(strstr(buf_cstr(&out), "2  US.9 none\n3 Ana 15550001002 none city=Bern #vip\n"));
    assert_null(strstr(buf_cstr(&out), one.value)); /* they left it */
    assert_null(strstr(buf_cstr(&out), "\n4 "));    /* merged away */
    assert_non_null(strstr(buf_cstr(&out), "1 Gil 15550001009 restricted none\n"));
    buf_done(&out);
    fx_end(&f);
}

/* ---- what campaigns did ---- */

static int note_mark(void *ctx, int64_t contact, unsigned marks, struct err *e)
{
    (void)e;
    buf_printf(ctx, "%lld:%u ", (long long)contact, marks);
    return 0;
}

TEST(marks_follow_the_message_of_each)
{
    static const struct {
        int state;
        uint32_t seen;
        int skip, told;
        unsigned want;
    } cases[] = {
        {LIFE_ACCEPTED, 0, 0, 0, AUDIENCE_SENT},
        {LIFE_ACCEPTED, SEEN_SENT | SEEN_DELIVERED | SEEN_READ, 0, TOLD_REPLIED,
         AUDIENCE_SENT | AUDIENCE_DELIVERED | AUDIENCE_READ | AUDIENCE_REPLIED},
        {LIFE_FAILED, SEEN_SENT | SEEN_FAILED, 0, 0, AUDIENCE_SENT | AUDIENCE_FAILED},
        {LIFE_REFUSED, 0, 0, 0, AUDIENCE_FAILED},
        {LIFE_WAITING, 0, 0, 0, 0},
        {LIFE_FAILED, SEEN_DELIVERED, 0, TOLD_OPTED_OUT, AUDIENCE_SENT | AUDIENCE_DELIVERED | AUDIENCE_OPTED_OUT},
        {0, 0, SKIP_HOLD_OUT, 0, 0}, /* got none, and was to get none */
        {0, 0, 0, 0, 0},             /* their turn has not come */
    };
    enum { CASES = sizeof cases / sizeof *cases };
    struct campaign_recipient r[CASES];
    char want[512] = "";
    struct fx f;
    struct buf out;
    int64_t last = 0;
    size_t n = 3;
    fx_start(&f);
    buf_init(&out, 4096);
    BEGIN(&f);
    for (size_t i = 0; i < CASES; i++) {
        struct message m = fx_message(&f, (int64_t)i + 100);
        m.campaign = 7;
        m.life.state = (uint8_t)cases[i].state;
        m.life.accepted = cases[i].state == LIFE_ACCEPTED || cases[i].state == LIFE_FAILED;
        m.seen = cases[i].seen;
        if (cases[i].state != 0)
            OK(&f, messages_insert(f.s, &m, NULL, 1, &f.e));
        r[i] = (struct campaign_recipient){.campaign = 7,
                                           .place = (int64_t)i + 1,
                                           .contact = (int64_t)i + 100,
                                           .skip = cases[i].skip,
                                           .told = cases[i].told,
                                           .msg = cases[i].state != 0 ? m.id : 0,
                                           .language = STR(""),
                                           .rule = STR(""),
                                           .params = STR("")};
        snprintf(want + strlen(want), sizeof want - strlen(want), "%zu:%u ", i + 100,
                 AUDIENCE_IN_CAMPAIGN | cases[i].want);
    }
    OK(&f, recipients_put(f.s, r, CASES, &f.e));
    COMMIT(&f);
    while (n == 3)
        OK(&f, audience_row_marks(f.s, 0, 7, last, 3, note_mark, &out, &last, &n, &f.e));
    assert_str(buf_str(&out), want);
    assert_int_equal(last, CASES);
    buf_done(&out);
    fx_end(&f);
}

TESTS(T(versions_are_made_and_never_change), T(nobody_overwrites_what_they_have_not_seen),
      T(names_that_are_none_are_refused), T(a_name_that_was_taken_away_begins_anew),
      T(everybody_comes_once_with_all_that_is_theirs), T(who_was_merged_has_left_a_number_or_is_to_go),
      T(marks_follow_the_message_of_each))

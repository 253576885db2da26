/* SPDX-License-Identifier: Apache-2.0
 * test_campaigns.c - campaigns, recipients and cursors as rows; what merging and erasing people does to them; a file of before.
 *
 * What would hurt: a recipient skipped or met twice because the cursor moved for whoever no longer runs the campaign; a campaign that
 * began and loses its recipients to a new check; two buttons pressed at once of which both count; somebody erased whose name still
 * stands in what was to be sent. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "core/leaf.h"
#include "store/campaigns.h"
#include "store/erasures.h"
#include "store/ledger.h"
#include "store/people_rows.h"

#define CAMPAIGN 77
#define EPOCH    5

static int64_t raw_count(const struct fx *f, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_open(f->url, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return n;
}

static struct campaign_row new_campaign(struct fx *f, const char *name)
{
    return (struct campaign_row){.id = store_id(f->s, NOW),
                                 .state = CAMPAIGN_DRAFT,
                                 .name = str_of(name),
                                 .definition = STR("{\"name\":\"x\"}"),
                                 .created_by = STR("ada"),
                                 .created_at = NOW};
}

/* Recipients 1 .. n of CAMPAIGN, who are the people with ids contact[0] .. */
static void put_recipients(struct fx *f, const int64_t *contact, size_t n)
{
    struct campaign_recipient r[16];
    int64_t index[16][2];
    for (size_t i = 0; i < n; i++) {
        r[i] = (struct campaign_recipient){.campaign = CAMPAIGN,
                                           .place = (int64_t)i + 1,
                                           .contact = contact[i],
                                           .sender = SENDER,
                                           .stratum = (int)i % 2,
                                           .language = STR("en_US"),
                                           .params = STR("[\"Ann of Secret Street\"]")};
        index[i][0] = contact[i];
        index[i][1] = r[i].place;
    }
    BEGIN(f);
    OK(f, recipients_put(f->s, r, n, &f->e));
    OK(f, recipients_index(f->s, 0, CAMPAIGN, (const int64_t(*)[2])index, n, &f->e));
    COMMIT(f);
}

static struct campaign_recipient recipient(struct fx *f, int64_t place)
{
    struct campaign_recipient r;
    OK(f, recipient_get(f->s, 0, CAMPAIGN, place, f->a, &r, &f->e));
    return r;
}

static void take(struct fx *f, int64_t epoch)
{
    BEGIN(f);
    OK(f, campaign_cursor_take(f->s, 0, CAMPAIGN, epoch, &f->e));
    COMMIT(f);
}

static int move(struct fx *f, int64_t epoch, int64_t place, int64_t msg)
{
    const struct campaign_cursor c = {.campaign = CAMPAIGN, .epoch = epoch};
    BEGIN(f);
    int rc = campaign_cursor_move(f->s, &c, place, msg, &f->e);
    COMMIT(f); /* also after a conflict: others of its transaction go on */
    return rc;
}

static int64_t cursor(struct fx *f)
{
    struct campaign_cursor c = {.campaign = CAMPAIGN};
    OK(f, campaign_cursor_get(f->s, &c, &f->e));
    return c.cur;
}

/* ---- campaigns ---- */

TEST(a_campaign_comes_back_as_it_was_written_and_the_second_of_two_changes_is_told)
{
    struct fx f;
    fx_start(&f);
    struct campaign_row c = new_campaign(&f, "autumn"), got, other;
    BEGIN(&f);
    OK(&f, campaign_insert(f.s, &c, &f.e));
    COMMIT(&f);
    OK(&f, campaign_get(f.s, c.id, f.a, &got, &f.e));
    assert_false(got.planned);
    other = got;
    got.state = CAMPAIGN_CHECKED;
    got.planned = true;
    memset(got.plan, 0xab, sizeof got.plan);
    got.people = 12;
    got.due = NOW;
    got.why = STR("it was checked");
    got.busy = true;
    BEGIN(&f);
    OK(&f, campaign_save(f.s, &got, &f.e));
    assert_int_equal(campaign_save(f.s, &other, &f.e), WL_ECONFLICT);
    COMMIT(&f); /* the first of them counts */
    OK(&f, campaign_get(f.s, c.id, f.a, &other, &f.e));
    assert_int_equal(other.state, CAMPAIGN_CHECKED);
    assert_int_equal(other.ver, 2);
    assert_true(other.planned && other.busy && other.plan[31] == 0xab);
    assert_int_equal(other.people, 12);
    assert_string_equal(other.why.p, "it was checked");
    assert_int_equal(campaign_get(f.s, 1, f.a, &other, &f.e), WL_ENOTFOUND);
    fx_end(&f);
}

TEST(lists_are_by_state_and_the_runner_sees_those_that_are_due)
{
    struct fx f;
    struct campaign_row c[4], *rows;
    size_t n;
    fx_start(&f);
    BEGIN(&f);
    for (int i = 0; i < 4; i++) {
        c[i] = new_campaign(&f, "x");
        c[i].state = i < 2 ? CAMPAIGN_DRAFT : CAMPAIGN_RUNNING;
        c[i].due = i % 2 == 1 ? NOW : 0;
        c[i].series = i >= 2 ? c[0].id : 0;
        c[i].occurrence = i;
        OK(&f, campaign_insert(f.s, &c[i], &f.e));
    }
    COMMIT(&f);
    OK(&f, campaigns_list(f.s, 0, 0, f.a, 10, &rows, &n, &f.e));
    assert_int_equal(n, 4);
    assert_int_equal(rows[0].id, c[3].id);
    OK(&f, campaigns_list(f.s, c[3].id, 1u << CAMPAIGN_RUNNING, f.a, 10, &rows, &n, &f.e));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].id, c[2].id);
    OK(&f, campaigns_open(f.s, f.a, 10, &rows, &n, &f.e));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].id, c[1].id);
    OK(&f, campaigns_of_series(f.s, c[0].id, f.a, 10, &rows, &n, &f.e));
    assert_int_equal(n, 2);
    OK(&f, campaigns_of_series(f.s, 0, f.a, 10, &rows, &n, &f.e));
    assert_int_equal(n, 0);
    int64_t newest = c[3].id;
    fx_reopen(&f);
    assert_true(store_id(f.s, NOW - 5000) > newest); /* a clock that was set back gives nobody's id again */
    fx_end(&f);
}

TEST(an_approval_has_an_entry_in_the_log_and_what_is_nobodys_to_answer_for_has_none)
{
    struct fx f;
    struct campaign_event_row *ev;
    struct log_entry entry;
    struct leaf leaf;
    size_t n;
    fx_start(&f);
    struct campaign_event_row check = {.id = store_id(f.s, NOW), .campaign = CAMPAIGN, .at = NOW, .act = 3},
                              approve = {.id = store_id(f.s, NOW),
                                         .campaign = CAMPAIGN,
                                         .at = NOW,
                                         .act = CAMPAIGN_ACT_APPROVE,
                                         .actor = STR("bob"),
                                         .record = STR("{\"plan\":\"ab\"}")};
    BEGIN(&f);
    OK(&f, campaign_event_append(f.s, &check, &f.e));
    OK(&f, campaign_event_append(f.s, &approve, &f.e));
    COMMIT(&f);
    assert_int_equal(check.leaf, -1);
    OK(&f, campaign_events(f.s, CAMPAIGN, f.a, 10, &ev, &n, &f.e));
    assert_int_equal(n, 2);
    assert_int_equal(ev[1].leaf, approve.leaf);
    assert_string_equal(ev[1].actor.p, "bob");
    int64_t newest = 0;
    OK(&f, campaign_events_newest(f.s, &newest, &f.e));
    assert_int_equal(newest, approve.id);
    OK(&f, campaign_events_after(f.s, check.id, f.a, 10, &ev, &n, &f.e));
    assert_true(n == 1 && ev[0].id == approve.id && ev[0].campaign == CAMPAIGN && ev[0].act == CAMPAIGN_ACT_APPROVE);
    OK(&f, campaign_events(f.s, CAMPAIGN, f.a, 10, &ev, &n, &f.e));
    OK(&f, log_read(f.s, approve.leaf, 1, &entry, &n, &f.e));
    assert_int_equal(n, 1);
    OK(&f, leaf_read(entry.bytes, LEAF_BYTES, &leaf, &f.e));
    assert_int_equal(leaf.kind, LEAF_CAMPAIGN);
    uint8_t key[LEAF_KEY_BYTES], salt[SHA256_BYTES], commit[SHA256_BYTES];
    OK(&f, subject_key_get(f.s, 0, 0, key, &f.e));
    leaf_salt(key, (uint64_t)ev[1].n, salt);
    leaf_commit(salt, ev[1].record, commit);
    assert_memory_equal(commit, leaf.commit, SHA256_BYTES);
    fx_end(&f);
}

TEST(a_check_made_again_takes_the_place_of_the_one_before)
{
    struct fx f;
    struct campaign_check_row c = {.campaign = CAMPAIGN, .at = NOW, .report = STR("{}"), .terms = STR("{}")}, got;
    struct campaign_source v[2] = {{.campaign = CAMPAIGN, .stratum = 0, .name = STR("api"), .people = 2, .state = 1},
                                   {.campaign = CAMPAIGN, .stratum = 1, .name = STR("a.csv"), .state = 1}},
                           *rows;
    size_t n;
    fx_start(&f);
    assert_int_equal(campaign_check_get(f.s, CAMPAIGN, f.a, &got, &f.e), WL_ENOTFOUND);
    BEGIN(&f);
    OK(&f, campaign_check_put(f.s, &c, &f.e));
    OK(&f, campaign_sources_put(f.s, v, 2, &f.e));
    c.report = STR("{\"people\":3}");
    c.audience = (struct str){"a\0b", 3};
    OK(&f, campaign_check_put(f.s, &c, &f.e));
    OK(&f, campaign_sources_put(f.s, v, 1, &f.e));
    v[0].state = CAMPAIGN_SOURCE_QUARANTINED;
    v[0].why = STR("7 of 200");
    OK(&f, campaign_source_set(f.s, &v[0], &f.e));
    v[0].stratum = 9;
    assert_int_equal(campaign_source_set(f.s, &v[0], &f.e), WL_ENOTFOUND);
    COMMIT(&f);
    OK(&f, campaign_check_get(f.s, CAMPAIGN, f.a, &got, &f.e));
    OK(&f, campaign_audience_get(f.s, CAMPAIGN, f.a, &got.audience, &f.e));
    assert_string_equal(got.report.p, "{\"people\":3}");
    assert_int_equal(got.audience.n, 3);
    OK(&f, campaign_sources_get(f.s, CAMPAIGN, f.a, &rows, &n, &f.e));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].state, CAMPAIGN_SOURCE_QUARANTINED);
    fx_end(&f);
}

/* ---- recipients and the cursor ---- */

TEST(the_cursor_moves_for_its_place_its_epoch_and_a_recipient_without_a_message)
{
    static const int64_t who[] = {4096, 8192, 12288};
    static const struct {
        int64_t epoch, place;
        bool moves;
    } tries[] = {
        {EPOCH, 2, false},                                           /* not its turn yet */
        {EPOCH - 1, 1, false},                                       /* an earlier life of the runner */
        {EPOCH, 1, true},      {EPOCH, 1, false},                    /* once */
        {EPOCH, 2, true},      {EPOCH, 3, true},  {EPOCH, 4, false}, /* there is nobody */
    };
    struct fx f;
    fx_start(&f);
    put_recipients(&f, who, 3);
    assert_int_equal(cursor(&f), 0);
    assert_int_equal(move(&f, EPOCH, 1, 900), WL_ECONFLICT); /* nobody runs it */
    take(&f, EPOCH);
    assert_int_equal(cursor(&f), 1);
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        int64_t before = cursor(&f);
        int rc = move(&f, tries[i].epoch, tries[i].place, 900 + (int64_t)i);
        assert_int_equal(rc, tries[i].moves ? 0 : WL_ECONFLICT);
        assert_int_equal(cursor(&f), before + tries[i].moves);
    }
    assert_int_equal(recipient(&f, 1).msg, 902);
    assert_int_equal(recipient(&f, 3).msg, 905);
    take(&f, EPOCH + 1);
    assert_int_equal(cursor(&f), 4); /* whoever takes it goes on where it stood */
    fx_end(&f);
}

TEST(who_gets_nothing_is_passed_and_stays_without_a_message)
{
    static const int64_t who[] = {4096, 8192};
    struct fx f;
    fx_start(&f);
    put_recipients(&f, who, 2);
    take(&f, EPOCH);
    assert_int_equal(move(&f, EPOCH, 1, 0), 0);
    assert_int_equal(recipient(&f, 1).msg, 0);
    assert_int_equal(move(&f, EPOCH, 1, 900), WL_ECONFLICT);
    assert_int_equal(move(&f, EPOCH, 2, 900), 0);
    fx_end(&f);
}

TEST(recipients_are_cleared_in_pages_and_never_of_a_campaign_that_began)
{
    static const int64_t who[] = {4096, 8192, 12288, 16384, 20480};
    struct campaign_recipient *rows;
    struct fx f;
    bool left = false;
    size_t n;
    fx_start(&f);
    put_recipients(&f, who, 5);
    take(&f, EPOCH); /* it stands at place 1: nobody was sent to */
    BEGIN(&f);
    OK(&f, recipients_clear(f.s, CAMPAIGN, 3, &left, &f.e));
    assert_true(left);
    OK(&f, recipients_clear(f.s, CAMPAIGN, 3, &left, &f.e));
    assert_false(left);
    COMMIT(&f);
    OK(&f, recipients_read(f.s, 0, CAMPAIGN, 1, f.a, 10, &rows, &n, &f.e));
    assert_int_equal(n, 0);
    OK(&f, recipients_of(f.s, 0, 8192, f.a, 10, &rows, &n, &f.e));
    assert_int_equal(n, 0);
    put_recipients(&f, who, 5);
    assert_int_equal(move(&f, EPOCH, 1, 0), 0);
    BEGIN(&f);
    assert_int_equal(recipients_clear(f.s, CAMPAIGN, 10, &left, &f.e), WL_ECONFLICT);
    COMMIT(&f);
    OK(&f, recipients_read(f.s, 0, CAMPAIGN, 4, f.a, 10, &rows, &n, &f.e));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].place, 4);
    assert_string_equal(rows[0].language.p, "en_US");
    fx_end(&f);
}

/* Messages of recipients 1 .. n in these states; 0: they have none. */
static void put_messages(struct fx *f, const int *states, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct message m = fx_message(f, 4096);
        m.campaign = CAMPAIGN;
        m.place = (int64_t)i + 1;
        m.stratum = 1;
        m.life.state = (uint8_t)states[i];
        BEGIN(f);
        if (states[i] != 0)
            OK(f, messages_insert(f->s, &m, NULL, 1, &f->e));
        COMMIT(f);
        assert_int_equal(move(f, EPOCH, m.place, states[i] != 0 ? m.id : 0), 0);
    }
}

TEST(what_is_open_is_found_page_by_page)
{
    static const int64_t who[] = {4096, 8192, 12288, 16384, 20480, 24576};
    static const int states[] = {LIFE_ACCEPTED, 0, LIFE_REFUSED, LIFE_WAITING, LIFE_ACCEPTED};
    struct recipient_fate *fate;
    struct fx f;
    int64_t place = 0;
    size_t n;
    fx_start(&f);
    put_recipients(&f, who, 6);
    take(&f, EPOCH);
    put_messages(&f, states, 5);
    OK(&f, recipients_first_open(f.s, 0, CAMPAIGN, 1, 2, &place, &f.e));
    assert_int_equal(place, 3); /* so far it looked */
    OK(&f, recipients_first_open(f.s, 0, CAMPAIGN, place, 10, &place, &f.e));
    assert_int_equal(place, 4); /* found */
    OK(&f, recipients_first_open(f.s, 0, CAMPAIGN, place, 10, &place, &f.e));
    assert_int_equal(place, 4);
    OK(&f, recipients_first_open(f.s, 0, CAMPAIGN, 5, 10, &place, &f.e));
    assert_int_equal(place, 6); /* the cursor: none, the sixth is not with the door */
    OK(&f, recipients_fates(f.s, 0, CAMPAIGN, 1, f.a, 10, &fate, &n, &f.e));
    assert_int_equal(n, 6);
    assert_int_equal(fate[0].m.life.state, LIFE_ACCEPTED);
    assert_int_equal(fate[0].m.place, 1);
    assert_int_equal(fate[0].m.stratum, 1);
    assert_int_equal(fate[1].m.id, 0);
    assert_string_equal(fate[3].r.params.p, "[\"Ann of Secret Street\"]");
    assert_int_equal(fate[5].m.id, 0);
    fx_end(&f);
}

TEST(what_somebody_did_is_new_once)
{
    static const int64_t who[] = {4096};
    struct fx f;
    int new = 0;
    fx_start(&f);
    put_recipients(&f, who, 1);
    BEGIN(&f);
    OK(&f, recipient_told(f.s, 0, CAMPAIGN, 1, TOLD_REPLIED, &new, &f.e));
    assert_int_equal(new, TOLD_REPLIED);
    OK(&f, recipient_told(f.s, 0, CAMPAIGN, 1, TOLD_REPLIED | TOLD_OPTED_OUT, &new, &f.e));
    assert_int_equal(new, TOLD_OPTED_OUT);
    OK(&f, recipient_told(f.s, 0, CAMPAIGN, 1, TOLD_OPTED_OUT, &new, &f.e));
    assert_int_equal(new, 0);
    OK(&f, recipient_told(f.s, 0, CAMPAIGN, 99, TOLD_OPTED_OUT, &new, &f.e)); /* nobody */
    assert_int_equal(new, 0);
    COMMIT(&f);
    assert_int_equal(recipient(&f, 1).told, TOLD_REPLIED | TOLD_OPTED_OUT);
    fx_end(&f);
}

TEST(counts_are_added_and_taken_back)
{
    struct cohort_change c[] = {{.campaign = CAMPAIGN, .stratum = 1, .minute = 7, .sent = 2, .read_15 = 1},
                                {.campaign = CAMPAIGN, .stratum = 0, .minute = 8, .sent = 1},
                                {.campaign = CAMPAIGN, .stratum = 1, .minute = 7, .sent = 1, .undeliverable = 1},
                                {.campaign = CAMPAIGN, .stratum = 1, .minute = 7, .undeliverable = -1, .replied = 1}},
                         *rows;
    struct fx f;
    size_t n;
    fx_start(&f);
    BEGIN(&f);
    OK(&f, campaign_cohort_add(f.s, c, 4, &f.e));
    COMMIT(&f);
    OK(&f, campaign_cohorts(f.s, 0, CAMPAIGN, f.a, &rows, &n, &f.e));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].stratum, 0);
    assert_int_equal(rows[1].sent, 3);
    assert_int_equal(rows[1].undeliverable, 0);
    assert_int_equal(rows[1].read_15, 1);
    assert_int_equal(rows[1].replied, 1);
    fx_end(&f);
}

TEST(outcomes_are_of_a_country_a_category_and_a_part_of_the_day)
{
    struct campaign_outcome *rows;
    struct fx f;
    size_t n;
    fx_start(&f);
    BEGIN(&f);
    for (int i = 0; i < 6; i++) {
        struct campaign_outcome o = {.campaign = i + 1,
                                     .ended_at = NOW + i,
                                     .category = 2,
                                     .hour = 4 * i,
                                     .o = {.sent = 100 + i, .n = {9, 8, 7}, .read = {6, 5, 4}}};
        memcpy(o.country, i % 2 ? "DE" : "BR", 3);
        OK(&f, campaign_outcome_put(f.s, &o, &f.e));
        OK(&f, campaign_outcome_put(f.s, &o, &f.e));
    }
    COMMIT(&f);
    OK(&f, campaign_outcomes(f.s, STR(""), 2, -1, f.a, 4, &rows, &n, &f.e));
    assert_int_equal(n, 4);
    assert_int_equal(rows[0].campaign, 6);
    assert_int_equal(rows[0].o.read[2], 4);
    OK(&f, campaign_outcomes(f.s, STR("DE"), 2, 0, f.a, 9, &rows, &n, &f.e)); /* hours 0 .. 5: 4 */
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].o.sent, 101);
    OK(&f, campaign_outcomes(f.s, STR("DE"), 3, -1, f.a, 9, &rows, &n, &f.e));
    assert_int_equal(n, 0);
    fx_end(&f);
}

/* ---- people who turn out to be one, and people who are erased ---- */

TEST(of_two_who_are_one_the_earlier_place_is_theirs)
{
    struct campaign_recipient *rows;
    struct fx f;
    struct person kept;
    size_t n;
    fx_start(&f);
    struct person a = fx_person(&f, IDENTITY_PHONE, "15550003001"), b = fx_person(&f, IDENTITY_PHONE, "15550003002"),
                  c = fx_person(&f, IDENTITY_PHONE, "15550003003"), d = fx_person(&f, IDENTITY_PHONE, "15550003004");
    const int64_t who[] = {b.id, c.id, a.id, d.id}; /* the older person at the later place */
    put_recipients(&f, who, 4);
    BEGIN(&f);
    OK(&f, people_merge(f.s, 0, a.id, b.id, NOW, &kept, &f.e));
    OK(&f, people_merge(f.s, 0, kept.id, c.id, NOW, &kept, &f.e));
    COMMIT(&f);
    assert_int_equal(kept.id, a.id);
    assert_int_equal(recipient(&f, 1).contact, kept.id);
    assert_int_equal(recipient(&f, 1).params.n, sizeof "[\"Ann of Secret Street\"]" - 1);
    assert_int_equal(recipient(&f, 2).contact, 0); /* nobody: they are sent to at place 1 */
    assert_int_equal(recipient(&f, 3).contact, 0);
    assert_int_equal(recipient(&f, 3).params.n, 0);
    assert_int_equal(recipient(&f, 4).contact, d.id);
    take(&f, EPOCH);
    assert_int_equal(move(&f, EPOCH, 1, 900), 0);
    assert_int_equal(move(&f, EPOCH, 2, 901), WL_ECONFLICT); /* read before they became one: not once more */
    assert_int_equal(move(&f, EPOCH, 2, 0), 0);
    OK(&f, recipients_of(f.s, 0, kept.id, f.a, 10, &rows, &n, &f.e));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].place, 1);
    assert_int_equal(raw_count(&f, "SELECT COUNT(*) FROM contact_campaign"), 2);
    fx_end(&f);
}

TEST(of_somebody_who_is_erased_the_place_stays_and_nothing_else)
{
    struct fx f;
    fx_start(&f);
    struct person a = fx_person(&f, IDENTITY_PHONE, "15550003001"), b = fx_person(&f, IDENTITY_PHONE, "15550003002");
    const int64_t who[] = {a.id, b.id};
    const struct lives l = {.bucket = 0, .n = 1, .id = {a.id}};
    put_recipients(&f, who, 2);
    take(&f, EPOCH);
    assert_int_equal(move(&f, EPOCH, 1, 900), 0);
    BEGIN(&f);
    OK(&f, person_strip(f.s, &l, &f.e));
    COMMIT(&f);
    assert_int_equal(recipient(&f, 1).contact, 0);
    assert_int_equal(recipient(&f, 1).params.n, 0);
    assert_int_equal(recipient(&f, 1).msg, 900);
    assert_int_equal(recipient(&f, 2).contact, b.id);
    assert_int_equal(move(&f, EPOCH, 2, 901), 0);
    assert_int_equal(raw_count(&f, "SELECT COUNT(*) FROM contact_campaign"), 1);
    assert_int_equal(raw_count(&f, "SELECT COUNT(*) FROM campaign_recipient WHERE params <> ''"), 1);
    fx_end(&f);
}

/* ---- a file of before ---- */

TEST(a_file_with_eight_migrations_is_brought_up_to_date)
{
    struct fx f;
    static char sql[64 << 10];
    char path[600];
    const char *root = getenv("WAYLEAVE_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/tests/store/version8.sql", root ? root : ".");
    fx_place(&f);
    FILE *t = fopen(path, "r");
    if (!fx_is_file(&f) || t == NULL) {
        fx_end(&f);
        skip_loudly("not a file, or the sources are not here");
    }
    sql[fread(sql, 1, sizeof sql - 1, t)] = '\0';
    fclose(t);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f.url, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    OK(&f, store_open(&f.s, f.url, NULL, &f.e));
    OK(&f, store_verify_statements(f.s, &f.e));
    struct message m;
    OK(&f, messages_get(f.s, 0, 7519265074708480000, &m, &f.e));
    assert_int_equal(m.place, 0);
    assert_int_equal(m.seen, 7);
    assert_int_equal(raw_count(&f, "SELECT COUNT(*) FROM msg WHERE place = 0 AND stratum = 0"), 9);
    assert_int_equal(raw_count(&f, "SELECT COUNT(*) FROM attribute"), 1);
    const int64_t who[] = {4096, 24576};
    put_recipients(&f, who, 2);
    take(&f, EPOCH);
    assert_int_equal(move(&f, EPOCH, 1, m.id), 0);
    fx_end(&f);
}

TESTS(T(a_campaign_comes_back_as_it_was_written_and_the_second_of_two_changes_is_told),
      T(lists_are_by_state_and_the_runner_sees_those_that_are_due),
      T(an_approval_has_an_entry_in_the_log_and_what_is_nobodys_to_answer_for_has_none),
      T(a_check_made_again_takes_the_place_of_the_one_before),
      T(the_cursor_moves_for_its_place_its_epoch_and_a_recipient_without_a_message),
      T(who_gets_nothing_is_passed_and_stays_without_a_message),
      T(recipients_are_cleared_in_pages_and_never_of_a_campaign_that_began), T(what_is_open_is_found_page_by_page),
      T(what_somebody_did_is_new_once), T(counts_are_added_and_taken_back),
      T(outcomes_are_of_a_country_a_category_and_a_part_of_the_day), T(of_two_who_are_one_the_earlier_place_is_theirs),
      T(of_somebody_who_is_erased_the_place_stays_and_nothing_else),
      T(a_file_with_eight_migrations_is_brought_up_to_date))

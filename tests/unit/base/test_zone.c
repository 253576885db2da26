/* SPDX-License-Identifier: Apache-2.0
 * test_zone.c - local time as people know it, rules for later years, and files that are not what they seem.
 *
 * The facts are written by hand from what happened; the whole database is compared with another reader by
 * compare_zones.py. Damaged files are made from sound ones byte by byte. */
#include "base/zone_impl.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "t.h"

#define HOUR 3600000LL

static int64_t at(const char *text)
{
    int64_t ms = 0;
    if (time_parse(text, strlen(text), &ms) != 0 && ms == 0)
        fail_msg("\"%s\" is no time", text);
    return ms;
}

/* ---- the system's database ---- */

static struct zones *system_zones(void)
{
    struct zones *z = NULL;
    struct err e = {0};
    if (access("/usr/share/zoneinfo/zone.tab", R_OK) != 0)
        return NULL;
    assert_ok(zones_load(&z, NULL, &e), e);
    return z;
}

TEST(local_time_as_it_was_and_will_be)
{
    static const struct {
        const char *zone, *at;
        int minutes;
    } rows[] = {
        {"America/Sao_Paulo", "2018-12-01T00:00:00Z", -120}, /* the last summer time */
        {"America/Sao_Paulo", "2026-12-01T00:00:00Z", -180},
        {"America/Bogota", "2026-07-01T00:00:00Z", -300},
        {"America/New_York", "2026-11-01T05:59:59Z", -240},
        {"America/New_York", "2026-11-01T06:00:00Z", -300},
        {"America/New_York", "2055-07-01T00:00:00Z", -240},
        {"America/Mexico_City", "2022-07-01T00:00:00Z", -300},
        {"America/Mexico_City", "2026-07-01T00:00:00Z", -360},
        {"Europe/Dublin", "2026-01-15T00:00:00Z", 0}, /* where winter is the exception */
        {"Europe/Dublin", "2026-07-15T00:00:00Z", 60},
        {"Europe/Dublin", "2050-07-15T00:00:00Z", 60},
        {"Africa/Casablanca", "2026-02-20T00:00:00Z", 0}, /* Ramadan */
        {"Africa/Casablanca", "2026-07-01T00:00:00Z", 60},
        {"Asia/Tehran", "2021-07-01T00:00:00Z", 270},
        {"Asia/Tehran", "2026-07-01T00:00:00Z", 210},
        {"Asia/Kolkata", "2026-07-01T00:00:00Z", 330},
        {"Asia/Kathmandu", "2026-07-01T00:00:00Z", 345},
        {"Asia/Pyongyang", "2016-07-01T00:00:00Z", 510},
        {"Australia/Lord_Howe", "2026-01-01T00:00:00Z", 660},
        {"Australia/Lord_Howe", "2026-07-01T00:00:00Z", 630},
        {"Australia/Lord_Howe", "2058-07-01T00:00:00Z", 630},
        {"America/Nuuk", "2022-12-01T00:00:00Z", -180},
        {"America/Nuuk", "2026-12-01T00:00:00Z", -120},
        {"America/Godthab", "2026-07-01T00:00:00Z", -60},
        {"Pacific/Apia", "2011-12-30T09:59:59Z", -600}, /* then Friday was left out */
        {"Pacific/Apia", "2011-12-30T10:00:00Z", 840},
        {"Pacific/Apia", "2026-01-01T00:00:00Z", 780},
        {"Pacific/Kiritimati", "2026-01-01T00:00:00Z", 840},
        {"Europe/Istanbul", "2026-01-01T00:00:00Z", 180},
        {"Europe/Moscow", "2012-01-01T00:00:00Z", 240},
        {"Europe/Moscow", "2026-01-01T00:00:00Z", 180},
        {"Antarctica/Troll", "2045-07-01T00:00:00Z", 120},
        {"Africa/Cairo", "2030-07-01T00:00:00Z", 180},
        {"UTC", "2026-07-01T00:00:00Z", 0},
        {"Etc/GMT+12", "2026-07-01T00:00:00Z", -720},
    };
    struct zones *z = system_zones();
    if (z == NULL)
        skip_loudly("no /usr/share/zoneinfo");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct zone *zone = zone_find(z, str_of(rows[i].zone));
        if (zone == NULL || zone_offset(zone, at(rows[i].at)) != rows[i].minutes * 60)
            fail_msg("%s at %s: %d", rows[i].zone, rows[i].at, zone ? zone_offset(zone, at(rows[i].at)) / 60 : -9999);
    }
    zones_free(z);
}

TEST(what_changes_next)
{
    static const struct {
        const char *zone, *from, *until, *want; /* NULL: nothing */
    } rows[] = {
        {"America/New_York", "2026-10-25T00:00:00Z", "2026-11-09T00:00:00Z", "2026-11-01T06:00:00Z"},
        {"America/New_York", "2026-11-01T05:59:59.999Z", "2026-11-09T00:00:00Z", "2026-11-01T06:00:00Z"},
        {"America/New_York", "2026-11-01T06:00:00Z", "2027-01-01T00:00:00Z", NULL},
        {"America/New_York", "2026-10-25T00:00:00Z", "2026-11-01T06:00:00Z", NULL}, /* until is not reached */
        {"America/New_York", "2026-10-25T00:00:00Z", "2026-11-01T06:00:00.001Z", "2026-11-01T06:00:00Z"},
        {"America/New_York", "2036-12-31T00:00:00Z", "2040-01-01T00:00:00Z", "2037-03-08T07:00:00Z"},
        {"America/New_York", "2037-12-01T00:00:00Z", "2040-01-01T00:00:00Z", "2038-03-14T07:00:00Z"},
        {"Australia/Lord_Howe", "2050-08-01T00:00:00Z", "2051-01-01T00:00:00Z", "2050-10-01T15:30:00Z"},
        {"America/Sao_Paulo", "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z", NULL},
        {"Pacific/Apia", "2011-12-01T00:00:00Z", "2012-01-01T00:00:00Z", "2011-12-30T10:00:00Z"},
        {"Asia/Gaza", "2090-06-01T00:00:00Z", "2099-01-01T00:00:00Z", "2090-10-27T23:00:00Z"},
        {"UTC", "1970-01-02T00:00:00Z", "9999-01-01T00:00:00Z", NULL},
    };
    struct zones *z = system_zones();
    if (z == NULL)
        skip_loudly("no /usr/share/zoneinfo");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct zone *zone = zone_find(z, str_of(rows[i].zone));
        assert_non_null(zone);
        char text[TIME_TEXT];
        int64_t got = zone_next_change(zone, at(rows[i].from), at(rows[i].until));
        if (got != (rows[i].want ? at(rows[i].want) : 0))
            fail_msg("%s from %s: %s", rows[i].zone, rows[i].from, time_text(got, text));
    }
    zones_free(z);
}

TEST(names_and_countries)
{
    struct zones *z = system_zones();
    const struct zone *of[64];
    if (z == NULL)
        skip_loudly("no /usr/share/zoneinfo");
    assert_true(strlen(zones_version(z)) >= 5 && strncmp(zones_version(z), "20", 2) == 0);
    assert_int_equal(zones_damaged(z), 0);
    assert_string_equal(zone_name(zone_find(z, STR("America/Argentina/ComodRivadavia"))),
                        "America/Argentina/ComodRivadavia");
    static const char *const unknown[] = {"",
                                          "america/bogota",
                                          "America/bogota",
                                          "America",
                                          "America/",
                                          "localtime",
                                          "posixrules",
                                          "posix/UTC",
                                          "right/UTC",
                                          "zone.tab",
                                          "../zoneinfo/UTC",
                                          "UTC ",
                                          "America/Argentina/ComodRivadavia/and/much/much/more"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        if (zone_find(z, str_of(unknown[i])) != NULL)
            fail_msg("\"%s\" was found", unknown[i]);
    assert_null(zone_find(z, (struct str){"UTC\0", 4}));
    assert_int_equal(zones_of_country(z, "CO", of, 64), 1);
    assert_string_equal(zone_name(of[0]), "America/Bogota");
    size_t n = zones_of_country(z, "BR", of, 64);
    assert_true(n >= 16);
    assert_string_equal(zone_name(of[0]), "America/Noronha"); /* as listed */
    assert_int_equal(zones_of_country(z, "BR", of, 3), 3);
    assert_int_equal(zones_of_country(z, "XX", of, 64), 0);
    assert_int_equal(zones_of_country(z, "", of, 64), 0);
    assert_int_equal(zones_of_country(z, "BRA", of, 64), 0);
    zones_free(z);
}

/* ---- files made by hand ---- */

static void put32(struct buf *b, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_putc(b, (char)(v >> shift));
}

static void put64(struct buf *b, int64_t v)
{
    put32(b, (uint32_t)((uint64_t)v >> 32));
    put32(b, (uint32_t)v);
}

static void put_header(struct buf *b, char version, uint32_t times, uint32_t types)
{
    buf_puts(b, "TZif");
    buf_putc(b, version);
    for (int i = 0; i < 15; i++)
        buf_putc(b, '\0');
    put32(b, 0);
    put32(b, 0);
    put32(b, 0);
    put32(b, times);
    put32(b, types);
    put32(b, 4);
}

/* Two types: -3 h at first, -2 h at 1000000000, -3 h again at 1500000000; then the footer's rule, NULL: no footer. */
static void put_file(struct buf *b, char version, const char *footer)
{
    bool wide = version != '\0';
    buf_init(b, 4096);
    if (wide) { /* the first half, which nobody reads: empty */
        put_header(b, version, 0, 1);
        put32(b, 0);
        buf_put(b, "\0\0UTC\0", 6);
    }
    put_header(b, version, 2, 2);
    wide ? put64(b, 1000000000) : put32(b, 1000000000);
    wide ? put64(b, 1500000000) : put32(b, 1500000000);
    buf_put(b, "\1\0", 2);
    put32(b, (uint32_t)-10800);
    buf_put(b, "\0\0", 2);
    put32(b, (uint32_t)-7200);
    buf_put(b, "\1\0", 2);
    buf_put(b, "-03", 4);
    if (footer != NULL)
        buf_printf(b, "\n%s\n", footer);
}

static struct arena *arena;

static int read_bytes(struct str bytes, struct zone *ret, struct err *e)
{
    arena_free(arena);
    arena = arena_create(1 << 20);
    return zone_read(bytes, arena, ret, e);
}

TEST(every_version)
{
    static const char versions[] = {'\0', '2', '3', '4'};
    for (size_t i = 0; i < sizeof versions; i++) {
        struct buf b;
        struct zone z;
        struct err e = {0};
        put_file(&b, versions[i], versions[i] ? "<-03>3" : NULL);
        assert_ok(read_bytes(buf_str(&b), &z, &e), e);
        assert_int_equal(zone_offset(&z, 0), -10800);
        assert_int_equal(zone_offset(&z, 1000000000000 - 1), -10800);
        assert_int_equal(zone_offset(&z, 1000000000000), -7200);
        assert_int_equal(zone_offset(&z, 1500000000000), -10800);
        assert_int_equal(zone_offset(&z, INT64_MAX), -10800);
        assert_int_equal(zone_offset(&z, INT64_MIN), -10800);
        assert_int_equal(zone_next_change(&z, 0, INT64_MAX), 1000000000000);
        assert_int_equal(zone_next_change(&z, 1000000000000, INT64_MAX), 1500000000000);
        assert_int_equal(zone_next_change(&z, 1500000000000, INT64_MAX), 0);
        assert_int_equal(zone_next_change(&z, INT64_MIN, INT64_MIN), 0);
        buf_done(&b);
    }
}

TEST(rules_for_later_years)
{
    static const struct {
        const char *rule, *at;
        int minutes;
    } rows[] = {
        {"", "2030-07-01", -180}, /* none: as the table ended */
        {"<-03>3", "2030-07-01", -180},
        {"<+1245>-12:45", "2030-07-01", 765},
        {"XYZ-1:02:03", "2030-07-01", 62},
        {"EST5EDT,M3.2.0,M11.1.0", "2030-03-10T06:59:59Z", -300},
        {"EST5EDT,M3.2.0,M11.1.0", "2030-03-10T07:00:00Z", -240},
        {"EST5EDT,M3.2.0,M11.1.0", "2030-11-03T05:59:59Z", -240},
        {"EST5EDT,M3.2.0,M11.1.0", "2030-11-03T06:00:00Z", -300},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2030-03-31T00:59:59Z", -120}, /* an hour before midnight */
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2030-03-31T01:00:00Z", -60},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2030-03-31T00:59:59Z", 0}, /* negative summer */
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2030-03-31T01:00:00Z", 60},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2030-10-27T01:00:00Z", 0},
        {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2030-03-29T23:59:59Z", 120}, /* 50 hours after Thursday's midnight */
        {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2030-03-30T00:00:00Z", 180},
        {"AAA3BBB,J60/0,J300/0", "2028-03-01T02:59:59Z", -180}, /* J60 is March 1 in every year */
        {"AAA3BBB,J60/0,J300/0", "2028-03-01T03:00:00Z", -120},
        {"AAA3BBB,J60/0,J300/0", "2029-03-01T03:00:00Z", -120},
        {"AAA3BBB,59/0,299/0", "2028-02-29T03:00:00Z", -120}, /* day 59 is not */
        {"AAA3BBB,59/0,299/0", "2029-03-01T02:59:59Z", -180},
        {"AAA3BBB,59/0,299/0", "2029-03-01T03:00:00Z", -120},
        {"NZST-12NZDT,M9.5.0,M4.1.0/3", "2031-01-01", 780},     /* summer over New Year */
        {"XXX3EDT4,0/0,J365/23", "2030-01-01T02:59:59Z", -240}, /* summer all year: RFC 8536, 3.3.1 */
        {"XXX3EDT4,0/0,J365/23", "2030-01-01T03:00:00Z", -240},
        {"XXX3EDT4,0/0,J365/23", "2030-12-31T23:00:00Z", -240},
        {"AAA0BBB,M12.5.0/167,M6.1.0", "2031-01-04T22:59:59Z", 0}, /* from Sunday's midnight into the next year */
        {"AAA0BBB,M12.5.0/167,M6.1.0", "2031-01-04T23:00:00Z", 60},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        struct zone z;
        struct err e = {0};
        put_file(&b, '3', rows[i].rule);
        assert_ok(read_bytes(buf_str(&b), &z, &e), e);
        int32_t got = zone_offset(&z, at(rows[i].at));
        if (got / 60 != rows[i].minutes)
            fail_msg("%s at %s: %d", rows[i].rule, rows[i].at, got / 60);
        buf_done(&b);
    }
}

TEST(a_summer_without_end_has_no_changes)
{
    struct buf b;
    struct zone z;
    struct err e = {0};
    put_file(&b, '3', "XXX3EDT4,0/0,J365/23");
    assert_ok(read_bytes(buf_str(&b), &z, &e), e);
    assert_int_equal(zone_next_change(&z, at("2030-01-01"), INT64_MAX), 0);
    buf_done(&b);
}

/* Summer begins in a year's last week, by a time that lies in the next year, and ends before: the next year's end comes
 * first. */
TEST(years_that_overlap)
{
    struct buf b;
    struct zone z;
    struct err e = {0};
    put_file(&b, '3', "AAA0BBB,M12.5.0/167,J2/0");
    assert_ok(read_bytes(buf_str(&b), &z, &e), e);
    assert_int_equal(zone_next_change(&z, at("2030-06-01"), INT64_MAX), at("2031-01-01T23:00:00Z"));
    assert_int_equal(zone_next_change(&z, at("2031-01-01T23:00:00Z"), INT64_MAX), at("2031-01-04T23:00:00Z"));
    buf_done(&b);
}

TEST(rules_that_are_none)
{
    static const char *const rules[] = {
        "EST",
        "5",
        "EST5EDT",
        "ES5",
        "<-0>3",
        "<-03",
        "<-03>",
        "EST25",
        "EST5:60",
        "EST5:00:60",
        "EST5 ",
        "EST5EDT,M3.2.0",
        "EST5EDT,M3.2.0,",
        "EST5EDT,M0.2.0,M11.1.0",
        "EST5EDT,M13.2.0,M11.1.0",
        "EST5EDT,M3.6.0,M11.1.0",
        "EST5EDT,M3.0.0,M11.1.0",
        "EST5EDT,M3.2.7,M11.1.0",
        "EST5EDT,J0,J300",
        "EST5EDT,J366,J300",
        "EST5EDT,366,300",
        "EST5EDT,M3.2.0/168,M11.1.0",
        "EST5EDT,M3.2.0/-168,M11.1.0",
        "EST5EDT,M3.2.0,M11.1.0,",
        "EST5EDT,M3.2.0/,M11.1.0",
        "EST5EDT,M3.2,M11.1.0",
        "EST5EDT,M3.2.0;M11.1.0",
        "EST+-5",
        "\x01",
        "EST0005",
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct buf b;
        struct zone z = {.n = 77};
        struct err e = {0};
        put_file(&b, '2', rules[i]);
        if (read_bytes(buf_str(&b), &z, &e) != WL_EINVAL || z.n != 77 || e.text[0] == '\0')
            fail_msg("\"%s\" was read", rules[i]);
        buf_done(&b);
    }
}

TEST(damaged_files)
{
    for (int version = 0; version < 2; version++) {
        struct buf b;
        struct zone z = {.n = 77};
        struct err e = {0};
        put_file(&b, version ? '2' : '\0', version ? "EST5EDT,M3.2.0,M11.1.0" : NULL);
        assert_ok(read_bytes(buf_str(&b), &z, &e), e);
        z.n = 77;
        for (size_t cut = 0; cut < b.len; cut++) {
            char *exact = malloc(cut + 1); /* so that a read beyond is seen */
            memcpy(exact, b.data, cut);
            exact = realloc(exact, cut ? cut : 1);
            if (read_bytes((struct str){exact, cut}, &z, NULL) != WL_EINVAL || z.n != 77)
                fail_msg("the first %zu bytes were read", cut);
            free(exact);
        }
        for (size_t i = 0; i < b.len; i++)
            for (int bit = 0; bit < 8; bit++) { /* refused, or another sound file */
                b.data[i] = (char)(b.data[i] ^ 1 << bit);
                struct zone other;
                if (read_bytes(buf_str(&b), &other, NULL) == 0)
                    for (int64_t t = -4; t < 4; t++) {
                        int32_t offset = zone_offset(&other, t * 700000000000);
                        assert_true(offset > -100000 && offset < 100000);
                        zone_next_change(&other, t * 700000000000, INT64_MAX);
                    }
                b.data[i] = (char)(b.data[i] ^ 1 << bit);
            }
        buf_done(&b);
    }
    struct zone z;
    assert_int_equal(read_bytes(STR("TZif"), &z, NULL), WL_EINVAL);
    static char large[ZONE_FILE_MAX + 1] = "TZif2";
    assert_int_equal(read_bytes((struct str){large, sizeof large}, &z, NULL), WL_ETOOBIG);
}

/* ---- a folder ---- */

static void write_file(const char *folder, const char *name, struct str bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    fclose(f);
}

TEST(a_folder_with_all_kinds_of_files)
{
    char folder[] = "/tmp/wl-zone-XXXXXX", path[512];
    struct zones *z = NULL;
    struct err e = {0};
    struct buf sound;
    const struct zone *of[8];
    assert_non_null(mkdtemp(folder));
    put_file(&sound, '2', "<-03>3");
    assert_int_equal(zones_load(&z, "/nowhere/at/all", &e), WL_ENOTFOUND);
    assert_int_equal(zones_load(&z, folder, &e), WL_ENOTFOUND); /* empty */
    write_file(folder, "Good", buf_str(&sound));
    assert_int_equal(zones_load(&z, folder, &e), WL_ENOTFOUND); /* no zone.tab */
    assert_null(z);
    write_file(folder, "Cut", (struct str){sound.data, 60});
    write_file(folder, "Empty", STR(""));
    write_file(folder, "leapseconds", STR("not a zone"));
    write_file(folder, "+VERSION", STR("2031z\n"));
    write_file(folder, "zone.tab",
               STR("# a comment\nAA\t+00+000\tGood\tall of it\nBB\t+00+000\tGood\nBB\t+00+000\tCut\nnonsense\n"
                   "CC\t+00+000\tGone\nA\t+00+000\tGood\nAA\t+00+000\tAmerica/Good\n"));
    snprintf(path, sizeof path, "%s/America", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file(folder, "America/Good", buf_str(&sound));
    snprintf(path, sizeof path, "%s/America/Loop", folder);
    assert_int_equal(symlink(".", path), 0); /* folders in folders without end */
    snprintf(path, sizeof path, "%s/Nothing", folder);
    assert_int_equal(symlink("nowhere", path), 0);
    assert_ok(zones_load(&z, folder, &e), e);
    assert_string_equal(zones_version(z), "2031z");
    assert_int_equal(zones_damaged(z), 4); /* Cut, Empty, Nothing; Gone of zone.tab, which has Cut too */
    for (size_t i = 0; i < 3; i++)         /* in the order of the folder */
        if (strcmp(zones_damaged_name(z, i), "Cut") != 0 && strcmp(zones_damaged_name(z, i), "Empty") != 0)
            assert_string_equal(zones_damaged_name(z, i), "Nothing");
    assert_string_equal(zones_damaged_name(z, 3), "Gone");
    assert_string_equal(zones_damaged_name(z, 4), "");
    assert_non_null(zone_find(z, STR("America/Good")));
    assert_null(zone_find(z, STR("Cut")));
    assert_int_equal(zones_of_country(z, "AA", of, 8), 2);
    assert_string_equal(zone_name(of[0]), "Good");
    assert_string_equal(zone_name(of[1]), "America/Good");
    assert_int_equal(zones_of_country(z, "BB", of, 8), 0); /* one of its zones is missing: nobody knows */
    assert_int_equal(zones_of_country(z, "CC", of, 8), 0);
    zones_free(z);
    buf_done(&sound);
    arena_free(arena);
    char command[600];
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

TESTS(T(local_time_as_it_was_and_will_be), T(what_changes_next), T(names_and_countries), T(every_version),
      T(rules_for_later_years), T(a_summer_without_end_has_no_changes), T(years_that_overlap), T(rules_that_are_none),
      T(damaged_files), T(a_folder_with_all_kinds_of_files))

/* SPDX-License-Identifier: Apache-2.0
 * test_consent_record.c - the same event gives the same bytes, for ever.
 *
 * Entries of the log commit to these bytes and proofs are in other people's hands: a record that is written in another way, however
 * well, makes every proof of before look forged. So the texts below are never edited; another way is another schema_version. */
#include "t.h"

#include "base/digest.h"
#include "core/consent_record.h"
#include "core/leaf.h"

#define AT 1700000000123

static struct str write(const struct consent_record *r, struct buf *out)
{
    struct err e = {0};
    buf_clear(out);
    assert_ok(consent_record_write(r, out, &e), e);
    return buf_str(out);
}

TEST(a_whole_record_never_changes)
{
    struct buf out;
    uint8_t notice[SHA256_BYTES];
    buf_init(&out, CONSENT_RECORD_MAX + 1);
    sha256("Yes", 3, notice);
    const struct consent_record r = {.id = STR("m0d1a55b4kc000g0"),
                                     .subject = STR("phone:15550001111"),
                                     .event = {.act = CONSENT_GRANT,
                                               .scope =
                                                   CONSENT_SCOPE(CATEGORY_MARKETING) | CONSENT_SCOPE(CATEGORY_UTILITY),
                                               .at = AT,
                                               .rank = CONSENT_RANK_CAPTURED,
                                               .until = AT + 1000},
                                     .recorded_at = AT + 1,
                                     .method = STR("web_form"),
                                     .source = STR("https://shop.example/join?a=1&b=2"),
                                     .language = STR("de"),
                                     .evidence = STR("{\"ip\":\"192.0.2.1\"}\n\x01 – ü \xff"),
                                     .actor = STR("key:shop"),
                                     .business = STR("Beispiel / \"Shop\" GmbH"),
                                     .policy = STR("2026-01"),
                                     .jurisdiction = STR("DE-BY"),
                                     .notice = notice,
                                     .sender = 106540352242922};
    assert_str(write(&r, &out),
               "{\"schema_version\":\"wayleave-consent-1\",\"record_id\":\"m0d1a55b4kc000g0\",\"pii_principal_id\":"
               "\"phone:15550001111\",\"pii_controller\":\"Beispiel / \\\"Shop\\\" GmbH\",\"privacy_notice\":{\"sha2"
               "56\":\"85a39ab345d672ff8ca9b9c6876f3adcacf45ee7c1e2dbd2408fd338bd55e07e\",\"language\":\"de\",\"poli"
               "cy_version\":\"2026-01\"},\"purposes\":[\"marketing\",\"utility\"],\"service\":{\"channel\":\"whatsa"
               "pp\",\"phone_number_id\":\"106540352242922\"},\"jurisdiction\":\"DE-BY\",\"event\":{\"event_type\":"
               "\"grant\",\"event_state\":\"given\",\"event_time\":\"2023-11-14T22:13:20.123Z\",\"recorded_time\":\""
               "2023-11-14T22:13:20.124Z\",\"validity_until\":\"2023-11-14T22:13:21.123Z\",\"entity_id\":\"key:shop"
               "\",\"method\":\"web_form\",\"source\":\"https://shop.example/join?a=1&b=2\",\"evidence\":\"{\\\"ip"
               "\\\":\\\"192.0.2.1\\\"}\\n\\u0001 – ü �\"}}");
    uint8_t key[LEAF_KEY_BYTES], salt[SHA256_BYTES], commit[SHA256_BYTES];
    char hex[SHA256_HEX];
    for (int i = 0; i < LEAF_KEY_BYTES; i++)
        key[i] = (uint8_t)i;
    leaf_salt(key, (UINT64_C(1) << 40) + 5, salt);
    leaf_commit(salt, buf_str(&out), commit);
    hex_encode(commit, sizeof commit, hex);
    assert_string_equal(
        hex,
        "4cca4f578d234f0ebce3ed03af97b59b4d047d1f7f33220e05739058a66dbad2"); /* worked out by Python's hmac and hashlib */
    buf_done(&out);
}

/* What is not known is null and never left out; the state of the consent follows from what was done. */
TEST(an_empty_record_has_every_key)
{
    static const struct {
        enum consent_act act;
        const char *type, *state;
    } rows[] = {{CONSENT_GRANT, "grant", "given"},
                {CONSENT_WITHDRAW, "withdraw", "withdrawn"},
                {CONSENT_STOP, "stop", "withdrawn"},
                {CONSENT_RESUME, "resume", "given"}};
    struct buf out;
    buf_init(&out, CONSENT_RECORD_MAX + 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char want[1000];
        const struct consent_record r = {.event = {.act = rows[i].act}};
        snprintf(
            want, sizeof want,
            "{\"schema_version\":\"wayleave-consent-1\",\"record_id\":null,\"pii_principal_id\":null,"
            "\"pii_controller\":null,\"privacy_notice\":{\"sha256\":null,\"language\":null,\"policy_version\":null},"
            "\"purposes\":[],\"service\":{\"channel\":\"whatsapp\",\"phone_number_id\":null},\"jurisdiction\":null,"
            "\"event\":{\"event_type\":\"%s\",\"event_state\":\"%s\",\"event_time\":\"1970-01-01T00:00:00.000Z\","
            "\"recorded_time\":\"1970-01-01T00:00:00.000Z\",\"validity_until\":null,\"entity_id\":null,"
            "\"method\":null,\"source\":null,\"evidence\":null}}",
            rows[i].type, rows[i].state);
        assert_str(write(&r, &out), want);
    }
    buf_done(&out);
}

/* "All" is the four there are, by name and in this order; a set of others is told, too. The rank is in no record. */
TEST(purposes_are_named_one_by_one)
{
    static const struct {
        consent_scope scope;
        const char *purposes;
    } rows[] = {
        {CONSENT_ALL, "\"purposes\":[\"marketing\",\"utility\",\"authentication\",\"calls\"],"},
        {CONSENT_SCOPE(CATEGORY_CALLS), "\"purposes\":[\"calls\"],"},
        {CONSENT_SCOPE(CATEGORY_SERVICE) | CONSENT_SCOPE(CATEGORY_MARKETING),
         "\"purposes\":[\"service\",\"marketing\"],"},
        {0, "\"purposes\":[],"},
    };
    struct buf out;
    buf_init(&out, CONSENT_RECORD_MAX + 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct consent_record r = {.event = {.act = CONSENT_GRANT, .scope = rows[i].scope, .at = AT}};
        assert_non_null(strstr(write(&r, &out).p, rows[i].purposes));
        size_t n = out.len;
        r.event.rank = CONSENT_RANK_CONFIRMED;
        assert_int_equal(write(&r, &out).n, n);
    }
    buf_done(&out);
}

TEST(the_largest_number_fits)
{
    struct buf out;
    buf_init(&out, CONSENT_RECORD_MAX + 1);
    const struct consent_record r = {.event = {.act = CONSENT_GRANT, .at = AT}, .sender = INT64_MAX};
    assert_non_null(strstr(write(&r, &out).p, "\"phone_number_id\":\"9223372036854775807\"}"));
    buf_done(&out);
}

TEST(a_record_has_a_size)
{
    static char text[CONSENT_RECORD_MAX];
    struct consent_record r = {.event = {.act = CONSENT_GRANT, .at = AT}};
    struct err e = {0};
    struct buf out;
    buf_init(&out, 4 * CONSENT_RECORD_MAX);
    size_t bare = write(&r, &out).n + 2 - 4; /* null becomes two quotes */
    memset(text, 'x', sizeof text);
    r.evidence = (struct str){text, CONSENT_RECORD_MAX - bare};
    assert_int_equal(write(&r, &out).n, CONSENT_RECORD_MAX);
    r.evidence.n++;
    buf_clear(&out);
    assert_int_equal(consent_record_write(&r, &out, &e), WL_ETOOBIG);
    buf_done(&out);
    buf_init(&out, 100); /* a buffer too small is told as well */
    r.evidence.n = 1;
    assert_int_equal(consent_record_write(&r, &out, &e), WL_ETOOBIG);
    buf_done(&out);
}

TESTS(T(a_whole_record_never_changes), T(an_empty_record_has_every_key), T(purposes_are_named_one_by_one),
      T(the_largest_number_fits), T(a_record_has_a_size))

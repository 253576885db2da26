/* SPDX-License-Identifier: Apache-2.0
 * test_config_value.c - every type of setting: what it accepts, what it refuses and how it says so. */
#include "t.h"

#include "cmd/config.h"

static const struct {
    enum config_type type;
    int64_t min, max;
    const char *text;
    int64_t number;   /* for numbers */
    const char *kept; /* for texts; NULL: `says` */
    const char *says; /* the refusal */
} rows[] = {
    {CONFIG_SAYING, 0, 0, "News of {business}? {}", 0, "News of {business}? {}", NULL},
    {CONFIG_SAYING, 0, 0, "Hello {name}, from {business}", 0, NULL,
     "must not have {name}: the only placeholder is {business}"},
    {CONFIG_SAYING, 0, 0, "Hello {{1}}", 0, NULL, "must not have {1}"},
    {CONFIG_METHODS, 0, 0, "web_form, Paper,,crm,app", 0, "web_form, Paper,,crm,app", NULL},
    {CONFIG_METHODS, 0, 0, "paper, webform", 0, NULL, "must not have \"webform\": did you mean web_form?"},
    {CONFIG_METHODS, 0, 0, "In person", 0, NULL, "did you mean in_person?"},
    {CONFIG_METHODS, 0, 0, "web_from", 0, NULL, "did you mean web_form?"},
    {CONFIG_METHODS, 0, 0, "whatsapp_flow,import_2024", 0, "whatsapp_flow,import_2024", NULL},
    {CONFIG_ADDRESS, 0, 0, "127.0.0.1:8080", 0, "127.0.0.1:8080", NULL},
    {CONFIG_ADDRESS, 0, 0, "[::1]:0", 0, "[::1]:0", NULL},
    {CONFIG_ADDRESS, 0, 0, "[::1]:65535", 0, "[::1]:65535", NULL},
    {CONFIG_ADDRESS, 0, 0, "localhost:8080", 0, NULL, "numeric address"},
    {CONFIG_ADDRESS, 0, 0, "::1:8080", 0, NULL, "numeric address"},
    {CONFIG_ADDRESS, 0, 0, ":8080", 0, NULL, "an address and a port"},
    {CONFIG_ADDRESS, 0, 0, "8080", 0, NULL, "an address and a port"},
    {CONFIG_ADDRESS, 0, 0, "127.0.0.1:", 0, NULL, "an address and a port"},
    {CONFIG_ADDRESS, 0, 0, "127.0.0.1:65536", 0, NULL, "an address and a port"},
    {CONFIG_ADDRESS, 0, 0, "127.0.0.1:-1", 0, NULL, "an address and a port"},
    {CONFIG_ADDRESS, 0, 0, "[]:1", 0, NULL, "an address and a port"},
    {CONFIG_ADDRESS, 0, 0, "]:1", 0, NULL, "numeric address"},
    {CONFIG_ORIGIN, 0, 0, "https://graph.facebook.com/", 0, "https://graph.facebook.com", NULL},
    {CONFIG_ORIGIN, 0, 0, "http://127.0.0.1:9090", 0, "http://127.0.0.1:9090", NULL},
    {CONFIG_ORIGIN, 0, 0, "graph.facebook.com", 0, NULL, "http:// or https://"},
    {CONFIG_ORIGIN, 0, 0, "https://", 0, NULL, "http:// or https://"},
    {CONFIG_ORIGIN, 0, 0, "https://a?b", 0, NULL, "without '?'"},
    {CONFIG_URL, 0, 0, "http://127.0.0.1:3000/hook/", 0, "http://127.0.0.1:3000/hook/", NULL},
    {CONFIG_URL, 0, 0, "http://user:pass@host/", 0, NULL, "without a password"},
    {CONFIG_URL, 0, 0, "http://host/a b", 0, NULL, "http:// or https://"},
    {CONFIG_URL, 0, 0, "ftp://host/", 0, NULL, "http:// or https://"},
    {CONFIG_URL_PATH, 0, 0, "/webhook", 0, "/webhook", NULL},
    {CONFIG_URL_PATH, 0, 0, "webhook", 0, NULL, "a path such as /webhook"},
    {CONFIG_URL_PATH, 0, 0, "/", 0, NULL, "a path such as /webhook"},
    {CONFIG_STORE, 0, 0, "sqlite:/a/b.db", 0, "sqlite:/a/b.db", NULL},
    {CONFIG_STORE, 0, 0, "postgres://db/x", 0, NULL, "not supported yet"},
    {CONFIG_COUNT, 1, 4, "4", 4, "", NULL},
    {CONFIG_COUNT, 1, 4, "0", 0, NULL, "a number from 1 to 4"},
    {CONFIG_COUNT, 1, 4, "5", 0, NULL, "a number from 1 to 4"},
    {CONFIG_COUNT, 1, 4, "two", 0, NULL, "a number from 1 to 4"},
    {CONFIG_COUNT, 1, 4, "1.5", 0, NULL, "a number from 1 to 4"},
    {CONFIG_ITEMS, 1, 100000, "4096", 4096, "", NULL},
    {CONFIG_SIZE, 1, 1 << 30, "4096", 4096, "", NULL},
    {CONFIG_SIZE, 1, 1 << 30, "1MiB", 1 << 20, "", NULL},
    {CONFIG_SIZE, 1, 1 << 30, "105MB", 105000000, "", NULL},
    {CONFIG_SIZE, 1, 1 << 30, "512 KiB", 512 << 10, "", NULL},
    {CONFIG_SIZE, 1, 1 << 30, "1MIB", 0, NULL, "a size such as"},
    {CONFIG_SIZE, 1, 1 << 30, "MiB", 0, NULL, "a size such as"},
    {CONFIG_SIZE, 1, 1 << 30, "-1MiB", 0, NULL, "a size such as"},
    {CONFIG_SIZE, 1, 1 << 30, "9999999999GiB", 0, NULL, "a size such as"},
    {CONFIG_SIZE, 1024, 4096, "8KiB", 0, NULL, "from 1024 to 4096 bytes"},
    {CONFIG_MILLIS, 0, 60000, "2s", 2000, "", NULL},
    {CONFIG_MILLIS, 0, 60000, "250ms", 250, "", NULL},
    {CONFIG_MILLIS, 0, 60000, "0", 0, "", NULL},
    {CONFIG_MILLIS, 0, 60000, "20", 0, NULL, "a duration such as"},
    {CONFIG_MILLIS, 0, 60000, "2 weeks", 0, NULL, "a duration such as"},
    {CONFIG_MILLIS, 10000, 60000, "1s", 0, NULL, "from 10s to 1m"},
    {CONFIG_SECONDS, 1, 3600, "75s", 75, "", NULL},
    {CONFIG_SECONDS, 1, 3600, "2m", 120, "", NULL},
    {CONFIG_SECONDS, 1, 3600, "1500ms", 0, NULL, "whole seconds"},
    {CONFIG_SECONDS, 1, 3600, "2h", 0, NULL, "from 1s to 1h"},
    {CONFIG_ID, 1, INT64_MAX, "106540352242922", 106540352242922, "", NULL},
    {CONFIG_ID, 1, INT64_MAX, "+15550100", 0, NULL, "not the phone number"},
    {CONFIG_ID, 1, INT64_MAX, "99999999999999999999", 0, NULL, "an id of digits"},
    {CONFIG_BOOL, 0, 0, "true", 1, "", NULL},
    {CONFIG_BOOL, 0, 0, "false", 0, "", NULL},
    {CONFIG_BOOL, 0, 0, "yes", 0, NULL, "true or false"},
    {CONFIG_WORD, 0, 0, "warn", 1, "", NULL},
    {CONFIG_WORD, 0, 0, "loud", 0, NULL, "one of: error warn info"},
};

/* The field as its type stores it. */
static int64_t stored(enum config_type type, const void *p)
{
    union {
        bool b;
        unsigned u;
        int i;
        size_t z;
        int64_t n;
    } v;
    memcpy(&v, p, sizeof v);
    return type == CONFIG_BOOL                              ? v.b
           : type == CONFIG_COUNT || type == CONFIG_SECONDS ? v.u
           : type == CONFIG_WORD                            ? v.i
           : type == CONFIG_ITEMS || type == CONFIG_SIZE    ? (int64_t)v.z
                                                            : v.n;
}

TEST(values)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct config_key key = {
            .path = "k", .type = rows[i].type, .min = rows[i].min, .max = rows[i].max, .words = "error warn info"};
        struct arena *a = arena_create(65536);
        struct err e = {0};
        char into[16] = {0};
        int rc = config_value_read(&key, rows[i].text, into, a, &e);
        if (rows[i].says) {
            if (rc != WL_EINVAL || strstr(e.text, rows[i].says) == NULL || strncmp(e.text, "must ", 5) != 0)
                fail_msg("%s: %d \"%s\", want \"%s\"", rows[i].text, rc, e.text, rows[i].says);
        } else if (rc != 0) {
            fail_msg("%s: %s", rows[i].text, e.text);
        } else if (*rows[i].kept) {
            const char *text;
            memcpy(&text, into, sizeof text);
            assert_string_equal(text, rows[i].kept);
        } else {
            assert_int_equal(stored(rows[i].type, into), rows[i].number);
        }
        arena_free(a);
    }
}

/* A default that its own type refuses would make the program unstartable. */
TEST(every_default_is_right)
{
    struct arena *a = arena_create(65536);
    for (const struct config_key *k = config_keys; k->path; k++) {
        char into[16];
        struct err e = {0};
        if (k->fallback)
            assert_ok(config_value_read(k, k->fallback, into, a, &e), e);
        if (k->sample && config_value_read(k, k->sample, into, a, &e) != 0)
            fail_msg("sample of %s %s", k->path, e.text);
        assert_true(strlen(k->help) > 0);
    }
    arena_free(a);
}

TESTS(T(values), T(every_default_is_right))

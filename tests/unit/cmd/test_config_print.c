/* SPDX-License-Identifier: Apache-2.0
 * test_config_print.c - what is shown of a configuration: every key, every origin, never a secret. */
#include "t.h"

#include <unistd.h>

#include "base/json.h"
#include "cmd/config.h"

static const char *const secrets[] = {
    "webhook.app_secret=hush-hush",          "webhook.verify_token=hush-hush",
    "webhook.forward_secret=hush-hush",      "webhook.forward_url=http://127.0.0.1:1/",
    "senders.111.token_file=/nowhere",       "webhook.apps.5.app_secret=hush-hush2",
    "webhook.apps.5.verify_token=hush-hush", NULL};

static struct config *load(const char *file, const char *const *set)
{
    const struct config_source from = {.file = file, .set = set};
    struct config *c;
    struct err e = {0};
    assert_ok(config_load(&c, &from, &e), e);
    return c;
}

static char *text_of(void (*print)(FILE *))
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    print(f);
    fclose(f);
    return text;
}

TEST(no_secret_is_ever_printed)
{
    struct config *c = load(NULL, secrets);
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    config_print(c, f);
    fclose(f);
    assert_null(strstr(text, "hush"));
    assert_non_null(strstr(text, "(set)"));
    assert_non_null(strstr(text, "senders.111.token_file"));
    assert_non_null(strstr(text, "webhook.apps.5.app_secret "));
    free(text);
    struct buf b;
    struct json_out out;
    buf_init(&b, 1u << 20);
    json_out_init(&out, &b);
    config_json(c, &out);
    assert_false(b.failed);
    assert_null(strstr(buf_cstr(&b), "hush"));
    assert_non_null(strstr(buf_cstr(&b), "\"webhook.app_secret\":{\"set\":true,\"origin\":\"--set\"}"));
    assert_non_null(strstr(buf_cstr(&b), "\"webhook.path\":{\"value\":\"/webhook\",\"origin\":\"default\"}"));
    struct json_parser *p = json_parser_create();
    struct json v;
    struct err e = {0};
    assert_ok(json_parse(p, buf_str(&b), false, &v, &e), e);
    json_parser_free(p);
    buf_done(&b);
    config_free(c);
}

/* The sample as printed changes nothing; with every '#' before a key taken off it is a configuration too. */
TEST(the_sample_is_a_configuration)
{
    char path[] = "/tmp/wayleave-sample-XXXXXX";
    int fd = mkstemp(path);
    char *sample = text_of(config_sample);
    assert_int_equal(write(fd, sample, strlen(sample)), strlen(sample));
    struct config *c = load(path, NULL);
    for (const struct config_value *v = c->values; v; v = v->next)
        assert_false(v->explicit);
    config_free(c);
    assert_int_equal(ftruncate(fd, 0), 0);
    lseek(fd, 0, SEEK_SET);
    int keys = 0;
    for (struct str rest = str_of(sample); rest.n > 0;) {
        struct str line = str_cut(rest, '\n', &rest), text = str_trim(line);
        size_t indent = (size_t)(text.n ? text.p - line.p : 0);
        bool comment = text.n > 2 && text.p[1] == ' ' && text.p[2] != ' ';
        if (text.n < 2 || comment || str_ends(text, STR(": ...")))
            continue;
        keys++;
        dprintf(fd, "%*s%.*s\n", (int)indent, "", (int)text.n - 1, text.p + 1);
    }
    c = load(path, NULL);
    assert_true(keys > 35);
    assert_int_equal(c->gateway.n_webhook_apps, 1);
    assert_int_equal(c->gateway.webhook_apps[0].id, 905114832094716);
    assert_int_equal(c->gateway.webhook_app_id, 670843887433847);
    assert_int_equal(c->gateway.n_senders, 1);
    assert_int_equal(c->gateway.senders[0].waba, 102290129340398);
    assert_string_equal(c->gateway.listen_tls, "0.0.0.0:8443");
    config_free(c);
    free(sample);
    close(fd);
    unlink(path);
}

TEST(every_key_is_in_every_document)
{
    char *const documents[] = {text_of(config_sample), text_of(config_markdown), text_of(config_man)};
    for (const struct config_key *k = config_keys; k->path; k++) {
        const char *dot = strrchr(k->path, '.');
        assert_non_null(strstr(documents[0], dot ? dot + 1 : k->path));
        assert_non_null(strstr(documents[1], k->path));
        assert_non_null(strstr(documents[2], k->path));
        assert_non_null(strstr(documents[1], k->help));
    }
    for (size_t i = 0; i < 3; i++)
        free(documents[i]);
}

TESTS(T(no_secret_is_ever_printed), T(the_sample_is_a_configuration), T(every_key_is_in_every_document))

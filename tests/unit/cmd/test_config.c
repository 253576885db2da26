/* SPDX-License-Identifier: Apache-2.0
 * test_config.c - files, conf.d, environment and --set merged; mistakes named with file, line and key. */
#include "t.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/config.h"

static char dir[64];

static const char *in_dir(const char *name)
{
    static char path[4][256];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(in_dir(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(in_dir(name), 0600);
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/wayleave-config-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const files[] = {
        "w.yaml", "conf.d/10.yaml", "conf.d/20.yaml", "conf.d/.hidden.yaml", "conf.d/x.txt", "conf.d", "s",
        "tok",    "empty"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        remove(in_dir(files[i]));
    return rmdir(dir);
}

static int load(struct config **c, const char *file, char *const *env, const char *const *set, bool secrets,
                struct err *e)
{
    const struct config_source from = {.file = file, .environ = env, .set = set, .secrets = secrets};
    *e = (struct err){0};
    return config_load(c, &from, e);
}

TEST(mistakes_about_approvers)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"approvers:\n  - key_file: tok\n", ":2: every entry of approvers wants a name: who it is"},
        {"approvers:\n  - name: Ada Long\n    key_file: tok\n",
         ":2: approvers[].name must be 1 to 64 bytes without a space"},
        {"approvers:\n  - name: ada\n", "approver ada has no key_file"},
        {"approvers:\n  - name: Runner\n    key_file: tok\n", "nobody can be called Runner"},
        {"approvers:\n  - name: ada\n    key_file: tok\n  - name: ADA\n    key_file: tok\n",
         ":4: approver ADA is listed twice, first on line 2"},
        {"approvers:\n  - name: ada\n    key: 0123456789abcdef\n", ":3: there is no key approvers[].key"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config *c;
        struct err e;
        put("w.yaml", rows[i].text);
        int rc = load(&c, in_dir("w.yaml"), NULL, NULL, true, &e);
        if (rc != WL_EINVAL || strstr(buf_cstr(&c->problems), rows[i].says) == NULL)
            fail_msg("%s\ngot  %s\nwant %s", rows[i].text, buf_cstr(&c->problems), rows[i].says);
        config_free(c);
    }
}

TEST(approvers_have_keys_of_their_own)
{
    static const char *const set[] = {"approvers.ada.key_file=/nowhere", "campaigns.second_person_above=5", NULL};
    struct config *c;
    struct err e;
    put("w.yaml", "approvers:\n  - name: Ada\n    key_file: tok\n  - name: bo\n    key_file: s\n");
    put("tok", "0123456789abcdef\n");
    put("s", "fedcba9876543210\n");
    assert_ok(load(&c, in_dir("w.yaml"), NULL, NULL, true, &e), e);
    assert_int_equal(c->gateway.second_person_above, 1000);
    assert_int_equal(c->gateway.n_approvers, 2);
    assert_string_equal(c->gateway.approvers[0].name, "Ada");
    assert_string_equal(c->gateway.approvers[0].key, "0123456789abcdef");
    assert_string_equal(c->gateway.approvers[1].name, "bo");
    config_free(c);
    assert_int_equal(load(&c, in_dir("w.yaml"), NULL, set, true, &e), WL_EINVAL); /* Ada is ada */
    assert_non_null(strstr(e.text, "/nowhere"));
    assert_int_equal(c->gateway.n_approvers, 2);
    assert_int_equal(c->gateway.second_person_above, 5);
    config_free(c);
    put("s", "0123456789abcdef\n");
    assert_int_equal(load(&c, in_dir("w.yaml"), NULL, NULL, true, &e), WL_EINVAL);
    assert_non_null(strstr(e.text, "approvers Ada and bo have the same key"));
    config_free(c);
    put("s", "short\n");
    assert_int_equal(load(&c, in_dir("w.yaml"), NULL, NULL, true, &e), WL_EINVAL);
    assert_non_null(strstr(e.text, "approver bo: a key needs at least 16 characters"));
    config_free(c);
}

TEST(no_file_at_all)
{
    struct config *c;
    struct err e;
    char *env[] = {(char[]){"STATE_DIRECTORY=/var/lib/wayleave:/other"}, (char[]){"HOME=/root"}, NULL};
    assert_ok(load(&c, NULL, NULL, NULL, false, &e), e);
    assert_string_equal(c->gateway.listen, "127.0.0.1:8080");
    assert_string_equal(c->gateway.state_dir, "wayleave-data");
    assert_string_equal(c->gateway.upstream_url, "https://graph.facebook.com");
    assert_non_null(strstr(c->gateway.rules_file, "rules/whatsapp-platform.yaml"));
    assert_int_equal(c->gateway.max_json_bytes, 1 << 20);
    assert_int_equal(c->gateway.max_media_bytes, 105000000);
    assert_int_equal(c->gateway.hold_budget_ms, 2000);
    assert_int_equal(c->gateway.http_threads, 2);
    assert_true(c->gateway.rewrite_links);
    assert_null(c->gateway.webhook_app_secret);
    assert_null(c->gateway.store_url);
    assert_int_equal(c->gateway.n_senders, 0);
    config_free(c);
    assert_ok(load(&c, NULL, env, NULL, false, &e), e);
    assert_string_equal(c->gateway.state_dir, "/var/lib/wayleave");
    config_free(c);
}

TEST(later_sources_win_and_say_so)
{
    struct config *c;
    struct err e;
    mkdir(in_dir("conf.d"), 0700);
    put("w.yaml", "listen: 127.0.0.1:1\nwebhook:\n  path: /a\n  app_secret_file: s\nstate_dir: data\nhold_budget: 1s\n"
                  "limits:\n  queue: 100\nsenders:\n  - id: 111\n    token_file: tok\n  - id: 112\n");
    put("conf.d/20.yaml", "webhook:\n  path: /c\nsenders:\n  - id: 113\n");
    put("conf.d/10.yaml", "webhook:\n  path: /b\nlisten: 127.0.0.1:2\nsenders:\n  - id: 112\n    waba: 9\n");
    put("conf.d/.hidden.yaml", "nonsense: 1\n");
    put("conf.d/x.txt", "nonsense: 1\n");
    put("s", "  the-secret\n");
    put("tok", "t\n");
    char *env[] = {(char[]){"WAYLEAVE__LIMITS__QUEUE=200"}, (char[]){"WAYLEAVE__SENDERS__111__WABA=7"},
                   (char[]){"WAYLEAVE_URL=http://x"}, NULL};
    const char *set[] = {"limits.queue=300", "hold_budget=", NULL};
    assert_ok(load(&c, in_dir("w.yaml"), env, set, true, &e), e);
    assert_string_equal(c->gateway.listen, "127.0.0.1:2");
    assert_string_equal(c->gateway.webhook_path, "/c");
    assert_int_equal(c->gateway.max_queue, 300);
    assert_int_equal(c->gateway.hold_budget_ms, 2000); /* taken away again: the default */
    assert_string_equal(c->gateway.webhook_app_secret, "the-secret");
    assert_string_equal(c->gateway.state_dir, in_dir("data")); /* relative to the file */
    assert_int_equal(c->gateway.n_senders, 3);
    assert_int_equal(c->gateway.senders[0].id, 111);
    assert_int_equal(c->gateway.senders[0].waba, 7);
    assert_string_equal(c->gateway.senders[0].token_file, in_dir("tok"));
    assert_int_equal(c->gateway.senders[1].id, 112);
    assert_int_equal(c->gateway.senders[1].waba, 9);
    assert_int_equal(c->gateway.senders[2].id, 113);
    assert_null(c->gateway.senders[2].token_file);
    char want[300];
    snprintf(want, sizeof want, "%s:2", in_dir("conf.d/20.yaml"));
    assert_string_equal(config_get(c, "webhook.path")->origin, want);
    assert_string_equal(config_get(c, "limits.queue")->origin, "--set");
    assert_string_equal(config_get(c, "limits.threads")->origin, "default");
    assert_string_equal(config_get(c, "hold_budget")->origin, "default");
    assert_non_null(strstr(buf_cstr(&c->warnings), "sender 112 has no token_file"));
    config_free(c);
}

static void check_paths(const struct path_list *l, const char *const *want)
{
    for (size_t i = 0; i < l->n || want[i] != NULL; i++) {
        assert_true(i < l->n && want[i] != NULL);
        size_t n = strlen(l->path[i]), m = strlen(want[i]);
        if (n < m || strcmp(l->path[i] + n - m, want[i]) != 0)
            fail_msg("got %s, want %s", l->path[i], want[i]);
    }
}

TEST(rules_are_one_file_or_several)
{
    struct config *c;
    struct err e;
    put("w.yaml", "rules: mine.yaml\n");
    const char *set[] = {"rules.laws=fr,br", "rules=other.yaml", "rules.shadow=", NULL};
    assert_ok(load(&c, in_dir("w.yaml"), NULL, NULL, false, &e), e);
    assert_string_equal(c->gateway.rules_file, in_dir("mine.yaml"));
    check_paths(&c->gateway.rules_laws, (const char *const[]){NULL});
    config_free(c);
    put("w.yaml", "rules:\n  platform: mine.yaml\n  laws: [co, ./law.yaml]\n  policy: p.yaml, q.yaml\n  shadow:\n    "
                  "- /s.yaml\n");
    assert_ok(load(&c, in_dir("w.yaml"), NULL, NULL, false, &e), e);
    assert_string_equal(c->gateway.rules_file, in_dir("mine.yaml"));
    check_paths(&c->gateway.rules_laws, (const char *const[]){"/rules/law/co.yaml", "/./law.yaml", NULL});
    check_paths(&c->gateway.rules_policy, (const char *const[]){"/p.yaml", "/q.yaml", NULL});
    assert_string_equal(c->gateway.rules_policy.path[0], in_dir("p.yaml"));
    check_paths(&c->gateway.rules_shadow, (const char *const[]){"/s.yaml", NULL});
    config_free(c);
    assert_ok(load(&c, in_dir("w.yaml"), NULL, set, false, &e), e);
    assert_string_equal(c->gateway.rules_file, "other.yaml");
    check_paths(&c->gateway.rules_laws, (const char *const[]){"/rules/law/fr.yaml", "/rules/law/br.yaml", NULL});
    check_paths(&c->gateway.rules_shadow, (const char *const[]){NULL});
    config_free(c);
}

TEST(mistakes_in_a_file)
{
    static const struct {
        const char *text, *says; /* after the file's name */
    } rows[] = {
        {"listn: 127.0.0.1:1\n", ":1: there is no key listn; did you mean listen?"},
        {"webhook:\n  app_secrt: x\n", ":2: there is no key webhook.app_secrt; did you mean webhook.app_secret?"},
        {"\napp_secret: x\n", ":2: there is no key app_secret; did you mean webhook.app_secret?"},
        {"webhok:\n  path: /x\n", ":1: there is no key webhok; did you mean webhook?"},
        {"limits:\n  path: /x\n", ":2: there is no key limits.path; did you mean webhook.path?"},
        {"zzzzzzzzzzzzzzz: 1\n",
         ":1: there is no key zzzzzzzzzzzzzzz; wayleave check-config --new-config lists them all"},
        {"listen: 8080\n", ":1: listen must be an address and a port"},
        {"limits:\n  json_body: 1megabyte\n", ":2: limits.json_body must be a size such as"},
        {"hold_budget: 2\n", ":1: hold_budget must be a duration such as"},
        {"rewrite_links: yes\n", ":1: rewrite_links must be true or false"},
        {"upstream:\n  url: graph.facebook.com\n", ":2: upstream.url must be an address beginning with http"},
        {"upstream: https://x\n", ":1: upstream is a section: its keys follow on lines of their own"},
        {"webhook:\n  path:\n    - /x\n", ":2: webhook.path wants one value, not a list"},
        {"listen:\n  port: 1\n", ":1: listen wants one value, not a section"},
        {"- listen\n", ":1: a configuration is a list of keys and values"},
        {"senders: 111\n", ":1: senders wants a list"},
        {"senders:\n  - waba: 1\n", ":2: every entry of senders wants an id"},
        {"senders:\n  - 111\n", ":2: every entry of senders wants an id"},
        {"senders:\n  - id: +15550100\n", ":2: senders[].id must be an id of digits"},
        {"senders:\n  - id: 1\n  - id: 1\n", ":3: sender 1 is listed twice, first on line 2"},
        {"senders:\n  - id: 1\n    tokenfile: x\n",
         ":3: there is no key senders[].tokenfile; did you mean senders[].token_file?"},
        {"listen: a\nlisten: b\n", ":2: "},
        {"listen: [\n", ":2: "},
        {"listen_tls: 127.0.0.1:1\n", ":1: listen_tls needs tls.cert and tls.key"},
        {"webhook:\n  app_secret_file: nowhere\n", ":2: webhook.app_secret_file: "},
        {"webhook:\n  app_secret_file: empty\n", "empty is empty"},
        {"webhook:\n  app_secret: x\n  app_secret_file: empty\n",
         ":3: webhook.app_secret_file and webhook.app_secret ("},
        {"senders:\n  - id: 1\n    token_file: nowhere\n", "cannot be read: No such file"},
        {"webhook:\n  app_id: 5\n", ":2: webhook.app_id needs webhook.app_secret_file"},
        {"webhook:\n  app_id: x\n", ":2: webhook.app_id must be an id of digits"},
        {"webhook:\n  keep: 23h\n", ":2: webhook.keep must be from 24h to 3650d"},
        {"webhook:\n  private_subscribers: 1\n", ":2: webhook.private_subscribers must be true or false"},
        {"webhook:\n  apps: 5\n", ":2: webhook.apps wants a list"},
        {"webhook:\n  apps:\n    - app_secret: x\n", ":3: every entry of webhook.apps wants an id: the app id"},
        {"webhook:\n  apps:\n    - id: 5\n", ":3: app 5 of webhook.apps has no app_secret_file"},
        {"webhook:\n  apps:\n    - id: 5\n      verify_token: x\n", ":3: app 5 of webhook.apps has no app_secret_file"},
        {"webhook:\n  apps:\n    - {id: 5, app_secret: x}\n    - {id: 5, app_secret: y}\n",
         ":4: app 5 is listed twice, first on line 3"},
        {"webhook:\n  app_id: 5\n  app_secret: x\n  apps:\n    - {id: 5, app_secret: y}\n",
         ":5: app 5 is webhook.app_id already"},
        {"webhook:\n  app_secret: x\n  apps:\n    - {id: 5, app_secret: y}\n    - {id: 6, app_secret: x}\n",
         "app 6 of webhook.apps has the app secret of another one"},
        {"webhook:\n  apps:\n    - {id: 5, app_secret: y}\n    - {id: 6, app_secret: y}\n",
         "app 6 of webhook.apps has the app secret of another one"},
        {"webhook:\n  apps:\n    - id: 5\n      app_secret_file: nowhere\n", ":4: webhook.apps[].app_secret_file: "},
        {"webhook:\n  apps:\n    - id: 5\n      app_secret: x\n      app_secret_file: empty\n",
         ":5: webhook.apps[].app_secret_file and webhook.apps[].app_secret ("},
        {"webhook:\n  apps:\n    - id: 5\n      secret: x\n", ":4: there is no key webhook.apps[].secret"},
        {"rules: nowhere\n", ":1: rules.platform: "},
        {"rules:\n  platform: nowhere\n", ":2: rules.platform: "},
        {"rules:\n  laws: [co, narnia]\n", "rules/law/narnia.yaml cannot be read"},
        {"rules:\n  policy:\n    - nowhere\n", ":2: rules.policy: "},
        {"rules:\n  policy:\n    - {a: b}\n", ":3: rules.policy wants paths"},
        {"rules:\n  policy: ['a,b']\n", "rules.policy wants paths without a comma"},
        {"rules:\n  polcy: [a]\n", "did you mean rules.policy?"},
    };
    put("empty", "\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config *c;
        struct err e;
        put("w.yaml", rows[i].text);
        int rc = load(&c, in_dir("w.yaml"), NULL, NULL, true, &e);
        if (rc != WL_EINVAL || strstr(buf_cstr(&c->problems), rows[i].says) == NULL)
            fail_msg("%s\ngot  %s\nwant %s", rows[i].text, buf_cstr(&c->problems), rows[i].says);
        if (rows[i].says[0] == ':' && strstr(e.text, "w.yaml") == NULL)
            fail_msg("no file in \"%s\"", e.text);
        config_free(c);
    }
}

/* Two lists at once, each merged by its own ids. */
TEST(several_apps)
{
    struct config *c;
    struct err e;
    mkdir(in_dir("conf.d"), 0700);
    put("s", " second \n");
    put("tok", "verify-second");
    put("w.yaml", "webhook:\n  app_id: 1\n  app_secret: first\n  keep: 7d\n  private_subscribers: true\n  apps:\n"
                  "    - id: 2\n      app_secret_file: s\nsenders:\n  - id: 2\n    waba: 9\n");
    put("conf.d/10.yaml", "webhook:\n  apps:\n    - id: 3\n    - id: 2\n      verify_token_file: ../tok\n");
    char *env[] = {(char[]){"WAYLEAVE__WEBHOOK__APPS__3__APP_SECRET=third"}, NULL};
    assert_ok(load(&c, in_dir("w.yaml"), env, NULL, true, &e), e);
    const struct gateway_options *g = &c->gateway;
    assert_int_equal(g->webhook_app_id, 1);
    assert_int_equal(g->webhook_keep_ms, 7 * 86400000LL);
    assert_true(g->webhook_private);
    assert_int_equal(g->n_webhook_apps, 2);
    assert_int_equal(g->webhook_apps[0].id, 2);
    assert_string_equal(g->webhook_apps[0].secret, "second");
    assert_string_equal(g->webhook_apps[0].verify_token, "verify-second");
    assert_int_equal(g->webhook_apps[1].id, 3);
    assert_string_equal(g->webhook_apps[1].secret, "third");
    assert_null(g->webhook_apps[1].verify_token);
    assert_int_equal(g->n_senders, 1);
    assert_int_equal(g->senders[0].waba, 9);
    config_free(c);
    put("w.yaml", "webhook:\n  apps:\n    - {id: 4, app_secret: x, verify_token: y}\n");
    remove(in_dir("conf.d/10.yaml"));
    assert_ok(load(&c, in_dir("w.yaml"), NULL, NULL, true, &e), e);
    assert_int_equal(c->gateway.webhook_keep_ms, 30 * 86400000LL);
    assert_null(strstr(buf_cstr(&c->warnings), "webhook."));
    config_free(c);
}

TEST(all_mistakes_at_once)
{
    struct config *c;
    struct err e;
    put("w.yaml", "listn: x\nlisten: y\nhold_budget: z\n");
    assert_int_equal(load(&c, in_dir("w.yaml"), NULL, NULL, false, &e), WL_EINVAL);
    int lines = 0;
    for (const char *p = buf_cstr(&c->problems); *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 3);
    config_free(c);
}

TEST(mistakes_elsewhere)
{
    static const struct {
        const char *env, *set, *says;
    } rows[] = {
        {"WAYLEAVE__LISTN=x", NULL, "environment WAYLEAVE__LISTN: there is no key listn; did you mean listen?"},
        {"WAYLEAVE__WEBHOOK=x", NULL, "webhook is a section"},
        {"WAYLEAVE__SENDERS=x", NULL, "senders.ID.token_file"},
        {"WAYLEAVE__SENDERS__x__WABA=1", NULL, "senders.ID.token_file"},
        {"WAYLEAVE__=x", NULL, "there is no key"},
        {"WAYLEAVE__LIMITS__THREADS=1", NULL,
         "environment WAYLEAVE__LIMITS__THREADS: limits.threads must be a number from 2 to 64"},
        {NULL, "limits.threads", "--set: wants KEY=VALUE"},
        {NULL, "limits.thread=3", "--set: there is no key limits.thread; did you mean limits.threads?"},
        {NULL, "senders[].id=3", "there is no key senders[].id"},
        {NULL, "senders.5.tokenfile=3", "did you mean senders[].token_file?"},
        {NULL, "webhook.apps=3", "a key of one app is written webhook.apps.ID.app_secret_file"},
        {NULL, "webhook.apps.x.app_secret=3", "a key of one app is written webhook.apps.ID.app_secret_file"},
        {NULL, "webhook.apps.5.app_secre=3", "did you mean webhook.apps[].app_secret?"},
        {"WAYLEAVE__WEBHOOK__APPS__5__VERIFY_TOKEN=x", NULL, "APPS__5__VERIFY_TOKEN: app 5 of webhook.apps has no"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config *c;
        struct err e;
        char text[100] = "";
        char *env[] = {text, NULL};
        const char *set[] = {rows[i].set, NULL};
        if (rows[i].env)
            snprintf(text, sizeof text, "%s", rows[i].env);
        int rc = load(&c, NULL, rows[i].env ? env : NULL, set, false, &e);
        if (rc != WL_EINVAL || strstr(e.text, rows[i].says) == NULL)
            fail_msg("%s%s: \"%s\", want \"%s\"", rows[i].env ? rows[i].env : "", rows[i].set ? rows[i].set : "",
                     e.text, rows[i].says);
        config_free(c);
    }
}

TEST(a_named_file_must_exist)
{
    struct config *c = NULL;
    struct err e;
    char variable[200];
    char *env[] = {variable, NULL};
    /* Defaults in the place of a file somebody named would be a gateway nobody asked for. */
    assert_int_equal(load(&c, in_dir("no.yaml"), NULL, NULL, true, &e), WL_EINVAL);
    assert_null(c);
    assert_non_null(strstr(e.text, "no.yaml cannot be read: No such file"));
    put("w.yaml", "listen: 127.0.0.1:3\n");
    snprintf(variable, sizeof variable, "WAYLEAVE_CONFIG=%s", in_dir("w.yaml"));
    assert_ok(load(&c, NULL, env, NULL, false, &e), e);
    assert_string_equal(c->gateway.listen, "127.0.0.1:3");
    config_free(c);
}

TEST(a_client_needs_no_secrets)
{
    struct config *c;
    struct err e;
    put("w.yaml", "webhook:\n  app_secret_file: nowhere\nsenders:\n  - id: 1\n    token_file: nowhere\n");
    assert_ok(load(&c, in_dir("w.yaml"), NULL, NULL, false, &e), e);
    assert_null(c->gateway.webhook_app_secret);
    config_free(c);
}

TEST(credentials_of_the_service_manager)
{
    struct config *c;
    struct err e;
    char variable[200];
    char *env[] = {variable, NULL};
    put("s", "from-systemd\n");
    put("w.yaml", "webhook:\n  app_secret_file: $CREDENTIALS_DIRECTORY/s\n");
    snprintf(variable, sizeof variable, "CREDENTIALS_DIRECTORY=%s", dir);
    assert_ok(load(&c, in_dir("w.yaml"), env, NULL, true, &e), e);
    assert_string_equal(c->gateway.webhook_app_secret, "from-systemd");
    config_free(c);
}

TEST(a_secret_others_can_read_is_warned_about)
{
    struct config *c;
    struct err e;
    put("s", "x\n");
    chmod(in_dir("s"), 0644);
    put("w.yaml", "webhook:\n  app_secret_file: s\n");
    assert_ok(load(&c, in_dir("w.yaml"), NULL, NULL, true, &e), e);
    assert_non_null(strstr(buf_cstr(&c->warnings), "can be read by everybody"));
    config_free(c);
}

#define IN_DIR(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
TESTS(T(no_file_at_all), IN_DIR(later_sources_win_and_say_so), IN_DIR(rules_are_one_file_or_several),
      IN_DIR(mistakes_in_a_file), IN_DIR(several_apps), IN_DIR(approvers_have_keys_of_their_own),
      IN_DIR(mistakes_about_approvers), IN_DIR(all_mistakes_at_once), T(mistakes_elsewhere),
      IN_DIR(a_named_file_must_exist), IN_DIR(a_client_needs_no_secrets), IN_DIR(credentials_of_the_service_manager),
      IN_DIR(a_secret_others_can_read_is_warned_about))

/* SPDX-License-Identifier: Apache-2.0
 * subscribers.c - `wayleave webhooks subscribers list`, `show`, `add`, `set`, `remove`, `pause`, `resume`, `test` and `dead`.
 *
 * Clients of /wayleave/v1/subscribers. A secret is read from a file or from the environment, because what stands on a command
 * line is seen by everybody on the machine and stays in the shell's history; it is wiped when it was sent. A change of one
 * list of the filter leaves the others as they are. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/rest_client.h"
#include "cmd/show.h"
#include "cmd/show_webhook.h"
#include "cmd/verbs.h"

#define PATH_MAX_BYTES 1024
#define BODY_MAX_BYTES (64u << 10)
#define SECRET_MOST    1024
#define PAGE           "1000"

static const struct rest_word words[] = {{"name", "NAME"},
                                         {"url", "URL"},
                                         {"secret", "--secret-file or --secret-env"},
                                         {"app", "--app"},
                                         {"form", "--form"},
                                         {"parallel", "--parallel"},
                                         {"from", "--from"},
                                         {"filter", "--field, --kind, --number, --account or --status"},
                                         {"fields", "--field"},
                                         {"numbers", "--number"},
                                         {"accounts", "--account"},
                                         {"kinds", "--kind"},
                                         {"statuses", "--status"},
                                         {NULL, NULL}};

/* Lists of a filter and the options that fill them. */
static const struct {
    const char *member, *option;
} lists[] = {
    {"fields", "field"}, {"numbers", "number"}, {"accounts", "account"}, {"kinds", "kind"}, {"statuses", "status"}};
#define LISTS (sizeof lists / sizeof lists[0])

static int call(struct rest *r, const char *method, const char *name, const char *verb, struct str body,
                struct json *ret)
{
    struct buf path;
    buf_init(&path, PATH_MAX_BYTES);
    buf_puts(&path, "/subscribers");
    if (name != NULL) {
        buf_putc(&path, '/');
        rest_segment(&path, str_of(name));
    }
    buf_puts(&path, verb);
    r->words = words;
    r->names = "wayleave webhooks subscribers list names them";
    int rc = path.failed ? cmd_fail(CMD_USAGE, NULL, "\"%.40s...\" is too long for a name", name)
                         : rest_call(r, method, buf_cstr(&path), body, ret);
    buf_done(&path);
    return rc == CMD_OK ? rest_check(r, *ret) : rc;
}

static const struct str no_body = {NULL, 0};

int subscribers_list_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = call(&r, "GET", NULL, "", no_body, &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print_rows(json_get(answer, "subscribers"));
    else if (rc == CMD_OK)
        show_subscriber_list(json_get(answer, "subscribers"));
    rest_close(&r);
    return rc;
}

int subscribers_show_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = call(&r, "GET", a->word[0], "", no_body, &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK)
        show_subscriber(answer);
    rest_close(&r);
    return rc;
}

/* --- add and set ------------------------------------------------------------------------------------------------------ */

static int read_secret_file(const char *path, char secret[SECRET_MOST], struct str *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, secret, SECRET_MOST) : -1;
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return cmd_fail(CMD_FAILED, "check the path", "%s cannot be read: %s", path, strerror(why));
    *ret = str_trim((struct str){secret, (size_t)n});
    if (ret->n == 0 || n == SECRET_MOST)
        return cmd_fail(CMD_FAILED, "put the secret, and nothing else, into the file", "%s does not hold a secret",
                        path);
    return CMD_OK;
}

/* *ret.p NULL: nothing was said about a secret. */
static int find_secret(const struct args *a, char secret[SECRET_MOST], struct str *ret)
{
    const char *file = args_get(a, "secret-file"), *variable = args_get(a, "secret-env");
    *ret = (struct str){NULL, 0};
    if ((file != NULL) + (variable != NULL) + args_has(a, "app-secret") > 1)
        return cmd_fail(CMD_USAGE, NULL, "one of --secret-file, --secret-env and --app-secret is enough");
    if (file != NULL)
        return read_secret_file(file, secret, ret);
    const char *value = variable != NULL ? getenv(variable) : NULL;
    if (variable != NULL && (value == NULL || *value == '\0'))
        return cmd_fail(CMD_USAGE, "export it first, or put the secret into a file and give --secret-file",
                        "the environment has no %s", variable);
    *ret = str_of(value);
    return CMD_OK;
}

static bool filter_given(const struct args *a)
{
    bool given = args_has(a, "everything");
    for (size_t l = 0; l < LISTS; l++)
        given = given || args_has(a, lists[l].option);
    return given;
}

/* "inbound,status" */
static void put_words(struct json_out *o, const char *value)
{
    for (struct str rest = str_of(value); rest.p != NULL;)
        jo_str(o, str_trim(str_cut(rest, ',', &rest)));
}

/* Each list as it is given here, else as it was. */
static void put_filter(struct json_out *o, const struct args *a, struct json was)
{
    const char *value;
    jo_key(o, "filter");
    jo_object(o);
    for (size_t l = 0; l < LISTS; l++) {
        struct json old = json_get(was, lists[l].member);
        bool given = args_has(a, lists[l].option);
        if (!given && (args_has(a, "everything") || json_type(old) != JSON_ARRAY))
            continue;
        jo_key(o, lists[l].member);
        jo_array(o);
        for (size_t i = 0; given && (value = args_nth(a, lists[l].option, i)) != NULL; i++)
            put_words(o, value);
        for (struct json_iter it = json_iter(old); !given && json_next(&it);)
            jo_str(o, json_str_or(it.value, STR("")));
        jo_end(o);
    }
    jo_end(o);
}

static int put_parallel(struct json_out *o, const struct args *a)
{
    int64_t n;
    const char *value = args_get(a, "parallel");
    if (value == NULL)
        return CMD_OK;
    if (!str_i64(str_of(value), &n))
        return cmd_fail(CMD_USAGE, NULL, "--parallel is a number from 1 to 64");
    jo_kint(o, "parallel", n);
    return CMD_OK;
}

/* What the options say, into the open object. `was`: the filter there is. */
static int put_settings(struct json_out *o, const struct args *a, struct str secret, struct json was)
{
    if (a->n_words > 1)
        jo_kcstr(o, "url", a->word[1]);
    if (secret.p != NULL)
        jo_kstr(o, "secret", secret);
    else if (args_has(a, "app-secret"))
        jo_kcstr(o, "secret", NULL);
    if (args_has(a, "app"))
        jo_kcstr(o, "app", args_get(a, "app"));
    if (args_has(a, "form"))
        jo_kcstr(o, "form", args_get(a, "form"));
    if (filter_given(a))
        put_filter(o, a, was);
    if (args_has(a, "paused"))
        jo_kbool(o, "paused", true);
    return put_parallel(o, a);
}

static int print_settings(const struct args *a, struct json answer, const char *did)
{
    if (args_has(a, "json"))
        return rest_print(answer);
    if (args_has(a, "quiet"))
        return CMD_OK;
    struct str name = show_text(answer, "name");
    term_text(stdout, TONE_GOOD, str_of(did));
    term_printf(stdout, TONE_PLAIN, " %.*s\n", (int)name.n, name.p);
    show_subscriber(answer);
    return CMD_OK;
}

static int add_one(struct rest *r, const struct args *a, struct str secret, struct buf *body)
{
    struct json_out o;
    struct json answer, none = {NULL, 0};
    json_out_init(&o, body);
    jo_object(&o);
    jo_kcstr(&o, "name", a->word[0]);
    if (args_has(a, "from"))
        jo_kcstr(&o, "from", args_get(a, "from"));
    int rc = put_settings(&o, a, secret, none);
    jo_end(&o);
    if (rc == CMD_OK)
        rc = call(r, "POST", NULL, "", buf_str(body), &answer);
    return rc == CMD_OK ? print_settings(a, answer, "added") : rc;
}

static int set_one(struct rest *r, const struct args *a, struct str secret, struct buf *body)
{
    struct json_out o;
    struct json answer;
    int rc = call(r, "GET", a->word[0], "", no_body, &answer);
    if (rc != CMD_OK)
        return rc;
    json_out_init(&o, body);
    jo_object(&o);
    rc = put_settings(&o, a, secret, json_get(answer, "filter"));
    jo_end(&o);
    if (rc == CMD_OK && body->len <= 2)
        rc = cmd_fail(CMD_USAGE, "wayleave help webhooks subscribers set", "say what is to change");
    if (rc == CMD_OK)
        rc = call(r, "PATCH", a->word[0], "", buf_str(body), &answer);
    return rc == CMD_OK ? print_settings(a, answer, "changed") : rc;
}

static int write_one(const struct args *a,
                     int (*write_it)(struct rest *, const struct args *, struct str, struct buf *))
{
    struct rest r;
    struct buf body;
    struct str secret;
    char bytes[SECRET_MOST];
    int rc = find_secret(a, bytes, &secret);
    if (rc != CMD_OK)
        return rc;
    buf_init(&body, BODY_MAX_BYTES);
    rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = write_it(&r, a, secret, &body);
    rest_close(&r);
    if (body.len > 0)
        explicit_bzero(body.data, body.len);
    buf_done(&body);
    explicit_bzero(bytes, sizeof bytes);
    return rc;
}

int subscribers_add_run(const struct args *a)
{
    return write_one(a, add_one);
}

int subscribers_set_run(const struct args *a)
{
    return write_one(a, set_one);
}

/* --- one word each ---------------------------------------------------------------------------------------------------- */

static int do_one(const struct args *a, const char *method, const char *verb, const char *did)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = call(&r, method, a->word[0], verb, no_body, &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK && !args_has(a, "quiet"))
        term_printf(stdout, TONE_PLAIN, "%s %s\n", did, a->word[0]);
    rest_close(&r);
    return rc;
}

int subscribers_pause_run(const struct args *a)
{
    return do_one(a, "POST", "/pause", "paused");
}

int subscribers_resume_run(const struct args *a)
{
    return do_one(a, "POST", "/resume", "resumed");
}

int subscribers_remove_run(const struct args *a)
{
    return do_one(a, "DELETE", "", "removed");
}

static const char *after_status(long long status)
{
    if (status == 401 || status == 403)
        return "see whether it knows the secret that signs, and give another with: wayleave webhooks subscribers set "
               "NAME "
               "--secret-file FILE, or --app ID";
    if (status >= 300 && status < 400)
        return "redirects are not followed: set the address it leads to";
    return status == 404 || status == 405 ? "see whether the path of its address is right"
                                          : "see in its own log what it did not like; the event is harmless";
}

static int say_test(const struct args *a, struct json answer)
{
    bool taken = show_flag(answer, "taken");
    long long ms = (long long)show_number(answer, "took_ms"), status = (long long)show_number(answer, "status");
    struct str error = show_text(answer, "error");
    if (taken && !args_has(a, "quiet")) {
        term_text(stdout, TONE_GOOD, STR("taken"));
        term_printf(stdout, TONE_PLAIN, " by %s: %lld in %lld ms\n", a->word[0], status, ms);
    }
    if (taken)
        return CMD_OK;
    if (status != 0)
        return cmd_fail(CMD_FAILED, after_status(status), "%s answered %lld after %lld ms", a->word[0], status, ms);
    return cmd_fail(CMD_FAILED, "see whether it runs, and whether its address is right", "%s did not answer: %.*s",
                    a->word[0], (int)error.n, error.p);
}

int subscribers_test_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = call(&r, "POST", a->word[0], "/test", no_body, &answer);
    if (rc == CMD_OK && args_has(a, "json")) {
        rc = rest_print(answer);
        rc = rc == CMD_OK && !show_flag(answer, "taken") ? CMD_FAILED : rc;
    } else if (rc == CMD_OK) {
        rc = say_test(a, answer);
    }
    rest_close(&r);
    return rc;
}

/* --- dead ------------------------------------------------------------------------------------------------------------- */

/* Nothing was given up: what is being tried still. */
static int say_tried(struct rest *r, const struct args *a)
{
    struct json answer;
    int rc = call(r, "GET", a->word[0], "", no_body, &answer);
    if (rc == CMD_OK)
        show_subscriber_tried(answer);
    return rc;
}

int subscribers_dead_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    bool any = false;
    char verb[128], next[64] = "";
    int rc = rest_open(&r, a);
    do {
        snprintf(verb, sizeof verb, "/dead?limit=" PAGE "%s%s", *next ? "&after=" : "", next);
        rc = rc == CMD_OK ? call(&r, "GET", a->word[0], verb, no_body, &answer) : rc;
        if (rc != CMD_OK)
            break;
        bool first = *next == '\0';
        struct json rows = json_get(answer, "dead");
        any = any || json_count(rows) > 0;
        struct str more = show_text(answer, "next");
        snprintf(next, sizeof next, "%.*s", (int)more.n, more.p);
        if (args_has(a, "json"))
            rc = rest_print_rows(rows);
        else if (first || json_count(rows) > 0)
            show_subscriber_dead(rows);
    } while (rc == CMD_OK && *next);
    if (rc == CMD_OK && !any && !args_has(a, "json"))
        rc = say_tried(&r, a);
    rest_close(&r);
    return rc;
}

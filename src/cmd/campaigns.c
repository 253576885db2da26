/* SPDX-License-Identifier: Apache-2.0
 * campaigns.c - `wayleave campaigns create`, `change`, `list`, `show` and `events`, and how a campaign is named on the command line.
 *
 * Clients of /wayleave/v1/campaigns. A campaign goes by its id or by its name; of several of one name the one that is not over is
 * meant, and where that leaves more than one their ids are told. Who acts is whoever is logged in, unless --actor or a key of one's
 * own says otherwise. */
#include "cmd/campaigns_verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/show.h"
#include "cmd/term.h"

#define DEFINITION_MAX (256u << 10) /* a file; what is too much of it the gateway says */
#define BODY_MAX       (1u << 20)
#define PATH_BYTES     1024
#define ID_LENGTH      16
#define PAGES_MOST     20 /* of 500: as far back as a name is looked for */
#define FOUND_MOST     8

const struct option campaigns_actor_options[] = {
    CAMPAIGN_ACTOR_OPTIONS,
    {0},
};

const struct option campaigns_list_options[] = {
    {.name = "state",
     .value = "STATE",
     .help = "draft, checked, approved, running, held, finished, stopped or cancelled",
     .repeat = true},
    {.name = "limit", .value = "N", .help = "at most so many (default 50)"},
    {.name = "before", .value = "ID", .help = "older than this one"},
    {0},
};

static const struct rest_word words[] = {{"actor", "--actor"},   {"reason", "--reason"},
                                         {"state", "--state"},   {"limit", "--limit"},
                                         {"before", "--before"}, {"plan", "--plan"},
                                         {"source", "--source"}, {"after_gap", "--after-gap"},
                                         {"place", "--place"},   {NULL, NULL}};

static const struct str no_body = {NULL, 0};

/* --- calls -------------------------------------------------------------------------------------------------------------------- */

static int call(struct rest *r, const char *method, const char *path, struct str body, struct json *ret)
{
    r->words = words;
    r->names = "wayleave campaigns list names them";
    int rc = rest_call(r, method, path, body, ret);
    return rc == CMD_OK ? rest_check(r, *ret) : rc;
}

static int call_one(struct campaign_call *c, const char *method, const char *what, struct str body, struct json *ret)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "/campaigns/%s%s", c->id, what);
    return call(&c->r, method, path, body, ret);
}

int campaign_call_get(struct campaign_call *c, const char *what, struct json *ret)
{
    return call_one(c, "GET", what, no_body, ret);
}

int campaign_call_post(struct campaign_call *c, const char *verb, struct str body, struct json *ret)
{
    char what[64];
    snprintf(what, sizeof what, "/%s", verb);
    return call_one(c, "POST", what, body, ret);
}

void campaign_call_close(struct campaign_call *c)
{
    rest_close(&c->r);
}

void campaign_put_actor(struct json_out *o, const struct args *a)
{
    const char *key = getenv("WAYLEAVE_KEY"), *user = getenv("USER"), *said = args_get(a, "actor");
    bool own_key = args_has(a, "key-file") || (key != NULL && *key != '\0');
    if (said == NULL && !own_key && user != NULL && *user != '\0')
        said = user;
    if (said != NULL)
        jo_kcstr(o, "actor", said);
    if (args_has(a, "reason"))
        jo_kcstr(o, "reason", args_get(a, "reason"));
}

/* --- by name -------------------------------------------------------------------------------------------------------------------- */

struct found { /* campaigns of this name */
    size_t n, open;
    char id[FOUND_MOST][CAMPAIGN_ID_TEXT], open_id[CAMPAIGN_ID_TEXT];
};

static bool is_over(struct str state)
{
    return str_eq(state, STR("finished")) || str_eq(state, STR("stopped")) || str_eq(state, STR("cancelled"));
}

static void look_through(struct found *f, struct json campaigns, const char *name)
{
    for (struct json_iter it = json_iter(campaigns); json_next(&it);) {
        struct str id = show_text(it.value, "id");
        if (!str_eq(show_text(it.value, "name"), str_of(name)) || id.n >= CAMPAIGN_ID_TEXT)
            continue;
        if (f->n < FOUND_MOST)
            snprintf(f->id[f->n], CAMPAIGN_ID_TEXT, "%.*s", (int)id.n, id.p);
        f->n++;
        if (is_over(show_text(it.value, "state")))
            continue;
        f->open++;
        snprintf(f->open_id, sizeof f->open_id, "%.*s", (int)id.n, id.p);
    }
}

static int look_for(struct campaign_call *c, const char *name, struct found *f)
{
    char before[CAMPAIGN_ID_TEXT] = "", path[PATH_BYTES];
    struct json answer;
    int rc = CMD_OK;
    for (int page = 0; page < PAGES_MOST && rc == CMD_OK; page++) {
        snprintf(path, sizeof path, "/campaigns?limit=500%s%s", *before ? "&before=" : "", before);
        rc = call(&c->r, "GET", path, no_body, &answer);
        if (rc != CMD_OK)
            break;
        look_through(f, json_get(answer, "campaigns"), name);
        struct str next = show_text(answer, "next");
        snprintf(before, sizeof before, "%.*s", (int)next.n, next.p);
        if (next.n == 0)
            break;
    }
    return rc;
}

static int ambiguous(const struct found *f, const char *name)
{
    char ids[FOUND_MOST * (CAMPAIGN_ID_TEXT + 2)] = "";
    for (size_t i = 0; i < f->n && i < FOUND_MOST; i++) {
        size_t n = strlen(ids);
        snprintf(ids + n, sizeof ids - n, "%s%s", i > 0 ? ", " : "", f->id[i]);
    }
    return cmd_fail(CMD_USAGE, "name one by its id", "%zu campaigns are called \"%s\": %s%s", f->n, name, ids,
                    f->n > FOUND_MOST ? ", ..." : "");
}

static int find_by_name(struct campaign_call *c, const char *name)
{
    struct found f = {.n = 0};
    int rc = look_for(c, name, &f);
    if (rc != CMD_OK)
        return rc;
    if (f.n == 0)
        return cmd_fail(CMD_FAILED, "wayleave campaigns list names them", "there is no campaign \"%.200s\"", name);
    if (f.n > 1 && f.open != 1)
        return ambiguous(&f, name);
    snprintf(c->id, sizeof c->id, "%s", f.open == 1 ? f.open_id : f.id[0]);
    return CMD_OK;
}

static bool looks_like_id(const char *word)
{
    return strlen(word) == ID_LENGTH && word[0] == 'k' &&
           strspn(word, "0123456789abcdefghijklmnopqrstuvwxyz") == ID_LENGTH;
}

int campaign_call_open(struct campaign_call *c, const struct args *a)
{
    const char *word = a->word[0];
    struct json answer;
    *c = (struct campaign_call){.id = ""};
    int rc = rest_open(&c->r, a);
    if (rc == CMD_OK && looks_like_id(word))
        snprintf(c->id, sizeof c->id, "%s", word);
    else if (rc == CMD_OK)
        rc = find_by_name(c, word);
    if (rc == CMD_OK)
        rc = campaign_call_get(c, "", &answer);
    if (rc == CMD_OK) {
        struct str name = show_text(answer, "name");
        snprintf(c->name, sizeof c->name, "%.*s", (int)name.n, name.p);
        name = show_text(answer, "state");
        snprintf(c->state, sizeof c->state, "%.*s", (int)name.n, name.p);
    }
    return rc;
}

/* --- create and change ------------------------------------------------------------------------------------------------------------ */

static int read_file(const char *path, struct buf *out)
{
    bool in = strcmp(path, "-") == 0;
    int fd = in ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    char bytes[16384];
    ssize_t n = fd;
    while (fd >= 0 && (n = read(fd, bytes, sizeof bytes)) > 0)
        if (!buf_put(out, bytes, (size_t)n))
            break;
    int why = errno;
    if (fd >= 0 && !in)
        close(fd);
    if (n < 0)
        return cmd_fail(CMD_FAILED, "check the path", "%s cannot be read: %s", path, strerror(why));
    if (out->failed)
        return cmd_fail(CMD_USAGE, NULL, "%s is larger than a definition may be", path);
    return CMD_OK;
}

/* The call's body around what stands in the file. */
static int put_definition(struct rest *r, const struct args *a, const char *path, struct buf *body)
{
    struct buf text;
    struct json_out o;
    struct json root;
    struct err e = {0};
    buf_init(&text, DEFINITION_MAX);
    int rc = read_file(path, &text);
    if (rc == CMD_OK && json_parse(r->parser, buf_str(&text), true, &root, &e) != 0)
        rc = cmd_fail(CMD_USAGE, "docs/campaigns.md has an example", "%s is no JSON: %s", path, e.text);
    if (rc == CMD_OK && json_type(root) != JSON_OBJECT)
        rc = cmd_fail(CMD_USAGE, "docs/campaigns.md has an example", "%s holds no JSON object", path);
    if (rc == CMD_OK) {
        json_out_init(&o, body);
        jo_object(&o);
        jo_key(&o, "definition");
        jo_raw(&o, buf_str(&text));
        campaign_put_actor(&o, a);
        jo_end(&o);
    }
    buf_done(&text);
    return rc;
}

static int say_made(const struct args *a, struct json answer, const char *did)
{
    struct str id = show_text(answer, "id"), name = show_text(answer, "name");
    if (args_has(a, "json"))
        return rest_print(answer);
    if (args_has(a, "quiet")) {
        printf("%.*s\n", (int)id.n, id.p);
        return CMD_OK;
    }
    term_text(stdout, TONE_GOOD, str_of(did));
    term_printf(stdout, TONE_PLAIN, " %.*s  %.*s\n", (int)id.n, id.p, (int)name.n, name.p);
    term_printf(stdout, TONE_DIM, "next: wayleave campaigns check %.*s\n", (int)id.n, id.p);
    return CMD_OK;
}

int campaigns_create_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    struct buf body;
    buf_init(&body, BODY_MAX);
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = put_definition(&r, a, a->word[0], &body);
    r.once = true;
    if (rc == CMD_OK)
        rc = call(&r, "POST", "/campaigns", buf_str(&body), &answer);
    if (rc == CMD_OK)
        rc = say_made(a, answer, "created");
    rest_close(&r);
    buf_done(&body);
    return rc;
}

int campaigns_change_run(const struct args *a)
{
    struct campaign_call c;
    struct json answer;
    struct buf body;
    buf_init(&body, BODY_MAX);
    int rc = campaign_call_open(&c, a);
    if (rc == CMD_OK)
        rc = put_definition(&c.r, a, a->word[1], &body);
    if (rc == CMD_OK)
        rc = call_one(&c, "PUT", "", buf_str(&body), &answer);
    if (rc == CMD_OK)
        rc = say_made(a, answer, "changed");
    bool approved = strcmp(c.state, "approved") == 0, void_now = approved || strcmp(c.state, "checked") == 0;
    if (rc == CMD_OK && void_now && !args_has(a, "json") && !args_has(a, "quiet"))
        term_printf(stdout, TONE_WARN, "%s: check%s it again\n",
                    approved ? "its approval is void" : "its check is void", approved ? " and approve" : "");
    campaign_call_close(&c);
    buf_done(&body);
    return rc;
}

/* --- list, show, events --------------------------------------------------------------------------------------------------------------- */

static void add_parameter(struct buf *path, const char *name, const char *value)
{
    buf_printf(path, "%c%s=", memchr(path->data, '?', path->len) != NULL ? '&' : '?', name);
    rest_segment(path, str_of(value));
}

static void list_path(const struct args *a, struct buf *path)
{
    const char *value;
    buf_puts(path, "/campaigns");
    for (size_t i = 0; (value = args_nth(a, "state", i)) != NULL; i++)
        add_parameter(path, "state", value);
    if (args_has(a, "limit"))
        add_parameter(path, "limit", args_get(a, "limit"));
    if (args_has(a, "before"))
        add_parameter(path, "before", args_get(a, "before"));
}

int campaigns_list_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    struct buf path;
    buf_init(&path, PATH_BYTES);
    list_path(a, &path);
    int rc = rest_open(&r, a);
    if (rc == CMD_OK && path.failed)
        rc = cmd_fail(CMD_USAGE, NULL, "that is too much to ask for at once");
    if (rc == CMD_OK)
        rc = call(&r, "GET", buf_cstr(&path), no_body, &answer);
    if (rc == CMD_OK && args_has(a, "json")) {
        rc = rest_print_rows(json_get(answer, "campaigns"));
    } else if (rc == CMD_OK) {
        struct str next = show_text(answer, "next");
        show_campaign_list(json_get(answer, "campaigns"));
        if (next.n > 0)
            term_printf(stdout, TONE_DIM, "older ones: the same command with --before %.*s\n", (int)next.n, next.p);
    }
    rest_close(&r);
    buf_done(&path);
    return rc;
}

static int show_what(const struct args *a, const char *what, void (*show)(struct json answer))
{
    struct campaign_call c;
    struct json answer;
    int rc = campaign_call_open(&c, a);
    if (rc == CMD_OK)
        rc = campaign_call_get(&c, what, &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = strcmp(what, "/events") == 0 ? rest_print_rows(json_get(answer, "events")) : rest_print(answer);
    else if (rc == CMD_OK)
        show(answer);
    campaign_call_close(&c);
    return rc;
}

/* What it waits for is known to the runner alone. */
int campaigns_show_run(const struct args *a)
{
    struct campaign_call c;
    struct json answer;
    int rc = campaign_call_open(&c, a);
    if (rc == CMD_OK)
        rc = campaign_call_get(&c, "", &answer);
    if (rc == CMD_OK && args_has(a, "json")) {
        rc = rest_print(answer);
    } else if (rc == CMD_OK) {
        show_campaign(answer);
        if (strcmp(c.state, "running") == 0 && (rc = campaign_call_get(&c, "/live", &answer)) == CMD_OK)
            show_campaign_waits(answer);
    }
    campaign_call_close(&c);
    return rc;
}

int campaigns_events_run(const struct args *a)
{
    return show_what(a, "/events", show_campaign_events);
}

int campaigns_report_run(const struct args *a)
{
    return show_what(a, "/report", show_campaign_report);
}

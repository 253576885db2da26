/* SPDX-License-Identifier: Apache-2.0
 * rest_client.c - finds the gateway, calls it, explains what went wrong.
 *
 * The key goes into a header, never into a URL or a message. Exit status 75 is given only where the same command may
 * safely be given again: nothing was sent, or the gateway said it took nothing. A call that changes something and
 * whose answer got lost is a failure, because repeating it might do it twice. */
#include "cmd/rest_client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/config.h"
#include "cmd/term.h"
#include "net/http_client.h"

extern char **environ;

#define PREFIX     "/wayleave/v1"
#define ANSWER_MAX JSON_MAX_BYTES
/* The state directory of packaging/wayleave.service. */
#define SERVICE_KEY "/var/lib/wayleave/admin.key"

static bool put(char *to, size_t size, const char *text)
{
    size_t n = strlen(text);
    if (n >= size)
        return false;
    memcpy(to, text, n + 1);
    return true;
}

/* The address one listens on, as an address one can call: "0.0.0.0:8080" is reached at 127.0.0.1. */
static int url_from_listen(struct rest *r, const char *listen)
{
    static const struct {
        const char *any, *here;
    } places[] = {{"0.0.0.0:", "127.0.0.1:"}, {"[::]:", "[::1]:"}};
    const char *colon = strrchr(listen, ':');
    if (strcmp(colon, ":0") == 0)
        return cmd_fail(CMD_USAGE, "say where with --url",
                        "the configuration listens on port 0, which can be any port");
    snprintf(r->url, sizeof r->url, "http://%s", listen);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strncmp(listen, places[i].any, strlen(places[i].any)) == 0)
            snprintf(r->url, sizeof r->url, "http://%s%s", places[i].here, colon + 1);
    return CMD_OK;
}

static int read_key(struct rest *r, const char *path, bool chosen)
{
    char bytes[sizeof r->key];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0) {
        const char *next =
            why == EACCES ? "run this as the user the gateway runs as, or give --key-file"
            : chosen
                ? "check the path"
                : "the gateway makes it in its state_dir when it starts: name the same --config, or give --key-file";
        return cmd_fail(why == ENOENT && !chosen ? CMD_TEMPORARY : CMD_FAILED, next,
                        "the admin key %s cannot be read: %s", path, strerror(why));
    }
    struct str key = str_trim((struct str){bytes, (size_t)n});
    if (key.n == 0 || key.n >= sizeof bytes - 1 || memchr(key.p, '\n', key.n) != NULL)
        return cmd_fail(CMD_FAILED, "give the file the gateway calls admin.key", "%s does not hold a key", path);
    memcpy(r->key, key.p, key.n);
    r->key[key.n] = '\0';
    explicit_bzero(bytes, sizeof bytes);
    put(r->key_from, sizeof r->key_from, path);
    return CMD_OK;
}

static int open_config(struct config **ret, const struct args *a)
{
    const struct config_source from = {.file = args_get(a, "config"), .environ = environ};
    struct err e = {0};
    if (config_load(ret, &from, &e) != 0)
        return cmd_fail(CMD_FAILED, *ret ? "see all of it with: wayleave check-config" : NULL, "%s", e.text);
    return CMD_OK;
}

static int find_url(struct rest *r, const char *url, const struct config *c)
{
    char text[sizeof r->url];
    if (url == NULL)
        return url_from_listen(r, c->gateway.listen);
    if ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) || !put(text, sizeof text, url))
        return cmd_fail(CMD_USAGE, NULL, "\"%s\" is not an address such as http://127.0.0.1:8080", url);
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == '/')
        text[--n] = '\0';
    put(r->url, sizeof r->url, text);
    return CMD_OK;
}

/* `named`: the address was given, not read from the configuration; it gets no key that nobody meant for it. */
static int find_key(struct rest *r, const struct args *a, const struct config *c, bool named)
{
    const char *file = args_get(a, "key-file"), *key = getenv("WAYLEAVE_KEY");
    if (file)
        return read_key(r, file, true);
    if (key && *key) {
        put(r->key_from, sizeof r->key_from, "WAYLEAVE_KEY");
        return put(r->key, sizeof r->key, key) ? CMD_OK : cmd_fail(CMD_USAGE, NULL, "WAYLEAVE_KEY does not hold a key");
    }
    if (c->gateway.admin_key_file)
        return read_key(r, c->gateway.admin_key_file, true);
    /* Where the gateway that reads the same configuration in the same folder keeps it, else where the service does. */
    char path[PATH_MAX + 16], here[PATH_MAX] = "";
    bool relative = c->gateway.state_dir[0] != '/' && getcwd(here, sizeof here) != NULL;
    int n = snprintf(path, sizeof path, "%s%s%s/admin.key", here, relative ? "/" : "", c->gateway.state_dir);
    if (n < 0 || (size_t)n >= sizeof path)
        return cmd_fail(CMD_FAILED, "give --key-file", "the path of state_dir is too long");
    if (!named && access(path, F_OK) != 0 && errno == ENOENT && (access(SERVICE_KEY, F_OK) == 0 || errno == EACCES))
        return read_key(r, SERVICE_KEY, false);
    return read_key(r, path, false);
}

int rest_open(struct rest *r, const struct args *a)
{
    memset(r, 0, sizeof *r);
    r->timeout_ms = 30000;
    r->parser = json_parser_create();
    const char *url = args_get(a, "url");
    const char *key = getenv("WAYLEAVE_KEY"), *ca = getenv("WAYLEAVE_CA_FILE");
    struct config *c = NULL;
    if (url == NULL)
        url = getenv("WAYLEAVE_URL");
    if (url && *url == '\0')
        url = NULL;
    if (ca)
        put(r->ca_file, sizeof r->ca_file, ca);
    /* A client on another machine has no configuration and needs none. */
    int rc = url && (args_has(a, "key-file") || (key && *key)) ? CMD_OK : open_config(&c, a);
    if (rc == CMD_OK)
        rc = find_url(r, url, c);
    if (rc == CMD_OK)
        rc = find_key(r, a, c, url != NULL);
    config_free(c);
    return rc;
}

void rest_close(struct rest *r)
{
    json_parser_free(r->parser);
    explicit_bzero(r, sizeof *r);
}

void rest_segment(struct buf *out, struct str s)
{
    static const char plain[] = "-._~";
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool keep =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr(plain, c));
        if (keep)
            buf_putc(out, c);
        else
            buf_printf(out, "%%%02X", (unsigned char)c);
    }
}

static int no_answer(const struct rest *r, const struct http_call *call, const struct err *e)
{
    if (r->still)
        return CMD_TEMPORARY;
    if (call->fate == HTTP_UNSENT)
        return cmd_fail(CMD_TEMPORARY,
                        r->waits ? "nothing: it is waited for"
                                 : "start it with: wayleave serve, or give its address with --url",
                        "no gateway answers at %s: %s", r->url, e->text);
    if (r->once)
        return cmd_fail(CMD_DOUBT, "look what became of it before doing it again: wayleave messages list",
                        "the answer of %s was lost: %s", r->url, e->text);
    return cmd_fail(CMD_TEMPORARY, r->waits ? "nothing: it is waited for" : "try again", "%s did not answer: %s",
                    r->url, e->text);
}

static int call_once(struct rest *r, const char *method, const char *path, struct str body, struct json *ret)
{
    char url[2048], bearer[sizeof r->key + 8];
    struct err e = {0};
    snprintf(url, sizeof url, "%s" PREFIX "%s", r->url, path);
    snprintf(bearer, sizeof bearer, "Bearer %s", r->key);
    const struct http_header headers[] = {{STR("Authorization"), str_of(bearer)},
                                          {STR("Accept"), STR("application/json")},
                                          {STR("Content-Type"), STR("application/json")}};
    struct http_call call = {.method = str_of(method),
                             .url = str_of(url),
                             .headers = headers,
                             .n_headers = body.n ? 3 : 2,
                             .body = body,
                             .body_length = (int64_t)body.n,
                             .timeout_ms = r->timeout_ms,
                             .max_answer = ANSWER_MAX};
    int rc = http_fetch(&call, *r->ca_file ? r->ca_file : NULL, &e);
    r->status = rc == 0 ? call.status : 0;
    if (rc != 0) {
        rc = no_answer(r, &call, &e);
    } else if (json_parse(r->parser, buf_str(&call.answer), false, ret, &e) != 0 || json_type(*ret) != JSON_OBJECT) {
        rc = cmd_fail(CMD_FAILED, "check the address", "what answers at %s is not a wayleave gateway (HTTP %d)", r->url,
                      call.status);
    }
    http_call_done(&call);
    explicit_bzero(bearer, sizeof bearer);
    return rc;
}

int rest_call(struct rest *r, const char *method, const char *path, struct str body, struct json *ret)
{
    int rc = CMD_OK;
    for (unsigned try = 0; try < 4; try++) {
        rc = call_once(r, method, path, body, ret);
        if (rc != CMD_OK || r->status != 503 || r->once)
            break;
        if (try < 3)
            usleep(250000u << try); /* a full queue empties in milliseconds */
    }
    return rc;
}

static const struct {
    int status, code;
    const char *next;
} meanings[] = {
    {400, CMD_FAILED, NULL},
    {401, CMD_FAILED, NULL},
    {403, CMD_REFUSED, NULL},
    {404, CMD_FAILED, NULL},
    {409, CMD_FAILED, NULL},
    {413, CMD_FAILED, NULL},
    {422, CMD_FAILED, "give another message a key of its own"},
    {502, CMD_FAILED, NULL},
    {503, CMD_TEMPORARY, "try again in a moment"},
    {504, CMD_DOUBT,
     "it may have been sent: see wayleave messages show with its id, and do not send it again without a key it had"},
};

/* The option that stands for this field; NULL: none. */
static const char *option_for(const struct rest *r, struct str field)
{
    for (const struct rest_word *w = r->words; w != NULL && w->field != NULL; w++)
        if (str_eq(field, str_of(w->field)))
            return w->option;
    return NULL;
}

static size_t name_at(struct str s)
{
    size_t n = 0;
    while (n < s.n && ((s.p[n] >= 'a' && s.p[n] <= 'z') || s.p[n] == '_' || s.p[n] == '.'))
        n++;
    return n;
}

/* "`from`": the option and how long that is; NULL: no field of ours stands there so. */
static const char *option_in_ticks(const struct rest *r, struct str text, size_t *ret_n)
{
    struct str word = {text.p + 1, text.n > 1 ? name_at((struct str){text.p + 1, text.n - 1}) : 0};
    *ret_n = word.n + 2;
    return text.p[0] == '`' && *ret_n <= text.n && word.p[word.n] == '`' ? option_for(r, word) : NULL;
}

/* A sentence of the API with the names of its fields as options. A name that is an everyday word is one at the beginning
 * or in ticks only: "limit is a number from 1 to 1000", "to must lie after `from`". */
static void in_our_words(const struct rest *r, struct str text, struct buf *out)
{
    for (size_t i = 0, ticked; i < text.n;) {
        const char *named = option_in_ticks(r, (struct str){text.p + i, text.n - i}, &ticked);
        if (named != NULL) {
            buf_puts(out, named);
            i += ticked;
            continue;
        }
        struct str word = {text.p + i, name_at((struct str){text.p + i, text.n - i})};
        bool odd = memchr(word.p, '_', word.n) != NULL || memchr(word.p, '.', word.n) != NULL;
        const char *option = i == 0 || odd ? option_for(r, word) : NULL;
        if (word.n == 0)
            buf_putc(out, text.p[i++]);
        else if (option != NULL)
            buf_puts(out, option);
        else
            buf_putstr(out, word);
        i += word.n;
    }
}

/* Whether the sentence names the field already, or all of it but what it stands in: "rules[0].field" of "query.rules[0].field". */
static bool names_field(const char *words, struct str field)
{
    for (struct str rest = field; rest.n > 0 && memchr(rest.p, '[', rest.n) != NULL; str_cut(rest, '.', &rest))
        if (memmem(words, strlen(words), rest.p, rest.n) != NULL)
            return true;
    return false;
}

/* The error's sentence in the command's own words, with the option or the field it is about. */
static void say_error(const struct rest *r, struct json error, struct buf *words)
{
    struct str text = json_str_or(json_get(error, "message"), STR("the gateway gives no reason"));
    struct str field = json_str_or(json_get(error, "field"), STR(""));
    const char *option = option_for(r, field);
    in_our_words(r, text, words);
    if (buf_cstr(words)[0] == '-')
        return; /* it begins with its option */
    if (option != NULL && strstr(buf_cstr(words), option) == NULL)
        buf_printf(words, " (%s)", option);
    else if (option == NULL && field.n > 0 && !names_field(buf_cstr(words), field))
        buf_printf(words, " (%.*s)", (int)field.n, field.p);
}

static int meaning(const struct rest *r, const char **ret_next)
{
    *ret_next = r->status == 404 ? r->names : NULL;
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (meanings[i].status != r->status)
            continue;
        *ret_next = *ret_next != NULL ? *ret_next : meanings[i].next;
        return meanings[i].code;
    }
    return CMD_FAILED;
}

int rest_check(const struct rest *r, struct json answer)
{
    if (r->status < 300)
        return CMD_OK;
    if (r->status == 503 && r->still)
        return CMD_TEMPORARY;
    struct json error = json_get(answer, "error");
    struct str text = json_str_or(json_get(error, "message"), STR(""));
    const char *next;
    int code = meaning(r, &next);
    if (r->status == 401 && memmem(text.p, text.n, "admin key", 9) != NULL) /* ours, not the one for Meta */
        return cmd_fail(code, "give the key of this gateway: --key-file with the admin.key of its state directory",
                        "the gateway at %s does not accept the key of %s", r->url, r->key_from);
    if (r->status == 404 && str_eq(text, STR("no such method and path in this API")))
        return cmd_fail(CMD_FAILED, "compare wayleave version here and on the gateway's machine",
                        "the gateway at %s does not know this call: it is older than this program", r->url);
    bool ours = option_for(r, json_str_or(json_get(error, "field"), STR(""))) != NULL;
    struct buf words;
    buf_init(&words, 4096);
    say_error(r, error, &words);
    code = cmd_fail(ours && r->status == 400 ? CMD_USAGE : code, next, "%s%s%s", r->about ? r->about : "",
                    r->about ? ": " : "", buf_cstr(&words));
    buf_done(&words);
    return code;
}

int rest_get(struct rest *r, const char *prefix, const char *who, struct json *ret)
{
    struct buf path;
    buf_init(&path, 1024);
    buf_puts(&path, prefix);
    rest_segment(&path, str_of(who));
    int rc = path.failed ? cmd_fail(CMD_USAGE, NULL, "\"%.40s...\" is too long", who) : CMD_OK;
    if (rc == CMD_OK)
        rc = rest_call(r, "GET", buf_cstr(&path), (struct str){NULL, 0}, ret);
    if (rc == CMD_OK)
        rc = rest_check(r, *ret);
    buf_done(&path);
    return rc;
}

int rest_print(struct json answer)
{
    struct buf b;
    buf_init(&b, 2 * ANSWER_MAX);
    json_write_value(&b, answer);
    int rc = cmd_print_json(&b);
    buf_done(&b);
    return rc;
}

int rest_print_rows(struct json list)
{
    int rc = CMD_OK;
    for (struct json_iter it = json_iter(list); rc == CMD_OK && json_next(&it);)
        rc = rest_print(it.value);
    return rc;
}

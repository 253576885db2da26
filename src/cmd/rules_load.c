/* SPDX-License-Identifier: Apache-2.0
 * rules_load.c - books of rules by the words that name them.
 *
 * Failing to load is said with the file, line and key that ruleset.h names. Nothing here changes anything. */
#include "cmd/rules_load.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/yaml.h"
#include "cmd/config.h"
#include "cmd/rest_client.h"
#include "cmd/term.h"
#include "core/facts_read.h"

#define FILE_BYTES_MAX (160u << 20)
#define PATHS_MAX      (1u << 20)
#define HASH_LEAST     6

static int take(struct rule_paths *p, const char *path)
{
    if (path == NULL)
        return cmd_fail(CMD_FAILED, NULL, "out of memory");
    if (p->n == RULESET_FILES_MAX)
        return cmd_fail(CMD_USAGE, NULL, "more than %d rule files", RULESET_FILES_MAX);
    p->path[p->n++] = path;
    return CMD_OK;
}

int rules_paths(const struct args *a, size_t first, struct arena *mem, struct rule_paths *ret)
{
    int rc = CMD_OK;
    ret->n = 0;
    for (size_t i = first; i < a->n_words && rc == CMD_OK; i++)
        rc = take(ret, a->word[i]);
    return ret->n == 0 && rc == CMD_OK ? take(ret, config_rules_file(mem)) : rc;
}

int rules_split(const char *word, struct arena *mem, struct rule_paths *ret)
{
    struct str rest = str_of(word);
    int rc = CMD_OK;
    ret->n = 0;
    while (rest.n > 0 && rc == CMD_OK) {
        struct str one = str_cut(rest, ',', &rest);
        if (one.n > 0)
            rc = take(ret, arena_strndup(mem, one.p, one.n));
    }
    if (rc == CMD_OK && ret->n == 0)
        return cmd_fail(CMD_USAGE, NULL, "\"%s\" names no rule file", word);
    return rc;
}

int rules_law(const char *name, struct arena *mem, const char **ret)
{
    const char *path = config_law_file(mem, str_of(name));
    if (path == NULL || access(path, R_OK) != 0)
        return cmd_fail(CMD_USAGE, "wayleave help decide", "no law called \"%s\" came with the program", name);
    *ret = path;
    return CMD_OK;
}

int rules_book(const struct rule_paths *p, struct ruleset **ret)
{
    struct err e = {0};
    if (ruleset_load_all(ret, p->path, p->n, &e) != 0)
        return cmd_fail(CMD_FAILED, NULL, "%s", e.text);
    return CMD_OK;
}

/* "running", "shadow", or a hash that is no file here. */
static bool names_live_book(const char *word)
{
    size_t n = strlen(word);
    if (strcmp(word, "running") == 0 || strcmp(word, "shadow") == 0)
        return true;
    return n >= HASH_LEAST && n < SHA256_HEX && word[strspn(word, "0123456789abcdef")] == '\0' &&
           access(word, F_OK) != 0;
}

/* The text comes with its hash, and is built again only if it has it. */
static int restore(struct json answer, struct ruleset **ret)
{
    struct err e = {0};
    uint8_t hash[SHA256_BYTES];
    size_t n = 0;
    struct str text = json_str_or(json_get(answer, "canonical"), STR(""));
    if (!hex_decode(json_str_or(json_get(answer, "hash"), STR("")), hash, sizeof hash, &n) || n != sizeof hash)
        return cmd_fail(CMD_FAILED, NULL, "the gateway's answer has no hash");
    if (ruleset_restore(ret, text, hash, &e) != 0)
        return cmd_fail(CMD_FAILED, NULL, "the gateway's rules: %s", e.text);
    return CMD_OK;
}

static int live_book(const struct args *a, const char *word, struct ruleset **ret)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = rest_get(&r, "/rules/book/", word, &answer);
    if (rc == CMD_OK)
        rc = restore(answer, ret);
    rest_close(&r);
    return rc;
}

int rules_named(const struct args *a, const char *word, struct ruleset **ret)
{
    struct rule_paths p;
    if (names_live_book(word))
        return live_book(a, word, ret);
    if (strpbrk(word, "/.,") == NULL && access(word, F_OK) != 0)
        return cmd_fail(
            CMD_FAILED, NULL,
            "%s is no file, and a book of the gateway is named running, shadow, or by at least %d digits of "
            "its hash (wayleave rules history)",
            word, HASH_LEAST);
    struct arena *mem = arena_create(PATHS_MAX);
    int rc = mem == NULL ? CMD_FAILED : rules_split(word, mem, &p);
    if (rc == CMD_OK)
        rc = rules_book(&p, ret);
    arena_free(mem);
    return rc;
}

static int count_tests(const struct yaml *rule, const char *id)
{
    const struct yaml *name = yaml_get(rule, "id"), *tests = yaml_get(rule, "tests");
    struct str text;
    if (tests == NULL || name == NULL ||
        (id != NULL && (yaml_str(name, &text, NULL) != 0 || !str_eq(text, str_of(id)))))
        return 0;
    return tests->children;
}

int rules_tests(const char *path, const char *id)
{
    struct arena *mem = arena_create(FILE_BYTES_MAX);
    struct yaml *root = NULL;
    int n = -1;
    if (mem != NULL && yaml_parse_file(mem, path, &root, NULL) == 0) {
        const struct yaml *rules = yaml_get(root, "rules");
        n = 0;
        for (const struct yaml *r = rules != NULL ? rules->child : NULL; r != NULL; r = r->next)
            n += count_tests(r, id);
    }
    arena_free(mem);
    return n;
}

int rules_at(const struct args *a, int64_t *ret)
{
    struct err e = {0};
    const char *text = args_get(a, "at");
    int64_t now = clock_now_ms();
    if (text == NULL)
        *ret = now;
    else if (facts_read_time(str_of(text), now, ret, &e) != 0)
        return cmd_fail(CMD_USAGE, NULL, "--at: %s", e.text);
    else if (*ret == 0)
        return cmd_fail(CMD_USAGE, NULL, "--at: never is no moment");
    return CMD_OK;
}

const char *rules_day(int64_t ms, char out[DAY_TEXT])
{
    char text[TIME_TEXT];
    snprintf(out, DAY_TEXT, "%.10s", time_text(ms, text));
    return out;
}

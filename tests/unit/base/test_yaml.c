/* SPDX-License-Identifier: Apache-2.0
 * test_yaml.c - the tree and its line numbers, everything of YAML that is refused, and the messages an
 * operator meets when a configuration is wrong: they are compared whole, because they are the product here. */
#include "base/yaml.h"

#include <sys/stat.h>
#include <unistd.h>

#include "t.h"

static struct arena *arena;
static struct err e;

static int parse(struct str text, struct yaml **ret)
{
    arena_free(arena);
    arena = arena_create(64 << 20);
    e = (struct err){0};
    return yaml_parse(arena, "f.yaml", text, ret, &e);
}

static const struct yaml *must_parse(const char *text)
{
    struct yaml *root = NULL;
    assert_ok(parse(str_of(text), &root), e);
    return root;
}

TEST(the_tree)
{
    const struct yaml *r = must_parse("# comment\n"
                                      "name: a \"b\"\n"
                                      "list:\n"
                                      "  - one\n"
                                      "  - {k: 'v', empty: }\n"
                                      "  -\n"
                                      "    - x\n"
                                      "text: |\n"
                                      "  line 1\n"
                                      "  line 2\n"
                                      "nothing:\n");
    assert_int_equal(r->kind, YAML_MAPPING);
    assert_int_equal(r->children, 4);
    assert_null(r->key.p);
    const struct yaml *n = yaml_get(r, "name");
    assert_str(n->text, "a \"b\"");
    assert_int_equal(n->line, 2);
    assert_string_equal(n->file, "f.yaml");
    const struct yaml *list = yaml_get(r, "list");
    assert_int_equal(list->kind, YAML_SEQUENCE);
    assert_int_equal(list->children, 3);
    assert_int_equal(list->key_line, 3);
    assert_int_equal(list->line, 4);
    assert_str(list->child->text, "one");
    const struct yaml *flow = list->child->next;
    assert_str(yaml_get(flow, "k")->text, "v");
    assert_true(yaml_get(flow, "k")->quoted);
    assert_str(yaml_get(flow, "empty")->text, "");
    assert_false(yaml_get(flow, "empty")->quoted);
    assert_int_equal(yaml_get(flow, "empty")->line, 5);
    assert_str(flow->next->child->text, "x");
    assert_null(flow->next->next);
    assert_str(yaml_get(r, "text")->text, "line 1\nline 2\n");
    assert_true(yaml_get(r, "text")->quoted);
    assert_str(yaml_get(r, "nothing")->text, "");
    assert_null(yaml_get(r, "nam"));
    assert_null(yaml_get(list, "one"));
    assert_null(yaml_get(NULL, "one"));
}

TEST(nothing_is_guessed)
{
    const struct yaml *r = must_parse("a: no\nb: 012\nc: null\nd: ~\ne: 1_000\nf: 12:30\n");
    static const char *const want[] = {"no", "012", "null", "~", "1_000", "12:30"};
    int i = 0;
    for (const struct yaml *c = r->child; c != NULL; c = c->next, i++)
        assert_str(c->text, want[i]);
    assert_int_equal(i, 6);
    bool b = true;
    int64_t v;
    assert_int_equal(yaml_bool(yaml_get(r, "a"), &b, &e), WL_EINVAL);
    assert_true(b);
    assert_int_equal(yaml_i64(yaml_get(r, "e"), 0, 9999, &v, &e), WL_EINVAL);
}

TEST(empty_documents_are_empty_mappings)
{
    static const char *const rows[] = {"", "\n\n", "# only a comment\n", "---\n", "---\n...\n", "{}"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct yaml *r = must_parse(rows[i]);
        assert_int_equal(r->kind, YAML_MAPPING);
        assert_int_equal(r->children, 0);
    }
    assert_int_equal(must_parse("''")->kind, YAML_SCALAR);
}

TEST(refusals_name_the_line)
{
    static const struct {
        struct str text;
        const char *want;
    } rows[] = {
        {STR_INIT("a: 1\nb: &x 2\n"), "f.yaml:2: anchors and tags are not allowed"},
        {STR_INIT("a: &x {b: 1}\n"), "f.yaml:1: anchors and tags are not allowed"},
        {STR_INIT("a: &x [b]\n"), "f.yaml:1: anchors and tags are not allowed"},
        {STR_INIT("&x a: 1\n"), "f.yaml:1: anchors and tags are not allowed"},
        {STR_INIT("a: !!int 3\n"), "f.yaml:1: anchors and tags are not allowed"},
        {STR_INIT("a: ! x\n"), "f.yaml:1: anchors and tags are not allowed"},
        {STR_INIT("a: !x [1]\n"), "f.yaml:1: anchors and tags are not allowed"},
        {STR_INIT("a: 1\n\nb: *x\n"), "f.yaml:3: aliases are not allowed"},
        {STR_INIT("%TAG ! tag:x,2000:\n---\na: 1\n"), "f.yaml:1: tag directives are not allowed"},
        {STR_INIT("a: 1\n---\nb: 1\n"), "f.yaml:2: only one document a file is allowed"},
        {STR_INIT("a: 1\nb: 2\na: 3\n"), "f.yaml:3: the key \"a\" is already on line 1"},
        {STR_INIT("a: 1\n\"\\x61\": 3\n"), "f.yaml:2: the key \"a\" is already on line 1"},
        {STR_INIT("o:\n  - {k: 1, k: 2}\n"), "f.yaml:2: the key \"k\" is already on line 2"},
        {STR_INIT("a: 1\n? {b: 1}\n: c\n"), "f.yaml:2: a key must be plain text"},
        {STR_INIT("? [b]\n: c\n"), "f.yaml:1: a key must be plain text"},
        {STR_INIT("a: 1\nb: \"x\\0y\"\n"), "f.yaml:2: a NUL character is not allowed"},
        {STR_INIT("a: 1\nb: 2\nc: \xff\n"), "f.yaml:3: invalid leading UTF-8 octet"},
        {STR_INIT("a: 1\nb: \0\n"), "f.yaml:2: control characters are not allowed"},
        {STR_INIT("a:\n\tb: 1\n"),
         "f.yaml:2: found character that cannot start any token: the line is indented with a tab; use spaces"},
        {STR_INIT("a: [1, 2\n"), "f.yaml:2: did not find expected ',' or ']'"},
        {STR_INIT("a: 'x\n"), "f.yaml:2: found unexpected end of stream"},
        {STR_INIT("a: 1\n  b: 2\n"), "f.yaml:2: mapping values are not allowed in this context: is there a colon in a "
                                     "text? put the text in quotes; "
                                     "else look at the indentation"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct yaml *r = NULL;
        assert_int_equal(parse(rows[i].text, &r), WL_EINVAL);
        assert_null(r);
        assert_string_equal(e.text, rows[i].want);
    }
}

TEST(limits)
{
    struct yaml *r = NULL;
    char deep[2 * (YAML_MAX_DEPTH + 1) + 1];
    for (int d = YAML_MAX_DEPTH; d <= YAML_MAX_DEPTH + 1; d++) {
        snprintf(deep, sizeof deep, "%.*s%.*s", d, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", d,
                 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
        assert_int_equal(parse(str_of(deep), &r), d <= YAML_MAX_DEPTH ? WL_OK : WL_EINVAL);
    }
    assert_string_equal(e.text, "f.yaml:1: nested too deeply");

    char *big = malloc(YAML_MAX_BYTES + 1);
    memset(big, '\n', YAML_MAX_BYTES + 1);
    assert_int_equal(parse((struct str){big, YAML_MAX_BYTES + 1}, &r), WL_ETOOBIG);
    for (size_t i = 0; i < 2 * (YAML_MAX_NODES + 1); i += 2)
        memcpy(big + i, i == 0 ? "[x" : ",x", 2);
    big[2 * YAML_MAX_NODES - 2] = ']'; /* the list itself and one fewer elements */
    assert_int_equal(parse((struct str){big, 2 * YAML_MAX_NODES - 1}, &r), WL_OK);
    assert_int_equal(r->children, YAML_MAX_NODES - 1);
    big[2 * YAML_MAX_NODES - 2] = ',';
    big[2 * YAML_MAX_NODES] = ']';
    assert_int_equal(parse((struct str){big, 2 * YAML_MAX_NODES + 1}, &r), WL_ETOOBIG);
    free(big);

    struct arena *small = arena_create(300);
    assert_int_equal(yaml_parse(small, "f.yaml", STR("a: 1\nb: 2\nc: 3\n"), &r, &e), WL_ENOMEM);
    arena_free(small);
}

TEST(unknown_keys_get_the_nearest)
{
    static const char *const known[] = {"name", "limit", "window", NULL};
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"name: x\nlimmit: 1\n", "f.yaml:2: unknown key \"limmit\" in rule; did you mean \"limit\"?"},
        {"Name: x\n", "f.yaml:1: unknown key \"Name\" in rule; did you mean \"name\"?"},
        {"widnow: x\n", "f.yaml:1: unknown key \"widnow\" in rule; did you mean \"window\"?"},
        {"colour: x\n", "f.yaml:1: unknown key \"colour\" in rule; its keys are: name, limit, window"},
        {"\"\": x\n", "f.yaml:1: unknown key \"\" in rule; its keys are: name, limit, window"},
        {"- name\n", "f.yaml:1: a rule must be written as keys and values"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(yaml_known_keys(must_parse(rows[i].text), known, "rule", &e), WL_EINVAL);
        assert_string_equal(e.text, rows[i].want);
    }
    assert_int_equal(yaml_known_keys(must_parse("window: 1\nname: x\n"), known, "rule", &e), WL_OK);
    assert_int_equal(yaml_known_keys(NULL, known, "rule", &e), WL_EINVAL);
}

TEST(nearest)
{
    static const char *const list[] = {"marketing", "utility", "authentication", "ab", NULL};
    static const struct {
        const char *word, *want;
    } rows[] = {{"marketting", "marketing"},
                {"makreting", "marketing"},
                {"utillity", "utility"},
                {"AUTHENTICATION", "authentication"},
                {"util", "utility"},
                {"ba", "ab"},
                {"a", "ab"},
                {"xyz", NULL},
                {"", NULL},
                {"service", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = nearest_word(str_of(rows[i].word), list);
        if ((got == NULL) != (rows[i].want == NULL) || (got != NULL && strcmp(got, rows[i].want) != 0))
            fail_msg("\"%s\" gave %s", rows[i].word, got ? got : "nothing");
    }
    char lengthy[200];
    memset(lengthy, 'm', sizeof lengthy);
    assert_null(nearest_word((struct str){lengthy, sizeof lengthy}, list));
}

TEST(numbers_and_truth)
{
    const struct yaml *r = must_parse("a: 5\nb: 6\nc: -1\nd: x\ne: true\nf: 'false'\ng: True\nh: [1]\ni:\n");
    int64_t v = 77;
    bool b = false;
    struct str s;
    assert_int_equal(yaml_i64(yaml_get(r, "a"), 0, 5, &v, &e), WL_OK);
    assert_int_equal(v, 5);
    assert_int_equal(yaml_i64(yaml_get(r, "b"), 0, 5, &v, &e), WL_EINVAL);
    assert_string_equal(e.text, "f.yaml:2: b: must be a whole number from 0 to 5");
    assert_int_equal(yaml_i64(yaml_get(r, "c"), 0, 5, &v, &e), WL_EINVAL);
    assert_int_equal(yaml_i64(yaml_get(r, "d"), INT64_MIN, INT64_MAX, &v, &e), WL_EINVAL);
    assert_int_equal(yaml_i64(yaml_get(r, "i"), 0, 5, &v, &e), WL_EINVAL);
    assert_int_equal(yaml_i64(NULL, 0, 5, &v, &e), WL_EINVAL);
    assert_int_equal(v, 5);
    assert_int_equal(yaml_bool(yaml_get(r, "e"), &b, &e), WL_OK);
    assert_true(b);
    assert_int_equal(yaml_bool(yaml_get(r, "f"), &b, &e), WL_OK);
    assert_false(b);
    assert_int_equal(yaml_bool(yaml_get(r, "g"), &b, &e), WL_EINVAL);
    assert_string_equal(e.text, "f.yaml:7: g: must be true or false");
    assert_int_equal(yaml_str(yaml_get(r, "h"), &s, &e), WL_EINVAL);
    assert_string_equal(e.text, "f.yaml:8: h: must be a single value, not a list or keys and values");
}

TEST(durations_and_dates)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } rows[] = {{"0", 0},
                {"0s", 0},
                {"250ms", 250},
                {"30s", 30000},
                {"5m", 300000},
                {"24h", 86400000},
                {"7d", 604800000},
                {"106751991167d", 106751991167 * 86400000},
                {"106751991168d", -1},
                {"9223372036854775808ms", -1},
                {"5", -1},
                {"-5s", -1},
                {"1.5h", -1},
                {"5 m", -1},
                {"5M", -1},
                {"s", -1},
                {"''", -1},
                {"1w", -1},
                {"5mm", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = -1;
        int rc = yaml_duration(must_parse(rows[i].text), &ms, &e);
        if (ms != rows[i].ms || rc != (ms < 0 ? WL_EINVAL : WL_OK))
            fail_msg("%s gave %lld", rows[i].text, (long long)ms);
    }
    int64_t ms = 77;
    assert_int_equal(yaml_date(must_parse("2026-08-11"), &ms, &e), WL_OK);
    assert_int_equal(ms, 1786406400000);
    assert_int_equal(yaml_date(must_parse("2026-02-30"), &ms, &e), WL_EINVAL);
    assert_int_equal(yaml_date(must_parse("2026-08-11T00:00:00Z"), &ms, &e), WL_EINVAL);
    assert_string_equal(e.text, "f.yaml:1: must be a date such as 2026-08-11");
}

TEST(files)
{
    struct yaml *r = NULL;
    char dir[] = "/tmp/test_yaml.XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a.yaml", dir);
    arena_free(arena);
    arena = arena_create(64 << 20);
    assert_int_equal(yaml_parse_file(arena, path, &r, &e), WL_ENOTFOUND);
    assert_int_equal(yaml_parse_file(arena, dir, &r, &e), WL_EIO);
    FILE *f = fopen(path, "w");
    fputs("a: 1\n", f);
    fclose(f);
    assert_ok(yaml_parse_file(arena, path, &r, &e), e);
    assert_str(yaml_get(r, "a")->text, "1");
    assert_int_equal(truncate(path, (off_t)YAML_MAX_BYTES + 1), 0);
    r = NULL;
    assert_int_equal(yaml_parse_file(arena, path, &r, &e), WL_ETOOBIG);
    assert_null(r);
    unlink(path);
    rmdir(dir);
    arena_free(arena);
    arena = NULL;
}

TESTS(T(the_tree), T(nothing_is_guessed), T(empty_documents_are_empty_mappings), T(refusals_name_the_line), T(limits),
      T(unknown_keys_get_the_nearest), T(nearest), T(numbers_and_truth), T(durations_and_dates), T(files))

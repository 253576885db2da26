/* SPDX-License-Identifier: Apache-2.0
 * fuzz_intent.c - any JSON as a body of /messages, and its components against templates.
 *
 * What must hold: a body with a message in it is never a receipt; a template has a name, other kinds have
 * none; there is a recipient or a sentence about it, never both; an error names something and leaves the output
 * alone. The input is also compiled as a template, and the send is checked against that and against a fixed
 * one: the answer must be the same with and without a place for the reason. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/intent.h"
#include "core/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static bool terminated(const char *p, size_t n)
{
    return memchr(p, 0, n) != NULL;
}

static void check_fit(const struct template_spec *spec, struct json components)
{
    struct err why = {0};
    enum template_fit fit = template_check(spec, components, &why);
    must(fit == template_check(spec, components, NULL));
    must((fit == FIT_OK) == (why.text[0] == '\0'));
}

static void check_body(struct json body, enum intent_path path, struct arena *a, const struct template_spec *fixed)
{
    struct err e = {0};
    struct intent it = {.to_text = {"kept", 4}};
    int rc = intent_parse(body, path, a, &it, &e);
    must(rc == e.code && (rc == 0) == (e.text[0] == '\0'));
    if (rc != 0) {
        must(it.to_text.n == 4);
        return;
    }
    must(it.path == path && json_duplicate_key(body).p == NULL);
    must((it.kind == INTENT_ENCRYPTED) == (path == PATH_ENCRYPTED));
    must((it.kind == INTENT_TEMPLATE) == (it.template_name.n > 0));
    must((it.to.kind == IDENTITY_NONE) == (it.to_problem.text[0] != '\0'));
    must(terminated(it.type, sizeof it.type) && terminated(it.language, sizeof it.language));
    must(terminated(it.to.value, sizeof it.to.value));
    if (it.kind == INTENT_RECEIPT) {
        must(json_type(json_get(body, "text")) <= JSON_NULL && json_type(json_get(body, "template")) <= JSON_NULL);
        must(json_type(json_get(body, "message_id")) == JSON_STRING);
    }
    check_fit(fixed, it.components);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_parser *parser;
    static struct arena *arena, *lasting;
    static struct template_spec *fixed;
    struct json v;
    if (parser == NULL) {
        parser = json_parser_create();
        arena = arena_create(64 << 20);
        lasting = arena_create(1 << 20);
        must(json_parse(
                 parser,
                 STR("{\"components\":[{\"type\":\"HEADER\",\"format\":\"IMAGE\"},{\"type\":\"BODY\",\"text\":\"{{1}} "
                     "{{2}}\"},"
                     "{\"type\":\"BUTTONS\",\"buttons\":[{\"type\":\"URL\",\"url\":\"https://e.example/{{1}}\"}]}]}"),
                 false, &v, NULL) == 0);
        must(template_compile(lasting, v, &fixed, NULL) == 0);
    }
    if (size > 1 << 18 || json_parse(parser, (struct str){(const char *)data, size}, false, &v, NULL) != 0)
        return 0;
    for (int path = PATH_MESSAGES; path <= PATH_ENCRYPTED; path++)
        check_body(v, (enum intent_path)path, arena, fixed);
    struct template_spec *spec;
    struct err e = {0};
    int rc = template_compile(arena, v, &spec, &e);
    must(rc == e.code && (rc == 0) == (e.text[0] == '\0'));
    if (rc == 0) {
        check_fit(spec, json_get(v, "components"));
        check_fit(spec, (struct json){0});
    }
    check_fit(fixed, v);
    arena_reset(arena);
    return 0;
}

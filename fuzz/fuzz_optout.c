/* SPDX-License-Identifier: Apache-2.0
 * fuzz_optout.c - any bytes as a message judged by a pack, and behind a first line of "pack" as a pack of its own.
 *
 * What must hold: a finding's words lie in the text; a verdict has an entry, a scope where it stops or starts, and nothing took it
 * back; the same text is judged the same again; letters' case does not matter where they are ASCII. A pack is compiled or
 * refused with a sentence that names it, and one that is compiled judges its own text. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/optout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static const char pack[] =
    "language: en\n"
    "fill: [please, thank you, ok]\n"
    "typos: [unsubscribe]\n"
    "spelled: {stop: [stpo, sotp]}\n"
    "words: {me: [me, us, this number], send: [text, texting, write to], msgs: [texts, messages, text messages]}\n"
    "scopes: {calls: [calls], all: [everything, any messages]}\n"
    "stop:\n"
    "  keywords: [stop, unsubscribe, \"\xE9\x80\x80\xE8\xAE\xA2\", \"\xD1\x81\xD1\x82\xD0\xBE\xD0\xBF\", "
    "\"\xF0\x9F\x9B\x91\"]\n"
    "  exact: [end, cancel]\n"
    "  phrases:\n"
    "    dont: [\"(don't|do not|never) <send>? ~3 <me>\", \"stop (<send>|sending) ~4 (<msgs>|me)?\"]\n"
    "    no-more: {say: [\"^ no more <msgs> $\", \"^^ enough ~2 <msgs>? $$\"], scope: all}\n"
    "start: {exact: [start]}\n"
    "help: {exact: [help]}\n"
    "yes: {exact: [yes, ok]}\n"
    "no: {exact: [no]}\n"
    "unless: {not: [\"(don't|do not) stop\", \"stop by\"]}\n"
    "says: {help: \"{business}\"}\n";

static struct optout_packs *compile(const char *text, struct err *e)
{
    static const char *const name = "pack.yaml";
    struct optout_packs *p = NULL;
    int rc = optout_packs_compile(&p, &name, &text, 1, e);
    must((rc == 0) == (p != NULL) && (rc == 0 || e->text[0] != '\0'));
    return p;
}

static void check(const struct optout_packs *p, struct str text)
{
    struct optout_finding f, again;
    optout_judge(p, text, STR("en"), &f);
    optout_judge(p, text, STR("en"), &again);
    must(memcmp(&f, &again, sizeof f) == 0);
    must(f.verdict <= OPTOUT_HELP && strlen(f.rule) < sizeof f.rule && strlen(f.taken_back) < sizeof f.taken_back);
    must(f.matched.n == 0 || (f.matched.p >= text.p && f.matched.p + f.matched.n <= text.p + text.n));
    must((f.verdict != OPTOUT_NOTHING) <= (f.rule[0] != '\0' && f.taken_back[0] == '\0' && f.matched.n > 0));
    must((f.verdict == OPTOUT_STOP || f.verdict == OPTOUT_START) == (f.scope != 0));
    must(f.verdict != OPTOUT_STOP || optout_answer(p, text, STR("")) == OPTOUT_NO);
}

/* Folding is the same for "STOP" and "stop". */
static void check_case(const struct optout_packs *p, struct str text)
{
    struct optout_finding f, upper;
    char *copy = malloc(text.n + 1);
    must(copy != NULL);
    bool ascii = true;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        copy[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
        ascii = ascii && (unsigned char)c < 0x80;
    }
    optout_judge(p, text, STR(""), &f);
    optout_judge(p, (struct str){copy, text.n}, STR(""), &upper);
    must(!ascii || (f.verdict == upper.verdict && strcmp(f.rule, upper.rule) == 0));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct optout_packs *ours;
    struct err e = {0};
    struct str text = {(const char *)data, size};
    if (ours == NULL)
        ours = compile(pack, &e);
    must(ours != NULL);
    if (!str_starts(text, STR("pack\n"))) {
        check(ours, text);
        check_case(ours, text);
        return 0;
    }
    char *own = malloc(size);
    must(own != NULL);
    memcpy(own, data + 5, size - 5);
    own[size - 5] = '\0';
    struct optout_packs *p = compile(own, &e);
    if (p != NULL)
        check(p, text);
    optout_packs_free(p);
    free(own);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 * optout.c - what it costs to ask of a message whether it wants to stop, with all shipped packs, beside two plain ways.
 *
 * The plain ways are what programs of this kind do: one regular expression of alternatives over the text (POSIX, case ignored), and
 * a search for each of as many phrases in the text made lower case. Both know English only and take nothing back; the
 * second table counts what they get wrong in the messages of this file. The best of five turns counts.
 *
 *     build/bench/optout [FOLDER of packs, data/optout] */
#include <dirent.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/optout.h"

#define ROUNDS 20000
#define TURNS  5

static const struct {
    const char *name, *text;
    bool stop;
} texts[] = {
    {"STOP", "STOP", true},
    {"ordinary, 100 letters",
     "Hello, is the blue jacket in size M still there? I would like to come by on Saturday with my sister.", false},
    {"ordinary with stop",
     "I'll stop by on the way to work, the bus stop is right at your door. Please don't close before six!", false},
    {"asked politely", "Good morning, would you please take my number off your list? Thank you very much.", true},
    {"letters drawn", "\xD0\x85\xD0\xA2\xD0\x9E\xD0\xA0 s\xC3\xA9nding m\xC3\xA9 this", true},
    {"Russian", "Добрый день, подскажите пожалуйста, есть ли у вас синяя куртка на завтра?", false},
    {"Chinese", "您好,请问这件蓝色外套还有中号吗?我想周六和妹妹一起过来看看。", false},
    {"no thanks", "No thanks, I do not want to unsubscribe, don't remove me.", false},
    {"Spanish", "Por favor dejen de mandarme mensajes, no quiero recibir m\xC3\xA1s publicidad.", true},
};
#define TEXTS (sizeof texts / sizeof texts[0])

static const char *const phrases[] = {
    "stop",
    "unsubscribe",
    "cancel",
    "quit",
    "end",
    "opt out",
    "opt-out",
    "optout",
    "remove me",
    "take me off",
    "leave me alone",
    "do not contact",
    "don't contact",
    "dont contact",
    "don't text",
    "do not text",
    "no more messages",
    "no more texts",
    "stop sending",
    "stop texting",
    "stop messaging",
    "stop calling",
    "not interested",
    "wrong number",
    "lose my number",
    "delete my number",
    "delete my data",
    "fuck off",
    "go away",
    "never contact",
    "revoke",
    "unsub",
    "opt me out",
    "no more",
    "off your list",
};
#define PHRASES (sizeof phrases / sizeof phrases[0])

static volatile unsigned sink;

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = NULL;
    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        exit(1);
    long n = ftell(f);
    rewind(f);
    text = malloc((size_t)n + 1);
    if (text == NULL || fread(text, 1, (size_t)n, f) != (size_t)n)
        exit(1);
    text[n] = '\0';
    fclose(f);
    return text;
}

static struct optout_packs *load(const char *folder)
{
    static char names[OPTOUT_PACKS_MAX][512];
    const char *name[OPTOUT_PACKS_MAX], *text[OPTOUT_PACKS_MAX];
    struct optout_packs *p = NULL;
    struct err e = {0};
    size_t n = 0, bytes = 0;
    DIR *d = opendir(folder);
    for (struct dirent *entry; d != NULL && (entry = readdir(d)) != NULL && n < OPTOUT_PACKS_MAX;)
        if (str_ends(str_of(entry->d_name), STR(".yaml"))) {
            snprintf(names[n], sizeof names[n], "%.200s/%.250s", folder, entry->d_name);
            name[n] = names[n];
            text[n] = slurp(names[n]);
            bytes += strlen(text[n++]);
        }
    double from = now_us();
    if (n == 0 || optout_packs_compile(&p, name, text, n, &e) != 0) {
        fprintf(stderr, "%s: %s\n", folder, n == 0 ? "no packs" : e.text);
        exit(1);
    }
    printf("%zu packs, %zu kB, compiled in %.0f ms\n\n", n, bytes / 1000, (now_us() - from) / 1000);
    return p;
}

static bool by_phrases(const char *text)
{
    char lower[1024];
    size_t n = 0;
    for (; text[n] && n < sizeof lower - 1; n++)
        lower[n] = text[n] >= 'A' && text[n] <= 'Z' ? (char)(text[n] + 32) : text[n];
    lower[n] = '\0';
    for (size_t i = 0; i < PHRASES; i++)
        if (strstr(lower, phrases[i]) != NULL)
            return true;
    return false;
}

static void compile_regex(regex_t *re)
{
    char all[4096] = "(^|[^a-z])(";
    for (size_t i = 0; i < PHRASES; i++) {
        size_t n = strlen(all);
        snprintf(all + n, sizeof all - n, "%s%s", i ? "|" : "", phrases[i]);
    }
    size_t n = strlen(all);
    snprintf(all + n, sizeof all - n, ")([^a-z]|$)");
    if (regcomp(re, all, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
        exit(1);
}

enum way { OURS, REGEX, SEARCH, WAYS };

static bool ask(enum way way, const struct optout_packs *p, const regex_t *re, const char *text)
{
    struct optout_finding f;
    if (way == REGEX)
        return regexec(re, text, 0, NULL, 0) == 0;
    if (way == SEARCH)
        return by_phrases(text);
    optout_judge(p, str_of(text), STR("en"), &f);
    return f.verdict == OPTOUT_STOP;
}

static double time_one(enum way way, const struct optout_packs *p, const regex_t *re, const char *text)
{
    double best = 1e9;
    int rounds = way == REGEX ? ROUNDS / 20 : ROUNDS;
    for (int turn = 0; turn < TURNS; turn++) {
        double from = now_us();
        for (int i = 0; i < rounds; i++)
            sink += ask(way, p, re, text);
        double took = (now_us() - from) / rounds;
        best = took < best ? took : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    struct optout_packs *p = load(argc > 1 ? argv[1] : "data/optout");
    regex_t re;
    unsigned wrong[WAYS] = {0};
    compile_regex(&re);
    printf("%-24s %6s %9s %9s %9s\n", "text", "bytes", "ours us", "regex us", "search us");
    for (size_t t = 0; t < TEXTS; t++) {
        printf("%-24s %6zu", texts[t].name, strlen(texts[t].text));
        for (enum way way = OURS; way < WAYS; way++) {
            printf(" %9.2f", time_one(way, p, &re, texts[t].text));
            wrong[way] += ask(way, p, &re, texts[t].text) != texts[t].stop;
        }
        putchar('\n');
    }
    printf("%-31s %9u %9u %9u\n", "wrong", wrong[OURS], wrong[REGEX], wrong[SEARCH]);
    regfree(&re);
    optout_packs_free(p);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 * test_optout.c - who asks to stop, to start or for help is heard, in every language there is a pack for, and who does not is left alone.
 *
 * The rows of optout_rows.def were written for this test. Where the case sets are, the messages and keywords of public sources and
 * some thousand private messages are judged too. Recall and precision are printed a language; 99 % of each is the
 * least. Packs of the test's own show how entries are added, taken out and taken back, and what a wrong file is told. */
#include "core/optout.h"

#include <dirent.h>

#include "base/json.h"
#include "t.h"

#define TEXT_MAX 8192
#define LEAST    990 /* per mille */

static struct optout_packs *shipped;

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long n = ftell(f);
    rewind(f);
    char *text = malloc((size_t)n + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)n, f), n);
    text[n] = '\0';
    fclose(f);
    return text;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int load(void **state)
{
    (void)state;
    char folder[512], path[1024], *names[OPTOUT_PACKS_MAX], *texts[OPTOUT_PACKS_MAX];
    const char *root = getenv("WAYLEAVE_SOURCE_ROOT");
    struct err e = {0};
    size_t n = 0;
    snprintf(folder, sizeof folder, "%s/data/optout", root ? root : ".");
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        if (!str_ends(str_of(entry->d_name), STR(".yaml")))
            continue;
        assert_true(n < OPTOUT_PACKS_MAX);
        names[n] = malloc(strlen(entry->d_name) + 1);
        memcpy(names[n], entry->d_name, strlen(entry->d_name) + 1);
        n++;
    }
    closedir(d);
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        texts[i] = slurp(path);
    }
    int rc = optout_packs_compile(&shipped, (const char *const *)names, (const char *const *)texts, n, &e);
    assert_ok(rc, e);
    for (size_t i = 0; i < n; i++) {
        free(names[i]);
        free(texts[i]);
    }
    return 0;
}

static int unload(void **state)
{
    (void)state;
    optout_packs_free(shipped);
    return 0;
}

/* ---- counting ---- */

struct count {
    char language[12];
    unsigned found, missed, wrong, right;
};
struct counts {
    size_t n;
    struct count of[64];
    unsigned errors;
};

static struct count *count_of(struct counts *c, const char *language)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->of[i].language, language) == 0)
            return &c->of[i];
    assert_true(c->n < 64);
    snprintf(c->of[c->n].language, sizeof c->of[0].language, "%s", language);
    return &c->of[c->n++];
}

/* One message: whether it is taken as it is meant. Only an opt-out that is missed or made up counts against recall and precision. */
static void judge_one(struct counts *c, const char *language, enum optout_verdict want, struct str text)
{
    struct optout_finding f;
    optout_judge(shipped, text, str_of(language), &f);
    struct count *of[] = {count_of(c, language), count_of(c, "all")};
    for (size_t i = 0; i < 2; i++)
        (*(want == OPTOUT_STOP        ? f.verdict == OPTOUT_STOP ? &of[i]->found : &of[i]->missed
           : f.verdict == OPTOUT_STOP ? &of[i]->wrong
                                      : &of[i]->right))++;
    if (f.verdict == want)
        return;
    c->errors++;
    fprintf(stderr, "  %s: want %s, got %s by %s%s%s: %.*s\n", language, optout_verdict_name(want),
            optout_verdict_name(f.verdict), f.rule, f.taken_back[0] ? " but for " : "", f.taken_back,
            (int)(text.n > 120 ? 120 : text.n), text.p);
}

static unsigned per_mille(unsigned part, unsigned rest)
{
    return part + rest == 0 ? 1000 : part * 1000 / (part + rest);
}

/* Languages with few rows are printed; the whole must be good enough, and each language that has enough rows to say so. */
static void report(const char *what, struct counts *c)
{
    unsigned bad = 0;
    fprintf(stderr, "%s\n  language  rows  recall  precision\n", what);
    for (size_t i = 0; i < c->n; i++) {
        const struct count *k = &c->of[i];
        unsigned recall = per_mille(k->found, k->missed), precision = per_mille(k->found, k->wrong);
        fprintf(stderr, "  %-8s %5u  %5.1f%%     %5.1f%%\n", k->language, k->found + k->missed + k->wrong + k->right,
                recall / 10.0, precision / 10.0);
        bad +=
            (strcmp(k->language, "all") == 0 || k->found + k->missed >= 100) && (recall < LEAST || precision < LEAST);
    }
    assert_int_equal(bad, 0);
}

/* ---- our own rows ---- */

#define STOP                      OPTOUT_STOP
#define START                     OPTOUT_START
#define HELP                      OPTOUT_HELP
#define NOTHING                   OPTOUT_NOTHING
#define ROW(language, want, text) {language, want, text},
static const struct {
    const char *language;
    enum optout_verdict want;
    const char *text;
} rows[] = {
#include "optout_rows.def"
};
#undef ROW

/* These are ours, so none may be wrong; and the language is told only once in a while, so it must not be needed. */
TEST(own_rows)
{
    struct counts c = {0}, blind = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct optout_finding f;
        judge_one(&c, rows[i].language, rows[i].want, str_of(rows[i].text));
        optout_judge(shipped, str_of(rows[i].text), STR(""), &f);
        if (f.verdict != rows[i].want) {
            blind.errors++;
            fprintf(stderr, "  without its language (%s): %s by %s: %s\n", rows[i].language,
                    optout_verdict_name(f.verdict), f.rule, rows[i].text);
        }
    }
    report("own rows", &c);
    assert_int_equal(c.errors, 0);
    assert_int_equal(blind.errors, 0);
}

/* ---- public sources ---- */

static enum optout_verdict verdict_of(struct str s)
{
    return str_eq(s, STR("opt_out")) || str_eq(s, STR("opt_out_pattern")) ? STOP
           : str_eq(s, STR("opt_in"))                                     ? START
           : str_eq(s, STR("help"))                                       ? HELP
                                                                          : NOTHING;
}

static void copy(char *to, size_t size, struct str from)
{
    snprintf(to, size, "%.*s", (int)from.n, from.n ? from.p : "");
}

TEST(public_messages)
{
    const char *path = case_file("optout/messages.jsonl");
    if (path == NULL)
        skip_loudly("the case sets are not here (WAYLEAVE_CASES)");
    FILE *f = fopen(path, "r");
    struct json_parser *parser = json_parser_create();
    struct counts c = {0};
    char line[TEXT_MAX], language[12];
    while (fgets(line, sizeof line, f) != NULL) {
        struct json row;
        struct err e = {0};
        bool ambiguous = false;
        assert_ok(json_parse(parser, str_of(line), false, &row, &e), e);
        copy(language, sizeof language, json_str_or(json_get(row, "lang"), STR("")));
        if (!(json_bool(json_get(row, "ambiguous"), &ambiguous) && ambiguous))
            judge_one(&c, language, verdict_of(json_str_or(json_get(row, "expect"), STR(""))),
                      json_str_or(json_get(row, "text"), STR("")));
    }
    fclose(f);
    json_parser_free(parser);
    report("messages of public sources", &c);
}

/* "yes" grants nothing by itself and a bare "non" refuses nothing: they are answers. */
TEST(public_keywords)
{
    const char *path = case_file("optout/keywords.tsv");
    if (path == NULL)
        skip_loudly("the case sets are not here (WAYLEAVE_CASES)");
    FILE *f = fopen(path, "r");
    struct counts c = {0};
    char line[TEXT_MAX], language[12];
    assert_non_null(fgets(line, sizeof line, f));
    while (fgets(line, sizeof line, f) != NULL) {
        struct str rest = str_trim(str_of(line)), lang = str_cut(rest, '\t', &rest),
                   action = str_cut(rest, '\t', &rest), word = str_cut(rest, '\t', &rest);
        enum optout_verdict want = verdict_of(action);
        enum optout_answer answer = optout_answer(shipped, word, lang);
        copy(language, sizeof language, lang);
        if (want == START && answer == OPTOUT_YES)
            continue;
        judge_one(&c, language, want, word);
    }
    fclose(f);
    report("keywords of public sources", &c);
}

/* What people write to each other holds "stop" and "cancel", and hardly ever asks a business for anything. */
TEST(private_messages)
{
    const char *path = case_file("spam/messages.jsonl");
    if (path == NULL)
        skip_loudly("the case sets are not here (WAYLEAVE_CASES)");
    FILE *f = fopen(path, "r");
    struct json_parser *parser = json_parser_create();
    unsigned n = 0, taken = 0;
    char line[TEXT_MAX];
    while (fgets(line, sizeof line, f) != NULL) {
        struct json row;
        struct optout_finding found;
        bool translated = false;
        if (json_parse(parser, str_of(line), false, &row, NULL) != 0 ||
            !str_eq(json_str_or(json_get(row, "label"), STR("")), STR("ham")) ||
            (json_bool(json_get(row, "machine_translated"), &translated) && translated))
            continue;
        struct str text = json_str_or(json_get(row, "text"), STR(""));
        optout_judge(shipped, text, STR(""), &found);
        n++;
        if (found.verdict == NOTHING)
            continue;
        taken++;
        fprintf(stderr, "  %s by %s: %.*s\n", optout_verdict_name(found.verdict), found.rule,
                (int)(text.n > 120 ? 120 : text.n), text.p);
    }
    fclose(f);
    json_parser_free(parser);
    fprintf(stderr, "private messages: %u of %u taken for a request\n", taken, n);
    assert_true(n > 1000 && taken * 500 <= n);
}

/* ---- what a finding says ---- */

static void check_scope(const char *text, const char *want)
{
    struct optout_finding f;
    struct buf b;
    buf_init(&b, 200);
    optout_judge(shipped, str_of(text), STR("en"), &f);
    consent_scope_text(f.scope, &b);
    if (f.verdict != STOP || strcmp(buf_cstr(&b), want) != 0)
        fail_msg("\"%s\": %s, %s by %s, want %s", text, optout_verdict_name(f.verdict), buf_cstr(&b), f.rule, want);
    buf_done(&b);
}

TEST(scopes)
{
    check_scope("STOP", "marketing");
    check_scope("unsubscribe me please", "marketing");
    check_scope("stop all", "all");
    check_scope("STOPALL", "all");
    check_scope("Stop everything!", "all");
    check_scope("never contact me again", "all");
    check_scope("delete my number", "all");
    check_scope("wrong number", "all");
    check_scope("stop calling me", "marketing,calls");
    check_scope("stop sending me order updates", "utility");
    check_scope("no more reminders", "utility");
    check_scope("Stop the appointment reminders and the offers", "marketing,utility");
    check_scope("no quiero más publicidad", "marketing");
    check_scope("bitte keine Anrufe mehr", "marketing,calls");
}

TEST(findings_name_what_made_them)
{
    struct optout_finding f;
    struct str text = STR("Hello \xF0\x9F\x98\x80, PLEASE  un-subscribe me!! thanks");
    optout_judge(shipped, text, STR("en_GB"), &f);
    assert_int_equal(f.verdict, STOP);
    assert_string_equal(f.language, "en");
    assert_true(str_starts(str_of(f.rule), STR("en.")));
    assert_non_null(memmem(f.matched.p, f.matched.n, "un-subscribe", 12));
    assert_true(f.matched.p > text.p && f.matched.p < text.p + text.n);
    assert_string_equal(f.taken_back, "");

    optout_judge(shipped, STR("don't stop texting me"), STR(""), &f);
    assert_int_equal(f.verdict, NOTHING);
    assert_string_equal(f.taken_back, "en.unless.not-stop");
    assert_true(f.rule[0] != '\0' && f.scope == 0);

    optout_judge(shipped, STR("START ... no wait, STOP"), STR(""), &f);
    assert_int_equal(f.verdict, STOP); /* the stricter */
    optout_judge(shipped, STR("info"), STR("de"), &f);
    assert_string_equal(f.language, "de"); /* theirs, where several have it */
    optout_judge(shipped, STR("info"), STR("it-CH"), &f);
    assert_string_equal(f.language, "it");
}

TEST(answers)
{
    static const struct {
        const char *text;
        enum optout_answer want;
    } table[] = {
        {"Yes", OPTOUT_YES},
        {"yes please!", OPTOUT_YES},
        {"S\xC3\xAD", OPTOUT_YES},
        {"oui merci", OPTOUT_YES},
        {"START", OPTOUT_YES},
        {"No", OPTOUT_NO},
        {"no thanks", OPTOUT_NO},
        {"nein danke", OPTOUT_NO},
        {"STOP", OPTOUT_NO},
        {"not interested", OPTOUT_NO},
        {"yes, stop", OPTOUT_NO},
        {"maybe", OPTOUT_NEITHER},
        {"who is this?", OPTOUT_NEITHER},
        {"", OPTOUT_NEITHER},
        {"yes but when do you open?", OPTOUT_NEITHER},
        {"don't stop", OPTOUT_NEITHER},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (optout_answer(shipped, str_of(table[i].text), STR("")) != table[i].want)
            fail_msg("\"%s\"", table[i].text);
}

TEST(every_language_has_all_we_say)
{
    static const char *const keys[] = {"stopped", "started", "help", "welcome", "reminder"};
    static const char *const languages[] = {"ar", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he",
                                            "hi", "hu", "id", "it", "ja", "ko", "ms", "nb", "nl", "pl", "pt",
                                            "ro", "ru", "sv", "th", "tr", "uk", "ur", "vi", "zh"};
    struct str in;
    for (size_t l = 0; l < sizeof languages / sizeof languages[0]; l++)
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            struct str text = optout_says(shipped, str_of(languages[l]), keys[k], &in);
            assert_str(in, languages[l]);
            assert_non_null(memmem(text.p, text.n, "{business}", 10));
        }
    assert_true(optout_says(shipped, STR("pt_BR"), "help", &in).n > 0);
    assert_str(in, "pt");
    assert_true(optout_says(shipped, STR("sw"), "help", &in).n > 0);
    assert_str(in, "en");
    assert_null(optout_says(shipped, STR("en"), "farewell", &in).p);
}

/* The words each text tells people to write must be understood. */
TEST(what_we_tell_people_to_write_is_understood)
{
    static const char *const languages[] = {"ar", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he",
                                            "hi", "hu", "id", "it", "ja", "ko", "ms", "nb", "nl", "pl", "pt",
                                            "ro", "ru", "sv", "th", "tr", "uk", "ur", "vi", "zh"};
    static const char *const stop[] = {"إلغاء",    "STOP",  "STOP",  "STOPP",  "ΔΙΑΓΡΑΦΗ", "STOP",     "BAJA",  "لغو",
                                       "LOPETA",   "ARRÊT", "הסר",   "बंद करो", "STOP",     "BERHENTI", "BASTA", "停止",
                                       "수신거부", "HENTI", "STOPP", "STOP",   "STOP",     "SAIR",     "STOP",  "СТОП",
                                       "STOPP",    "หยุด",   "IPTAL", "СТОП",   "بند کریں", "HỦY",      "退订"};
    static const char *const start[] = {"ابدأ",         "PŘIHLÁSIT", "TILMELD", "START",     "ΕΓΓΡΑΦΗ", "START",
                                        "ALTA",         "شروع",      "ALOITA",  "REPRENDRE", "התחל",    "शुरू",
                                        "FELIRATKOZÁS", "MULAI",     "INIZIA",  "再開",      "시작",    "MULA",
                                        "MELD PÅ",      "AANMELDEN", "ZAPISZ",  "VOLTAR",    "ABONARE", "СТАРТ",
                                        "STARTA",       "เริ่ม",       "BAŞLAT",  "СТАРТ",     "شروع",    "BẮT ĐẦU",
                                        "开始"};
    static const char *const yes[] = {"نعم", "ANO",  "JA", "JA", "ΝΑΙ",  "YES", "SÍ",  "بله", "KYLLÄ", "OUI", "כן",
                                      "हाँ",  "IGEN", "YA", "SÌ", "はい", "네",  "YA",  "JA",  "JA",    "TAK", "SIM",
                                      "DA",  "ДА",   "JA", "ใช่", "EVET", "ТАК", "ہاں", "CÓ",  "是"};
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++) {
        struct optout_finding f;
        struct str language = str_of(languages[i]);
        optout_judge(shipped, str_of(stop[i]), language, &f);
        if (f.verdict != STOP)
            fail_msg("%s: %s", languages[i], stop[i]);
        optout_judge(shipped, str_of(start[i]), language, &f);
        if (f.verdict != START)
            fail_msg("%s: %s", languages[i], start[i]);
        if (optout_answer(shipped, str_of(yes[i]), language) != OPTOUT_YES)
            fail_msg("%s: %s", languages[i], yes[i]);
        struct str in, text = optout_says(shipped, language, "help", &in);
        assert_non_null(memmem(text.p, text.n, stop[i], strlen(stop[i])));
        assert_non_null(memmem(text.p, text.n, start[i], strlen(start[i])));
        text = optout_says(shipped, language, "welcome", &in);
        assert_non_null(memmem(text.p, text.n, yes[i], strlen(yes[i])));
    }
}

/* ---- bounds ---- */

TEST(any_text_is_judged_quickly)
{
    static const char *const seeds[] = {
        "stop ", "s", "dont want to ", "\xE9\x80\x80", "a b c ", "\xF0\x9F\x98\x80", "please stop sending me all your ",
        "\xFF"};
    char text[OPTOUT_TEXT_MAX + 100];
    struct optout_finding f;
    for (size_t s = 0; s < sizeof seeds / sizeof seeds[0]; s++) {
        size_t n = strlen(seeds[s]), at = 0;
        for (; at + n <= sizeof text; at += n)
            memcpy(text + at, seeds[s], n);
        optout_judge(shipped, (struct str){text, at}, STR("en"), &f);
        assert_true(f.matched.n == 0 || (f.matched.p >= text && f.matched.p + f.matched.n <= text + sizeof text));
    }
}

/* Of a long text the first and the last 4,096 bytes are read, and what lies between is not. */
TEST(long_texts_are_read_at_both_ends)
{
    static const size_t places[] = {0, OPTOUT_TEXT_MAX - 40, OPTOUT_TEXT_MAX + 40, 3 * OPTOUT_TEXT_MAX - 40};
    static const enum optout_verdict want[] = {STOP, STOP, NOTHING, STOP};
    char text[3 * OPTOUT_TEXT_MAX];
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct optout_finding f;
        memset(text, ' ', sizeof text);
        memcpy(text + places[i], "stop texting me.", 16);
        optout_judge(shipped, (struct str){text, sizeof text}, STR("en"), &f);
        assert_int_equal(f.verdict, want[i]);
        assert_true(f.matched.n == 0 || f.matched.p >= text + places[i]);
    }
}

/* Every word that stands alone in a pack is understood by who speaks that language, whatever it means in another. */
TEST(every_word_listed_gives_its_own_verdict)
{
    struct optout_pattern x;
    unsigned bad = 0;
    for (size_t i = 0; optout_pattern_at(shipped, i, &x); i++) {
        if (!x.whole || x.gone || memchr(x.text.p, '$', x.text.n) != NULL)
            continue;
        struct optout_finding f;
        struct str language = str_of(x.language);
        optout_judge(shipped, x.text, language, &f);
        enum optout_answer answer = optout_answer(shipped, x.text, language);
        bool right = strcmp(x.does, "yes") == 0  ? answer == OPTOUT_YES && f.verdict == NOTHING
                     : strcmp(x.does, "no") == 0 ? answer == OPTOUT_NO && f.verdict == NOTHING
                                                 : strcmp(x.does, optout_verdict_name(f.verdict)) == 0;
        bad += !right;
        if (!right)
            fprintf(stderr, "  %s says %s, got %s by %s, answer %d, taken back by %s\n", x.id, x.does,
                    optout_verdict_name(f.verdict), f.rule, (int)answer, f.taken_back);
    }
    assert_int_equal(bad, 0);
}

/* ---- packs of one's own ---- */

#define BASE                                                                                                           \
    "language: en\n"                                                                                                   \
    "words: {me: [me, us], send: [text, write to]}\n"                                                                  \
    "fill: [please]\n"                                                                                                 \
    "stop:\n"                                                                                                          \
    "  keywords: [stop]\n"                                                                                             \
    "  exact: [end]\n"                                                                                                 \
    "  phrases:\n"                                                                                                     \
    "    dont-send: [\"(don't|do not) <send> ~2 <me>\"]\n"                                                             \
    "    calls: {say: [\"no calls\"], scope: calls}\n"                                                                 \
    "    surely: {say: [\"never ever\"], firm: true}\n"                                                                \
    "unless: {jokes: [\"just kidding\", \"never\"]}\n"                                                                 \
    "says: {help: \"{business} helps\"}\n"

static void judge_with(const char *more, const char *text, enum optout_verdict want, const char *rule)
{
    static const char *const names[] = {"base.yaml", "more.yaml"};
    const char *texts[] = {BASE, more};
    struct optout_packs *p = NULL;
    struct optout_finding f;
    struct err e = {0};
    assert_ok(optout_packs_compile(&p, names, texts, more ? 2 : 1, &e), e);
    optout_judge(p, str_of(text), STR(""), &f);
    if (f.verdict != want || (rule && strcmp(f.rule, rule) != 0))
        fail_msg("\"%s\": %s by \"%s\"", text, optout_verdict_name(f.verdict), f.rule);
    optout_packs_free(p);
}

TEST(packs_extend_and_take_out)
{
    judge_with(NULL, "please stop", STOP, "en.keyword.stop");
    judge_with(NULL, "I am here. Stop", STOP, "en.keyword.stop");
    judge_with(NULL, "I am here. End", NOTHING, ""); /* exact: the whole message */
    judge_with(NULL, "End", STOP, "en.keyword.end");
    judge_with(NULL, "don't write to any of us", STOP, "en.phrase.dont-send");
    judge_with(NULL, "don't write to any one of us", NOTHING, "");
    judge_with(NULL, "never ever", STOP, "en.phrase.surely");
    judge_with(NULL, "quit", NOTHING, "");
    judge_with("language: en\nstop: {exact: [quit]}\n", "quit", STOP, "en.keyword.quit");
    judge_with("language: en\nstop: {exact: [quit]}\n", "stop", STOP, "en.keyword.stop");
    judge_with("language: en\nwithout: [en.keyword.stop]\n", "stop", NOTHING, "");
    judge_with("language: en\nwithout: [en.unless.jokes]\nstop: {phrases: {nv: [\"never\"]}}\n", "never", STOP,
               "en.phrase.nv");
    judge_with("language: en\nstop: {phrases: {nv: [\"never\"]}}\n", "never", NOTHING, "en.phrase.nv");
    judge_with("language: en\nwords: {send: [ping]}\n", "dont ping me", STOP,
               "en.phrase.dont-send"); /* the class grew */
    judge_with("language: en\nspelled: {stop: [halt]}\n", "halt", STOP, "en.keyword.stop");
    judge_with("language: xx\ntypos: [abonnieren]\nstop: {exact: [abonnieren]}\n", "abonieren", STOP,
               "xx.keyword.abonnieren");
}

TEST(wrong_packs_are_told_where)
{
    static const struct {
        const char *text, *says;
    } table[] = {
        {"stop: {exact: [a]}\n", "needs `language`"},
        {"language: EN\n", "language like en or pt_BR"},
        {"language: en\nstopp: {}\n", "stop"},
        {"language: en\nstop: {keyword: [x]}\n", "keywords"},
        {"language: en\nstop:\n  phrases:\n    a: [\"stop <nosuch>\"]\n", "<nosuch> is no class"},
        {"language: en\nstop:\n  phrases:\n    a: [\"please? stop\"]\n", "must not be optional"},
        {"language: en\nstop:\n  phrases:\n    a: [\"~2 stop\"]\n", "must not be optional"},
        {"language: en\nstop:\n  phrases:\n    a: [\"stop ~99 me\"]\n", "1 to 12"},
        {"language: en\nstop:\n  phrases:\n    a: [\"stop (me\"]\n", "is not closed"},
        {"language: en\nstop:\n  phrases:\n    a: [\"stop (a|) me\"]\n", "has no word"},
        {"language: en\nstop:\n  phrases:\n    a: [\"stop me)\"]\n", "stands alone"},
        {"language: en\nstop:\n  phrases:\n    a: [\"^ $\"]\n", "without words"},
        {"language: en\nstop:\n  phrases:\n    a: {scope: all}\n", "needs `say`"},
        {"language: en\nstop:\n  phrases:\n    a: {say: [x], scope: shoes}\n", "must be categories"},
        {"language: en\nstop: {exact: [a b c d e f g h i j k l m n o p q r s t u v w x y z]}\n", "parts"},
        {"language: en\nwords: {Bad: [x]}\n", "small letters"},
        {"language: en\nwithout: [en.keyword.nosuch]\n", "no pack before this one"},
        {"language: en\nstop: {exact: [a]}\nstart: {exact: [a]}\n", "two headings"},
        {"language: en\nsays: {bye: x}\n", "help"},
        {"language: en\nsays: {help: \"\"}\n", "1 to 1024"},
        {"language: en\nsays: {help: \"Dear {name}\"}\n", "must not have {name}: the only placeholder is {business}"},
        {"language: en\nscopes: {shoes: [x]}\n", "scope"},
        {"language: en\nfill: {a: b}\n", "list of texts"},
        {"language: en\ntypos: [two words]\n", "one word"},
        {"language: en\nspelled: {stop: [two words]}\n", "one word"},
    };
    static const char *const name = "mine.yaml";
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct optout_packs *p = NULL;
        struct err e = {0};
        int rc = optout_packs_compile(&p, &name, &table[i].text, 1, &e);
        if (rc != WL_EINVAL || strstr(e.text, table[i].says) == NULL || strncmp(e.text, "mine.yaml:", 10) != 0)
            fail_msg("row %zu: %d \"%s\", want \"%s\"", i, rc, e.text, table[i].says);
        assert_null(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(own_rows),
        T(public_messages),
        T(public_keywords),
        T(private_messages),
        T(scopes),
        T(findings_name_what_made_them),
        T(answers),
        T(every_language_has_all_we_say),
        T(what_we_tell_people_to_write_is_understood),
        T(any_text_is_judged_quickly),
        T(long_texts_are_read_at_both_ends),
        T(every_word_listed_gives_its_own_verdict),
        T(packs_extend_and_take_out),
        T(wrong_packs_are_told_where),
    };
    return cmocka_run_group_tests(tests, load, unload);
}

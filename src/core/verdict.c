/* SPDX-License-Identifier: Apache-2.0
 * verdict.c - the table of verdicts, and which verdict other parts' reasons are.
 *
 * A reason of a filter or of a table that has no verdict of its own here would be "ok": the tests go through all. */
#include "core/verdict.h"

#include "core/table_split.h"

static const struct {
    const char *word, *sentence, *next;
    enum verdict_class class;
} verdicts[VERDICTS] = {
#define VERDICT(name, word, class, sentence, next) {word, sentence, next, VERDICT_##class},
#include "core/verdict.def"
#undef VERDICT
};

const char *verdict_word(enum verdict v)
{
    return verdicts[v].word;
}

enum verdict_class verdict_class(enum verdict v)
{
    return verdicts[v].class;
}

const char *verdict_sentence(enum verdict v)
{
    return verdicts[v].sentence;
}

const char *verdict_next(enum verdict v)
{
    return verdicts[v].next;
}

int verdict_of_word(struct str word)
{
    for (int i = 0; i < VERDICTS; i++)
        if (str_eq(word, str_of(verdicts[i].word)))
            return i;
    return -1;
}

enum verdict verdict_of_filter(enum number_filter_why why)
{
    static const uint8_t of[NUMBER_FILTER_WHYS] = {
        [NUMBER_WANTED] = VERDICT_OK,
        [NUMBER_OTHER_VALIDITY] = VERDICT_OTHER_VALIDITY,
        [NUMBER_OTHER_COUNTRY] = VERDICT_OTHER_COUNTRY,
        [NUMBER_OTHER_TYPE] = VERDICT_OTHER_TYPE,
        [NUMBER_OTHER_NETWORK] = VERDICT_OTHER_NETWORK,
        [NUMBER_OTHER_ZONE] = VERDICT_OTHER_ZONE,
        [NUMBER_OTHER_RANGE] = VERDICT_OTHER_RANGE,
        [NUMBER_OTHER_VALUE] = VERDICT_OTHER_VALUE,
    };
    return (enum verdict)of[why];
}

enum verdict verdict_of_problem(int problem)
{
    static const uint8_t of[TABLE_PROBLEMS] = {
        [TABLE_RIGHT] = VERDICT_OK,
        [TABLE_LONG_CELL] = VERDICT_LONG_CELL,
        [TABLE_NUL] = VERDICT_NUL_BYTE,
        [TABLE_ENCODING] = VERDICT_BAD_ENCODING,
        [TABLE_UNCLOSED] = VERDICT_BROKEN_ROW,
        [TABLE_BEHIND_QUOTE] = VERDICT_BROKEN_ROW,
        [TABLE_LONG_ROW] = VERDICT_BROKEN_ROW,
        [TABLE_MANY_CELLS] = VERDICT_BROKEN_ROW,
        [TABLE_CUT] = VERDICT_BROKEN_ROW,
        [TABLE_DAMAGED] = VERDICT_BROKEN_ROW,
    };
    return (enum verdict)of[problem];
}

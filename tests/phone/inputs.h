/* SPDX-License-Identifier: Apache-2.0
 * inputs.h - texts to be read as phone numbers, made without end from a seed and the tables. For the proof and the benchmark. */
#ifndef WL_TESTS_PHONE_INPUTS_H
#define WL_TESTS_PHONE_INPUTS_H

#include "core/phone_number.h"

enum input_kind {
    INPUT_MIXED,  /* as lists hold them: all regions by weight, spelt in many ways, a few damaged */
    INPUT_RANDOM, /* random digits, with or without a plus */
    INPUT_NEAR,   /* a valid number with a digit changed, lost or added, national or international */
    INPUT_HARD,   /* the regions whose prefix rules are more than one digit, with what may be dialled before a number */
    INPUT_HOSTILE, /* digits between odd pieces: other scripts, extensions, links, broken UTF-8 */
    INPUT_KINDS
};

#define INPUT_MAX 200

struct inputs {
    const struct phone_data *d;
    uint64_t state;
};

struct input {
    char text[INPUT_MAX];
    size_t n;
    int region; /* the default one, 0 none */
};

uint64_t inputs_random(struct inputs *g, uint64_t below);
void inputs_next(struct inputs *g, enum input_kind kind, struct input *ret);

/* Digits of a random cell of the plan: valid ones if there are any of that length. Returns how many. */
size_t inputs_cell(struct inputs *g, uint32_t plan, char ret[PHONE_NSN_MAX + 1]);

/* Calls back once for every decision cell of every plan, with digits that lie in it. */
void inputs_cells(struct inputs *g, void (*cell)(void *, unsigned code, struct str nsn), void *arg);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * phone_regex.c - a recursive reader of the little language that numbering plans are written in.
 *
 * It knows digits, \d, ".", [0-9] and [^0-9], (group), (?:no group), |, ?, {n}, {n,m}, "$" and "~" (a pause in dialling, which no digit is). All of them
 * mean what they mean in Perl. Every repetition has an end, so a program is straight: an atom is emitted once and copied as often as it may
 * repeat, which is possible because all jumps are relative. It refuses what has no end (* + {n,}), what looks ahead or back,
 * counts that fall, and patterns nested deeper or growing longer than any plan's. */
#include "core/phone_regex.h"

#define DEPTH_MAX  40
#define REPEAT_MAX 40
#define ALL_DIGITS 0x3ffu

struct regex {
    struct str text;
    size_t at;
    struct buf *out;
    unsigned depth, groups;
    struct err *e;
};

static int wrong(const struct regex *r, const char *what)
{
    return err_set(r->e, WL_EINVAL, "%s at character %zu of the pattern", what, r->at + 1);
}

static size_t steps(const struct regex *r)
{
    return r->out->len / sizeof(struct phone_step);
}

static struct phone_step *step_at(const struct regex *r, size_t i)
{
    return (struct phone_step *)(void *)r->out->data + i;
}

static int emit(struct regex *r, enum phone_step_op op, unsigned arg)
{
    struct phone_step s = {(uint16_t)op, (uint16_t)arg};
    if (steps(r) >= PHONE_REGEX_STEPS_MAX || !buf_put(r->out, &s, sizeof s))
        return err_set(r->e, WL_ETOOBIG, "the pattern needs more than %d steps", PHONE_REGEX_STEPS_MAX);
    return 0;
}

/* A step before those from `at` on. */
static int insert(struct regex *r, size_t at, enum phone_step_op op, unsigned arg)
{
    int rc = emit(r, op, arg);
    if (rc != 0)
        return rc;
    memmove(step_at(r, at + 1), step_at(r, at), (steps(r) - 1 - at) * sizeof(struct phone_step));
    *step_at(r, at) = (struct phone_step){(uint16_t)op, (uint16_t)arg};
    return 0;
}

static int peek(const struct regex *r)
{
    return r->at < r->text.n ? (unsigned char)r->text.p[r->at] : -1;
}

static bool take(struct regex *r, const char *what)
{
    size_t n = strlen(what);
    if (!str_starts((struct str){r->text.p + r->at, r->text.n - r->at}, (struct str){what, n}))
        return false;
    r->at += n;
    return true;
}

static bool take_digit(struct regex *r, unsigned *ret)
{
    int c = peek(r);
    if (c < '0' || c > '9')
        return false;
    *ret = (unsigned)(c - '0');
    r->at++;
    return true;
}

/* Behind "[". */
static int read_class(struct regex *r)
{
    bool not = take(r, "^");
    unsigned set = 0, from, to;
    while (!take(r, "]")) {
        if (take(r, "\\d")) {
            set |= ALL_DIGITS;
            continue;
        }
        if (!take_digit(r, &from))
            return wrong(r, "only digits are known in []");
        to = from;
        if (take(r, "-") && !take_digit(r, &to))
            return wrong(r, "a range in [] has no end");
        if (to < from)
            return wrong(r, "a range in [] runs backwards");
        for (unsigned d = from; d <= to; d++)
            set |= 1u << d;
    }
    return emit(r, PHONE_DIGIT, not ? ~set & ALL_DIGITS : set);
}

static int read_choice(struct regex *r);

/* Behind "(". */
static int read_group(struct regex *r)
{
    unsigned group = 0;
    int rc = 0;
    if (++r->depth > DEPTH_MAX)
        return wrong(r, "too many brackets in brackets");
    if (!take(r, "?:")) {
        if (peek(r) == '?')
            return wrong(r, "nothing that looks ahead or back is known");
        group = ++r->groups;
        if (group > PHONE_GROUPS_MAX)
            return wrong(r, "too many groups");
        rc = emit(r, PHONE_SAVE, 2 * group);
    }
    if (rc == 0)
        rc = read_choice(r);
    if (rc == 0 && !take(r, ")"))
        rc = wrong(r, "a bracket is not closed");
    if (rc == 0 && group > 0)
        rc = emit(r, PHONE_SAVE, 2 * group + 1);
    r->depth--;
    return rc;
}

static int read_atom(struct regex *r)
{
    unsigned d;
    if (take_digit(r, &d))
        return emit(r, PHONE_DIGIT, 1u << d);
    if (take(r, "\\d") || take(r, "."))
        return emit(r, PHONE_DIGIT, ALL_DIGITS);
    if (take(r, "~"))
        return emit(r, PHONE_DIGIT, 0);
    if (take(r, "$"))
        return emit(r, PHONE_END, 0);
    if (take(r, "["))
        return read_class(r);
    if (take(r, "("))
        return read_group(r);
    return wrong(r, "a sign that patterns of plans do not know");
}

static int read_count(struct regex *r, unsigned *ret)
{
    unsigned d, n = 0;
    size_t from = r->at;
    while (take_digit(r, &d) && n <= REPEAT_MAX)
        n = n * 10 + d;
    if (r->at == from)
        return wrong(r, "a number is missing in {}");
    if (n > REPEAT_MAX)
        return wrong(r, "too large a number in {}");
    *ret = n;
    return 0;
}

/* "?", "{3}", "{3,5}" or nothing. */
static int read_repeat(struct regex *r, unsigned *ret_least, unsigned *ret_most)
{
    *ret_least = *ret_most = 1;
    if (take(r, "?")) {
        *ret_least = 0;
    } else if (take(r, "{")) {
        int rc = read_count(r, ret_least);
        *ret_most = *ret_least;
        if (rc == 0 && take(r, ","))
            rc = read_count(r, ret_most);
        if (rc == 0 && *ret_most < *ret_least)
            rc = wrong(r, "the numbers in {} fall");
        if (rc == 0 && !take(r, "}"))
            rc = wrong(r, "{ is not closed");
        if (rc != 0)
            return rc;
    }
    int c = peek(r);
    return c == '?' || c == '*' || c == '+' || c == '{' ? wrong(r, "this way of repeating is not known") : 0;
}

/* The steps from `at` on, which are one atom, `least` times, and up to `most` times if possible. */
static int repeat(struct regex *r, size_t at, unsigned least, unsigned most)
{
    size_t size = steps(r) - at, from = at;
    int rc = 0;
    if (most == 0) {
        r->out->len = at * sizeof(struct phone_step);
        return 0;
    }
    if (least == 0)
        rc = insert(r, from++, PHONE_SPLIT, 0);
    for (unsigned i = 1; i < most && rc == 0; i++) {
        if (i >= least)
            rc = emit(r, PHONE_SPLIT, 0);
        for (size_t j = 0; j < size && rc == 0; j++) {
            struct phone_step s = *step_at(r, from + j);
            rc = emit(r, s.op, s.arg);
        }
    }
    /* Every SPLIT put in here leads behind the last copy. */
    size_t end = steps(r), copy = at;
    for (unsigned i = 0; i < most && rc == 0; i++) {
        if (i >= least) {
            step_at(r, copy)->arg = (uint16_t)(end - copy);
            copy++;
        }
        copy += size;
    }
    return rc;
}

static int read_sequence(struct regex *r)
{
    int rc = 0;
    for (int c = peek(r); rc == 0 && c != -1 && c != '|' && c != ')'; c = peek(r)) {
        size_t at = steps(r);
        unsigned least, most;
        rc = read_atom(r);
        if (rc == 0)
            rc = read_repeat(r, &least, &most);
        if (rc == 0)
            rc = repeat(r, at, least, most);
    }
    return rc;
}

/* a|b|c. Until the end is known, the arg of a JUMP to it is the distance to the JUMP before. */
static int read_choice(struct regex *r)
{
    size_t last = 0;
    bool jumps = false;
    for (;;) {
        size_t at = steps(r);
        int rc = read_sequence(r);
        if (rc != 0)
            return rc;
        if (!take(r, "|"))
            break;
        rc = insert(r, at, PHONE_SPLIT, (unsigned)(steps(r) + 2 - at));
        size_t jump = steps(r);
        if (rc == 0)
            rc = emit(r, PHONE_JUMP, jumps ? (unsigned)(jump - last) : 0);
        if (rc != 0)
            return rc;
        last = jump;
        jumps = true;
    }
    for (size_t end = steps(r); jumps;) {
        struct phone_step *s = step_at(r, last);
        size_t before = s->arg;
        s->arg = (uint16_t)(end - last);
        jumps = before != 0;
        last -= before;
    }
    return 0;
}

int phone_regex_compile(struct str pattern, struct buf *out, uint16_t *ret_groups, struct err *e)
{
    struct regex r = {.text = pattern, .out = out, .e = e};
    buf_clear(out);
    int rc = read_choice(&r);
    if (rc == 0 && r.at < pattern.n)
        rc = wrong(&r, "a bracket closes what was not opened");
    if (rc == 0)
        rc = emit(&r, PHONE_MATCH, 0);
    *ret_groups = (uint16_t)r.groups;
    return rc;
}

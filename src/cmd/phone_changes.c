/* SPDX-License-Identifier: Apache-2.0
 * phone_changes.c - `wayleave phone diff`: what newer numbering plans change, before one uses them.
 *
 * Every number there is counts, none is sampled. First come the totals, then a line for each country code and kind of change, the largest
 * first; --ranges lists the ranges themselves. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cmd/phone_tables.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "core/phone_diff.h"

const struct option phone_diff_options[] = {
    {.name = "ranges", .help = "list every range of numbers, too"},
    {0},
};

#define BUILT_IN    "built-in"
#define LINES_MAX   65536u
#define ANSWER_MAX  (256u << 20)
#define KIND_TEXT   48
#define NUMBER_TEXT 32

struct line {
    unsigned code;
    struct phone_kind before, after;
    uint64_t numbers, ranges;
};

struct changes {
    struct line *line;
    size_t n, room;
    struct buf ranges; /* of --ranges: text or JSON */
    struct json_out json;
    uint64_t gone, come, other;
    bool want_ranges, as_json, failed;
};

static const char *kind_text(const struct phone_kind *k, char out[KIND_TEXT])
{
    if (k->type == PHONE_UNKNOWN_TYPE)
        snprintf(out, KIND_TEXT, "not valid");
    else
        snprintf(out, KIND_TEXT, "%s %s", k->region, phone_type_word((enum phone_type)k->type));
    return out;
}

/* 12345678 as "12,345,678". */
static const char *number_text(uint64_t n, char out[NUMBER_TEXT])
{
    size_t at = NUMBER_TEXT - 1, digits = 0;
    out[at] = '\0';
    do {
        if (digits != 0 && digits % 3 == 0)
            out[--at] = ',';
        out[--at] = (char)('0' + n % 10);
        digits++;
    } while ((n /= 10) != 0);
    return out + at;
}

static bool same_kind(const struct phone_kind *x, const struct phone_kind *y)
{
    return x->type == y->type && strcmp(x->region, y->region) == 0;
}

/* The line a range is counted in; NULL without memory. Ranges come by country code: only its lines are looked at. */
static struct line *line_of(struct changes *c, const struct phone_range_change *r)
{
    for (size_t i = c->n; i-- > 0 && c->line[i].code == r->code;)
        if (same_kind(&c->line[i].before, &r->before) && same_kind(&c->line[i].after, &r->after))
            return &c->line[i];
    if (c->n == c->room) {
        size_t room = c->room == 0 ? 256 : c->room * 2;
        struct line *more = room <= LINES_MAX ? realloc(c->line, room * sizeof *more) : NULL;
        if (more == NULL)
            return NULL;
        c->line = more;
        c->room = room;
    }
    c->line[c->n] = (struct line){.code = r->code, .before = r->before, .after = r->after};
    return &c->line[c->n++];
}

static void put_kind(struct json_out *o, const char *key, const struct phone_kind *k)
{
    bool valid = k->type != PHONE_UNKNOWN_TYPE;
    jo_key(o, key);
    jo_object(o);
    jo_kbool(o, "valid", valid);
    jo_kcstr(o, "region", valid ? k->region : NULL);
    jo_kcstr(o, "type", valid ? phone_type_word((enum phone_type)k->type) : NULL);
    jo_end(o);
}

static void range_json(struct json_out *o, const struct phone_range_change *r)
{
    jo_object(o);
    jo_kint(o, "code", r->code);
    jo_kint(o, "digits", r->digits);
    jo_kcstr(o, "first", r->first);
    jo_kcstr(o, "last", r->last);
    jo_kint(o, "numbers", (int64_t)r->numbers);
    put_kind(o, "before", &r->before);
    put_kind(o, "after", &r->after);
    jo_end(o);
}

/* "+49 15[2-4]xxxxxxx" */
static void range_text(struct buf *b, const struct phone_range_change *r)
{
    char before[KIND_TEXT], after[KIND_TEXT], count[NUMBER_TEXT];
    size_t n = strlen(r->first);
    buf_printf(b, "+%u ", r->code);
    if (strcmp(r->first, r->last) == 0)
        buf_puts(b, r->first);
    else
        buf_printf(b, "%.*s[%c-%c]", (int)n - 1, r->first, r->first[n - 1], r->last[n - 1]);
    for (size_t i = n; i < r->digits; i++)
        buf_putc(b, 'x');
    buf_printf(b, "  %s numbers: %s, now %s\n", number_text(r->numbers, count), kind_text(&r->before, before),
               kind_text(&r->after, after));
}

static bool count(void *ctx, const struct phone_range_change *r)
{
    struct changes *c = ctx;
    struct line *l = line_of(c, r);
    if (l == NULL) {
        c->failed = true;
        return false;
    }
    l->numbers += r->numbers;
    l->ranges++;
    if (r->after.type == PHONE_UNKNOWN_TYPE)
        c->gone += r->numbers;
    else if (r->before.type == PHONE_UNKNOWN_TYPE)
        c->come += r->numbers;
    else
        c->other += r->numbers;
    if (c->want_ranges && c->as_json)
        range_json(&c->json, r);
    else if (c->want_ranges)
        range_text(&c->ranges, r);
    return true;
}

static int by_numbers(const void *x, const void *y)
{
    const struct line *p = x, *q = y;
    if (p->numbers != q->numbers)
        return p->numbers < q->numbers ? 1 : -1;
    if (p->code != q->code)
        return p->code < q->code ? -1 : 1;
    int before = memcmp(&p->before, &q->before, sizeof p->before);
    return before != 0 ? before : memcmp(&p->after, &q->after, sizeof p->after);
}

static void put_lines(struct json_out *o, const struct changes *c)
{
    jo_key(o, "changes");
    jo_array(o);
    for (size_t i = 0; i < c->n; i++) {
        jo_object(o);
        jo_kint(o, "code", c->line[i].code);
        put_kind(o, "before", &c->line[i].before);
        put_kind(o, "after", &c->line[i].after);
        jo_kint(o, "ranges", (int64_t)c->line[i].ranges);
        jo_kint(o, "numbers", (int64_t)c->line[i].numbers);
        jo_end(o);
    }
    jo_end(o);
}

static int print_json(const struct changes *c, const struct phone_tables t[2])
{
    struct buf b;
    struct json_out o;
    buf_init(&b, ANSWER_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kcstr(&o, "before", phone_data_name(&t[0].data));
    jo_kcstr(&o, "after", phone_data_name(&t[1].data));
    jo_kint(&o, "no_longer_valid", (int64_t)c->gone);
    jo_kint(&o, "newly_valid", (int64_t)c->come);
    jo_kint(&o, "other_region_or_type", (int64_t)c->other);
    put_lines(&o, c);
    if (c->want_ranges) {
        jo_key(&o, "ranges");
        jo_raw(&o, buf_str(&c->ranges));
    }
    jo_end(&o);
    int rc = b.failed ? cmd_fail(CMD_FAILED, NULL, "the answer is too large: leave out --ranges") : cmd_print_json(&b);
    buf_done(&b);
    return rc;
}

static void show(const struct changes *c, const struct phone_tables t[2])
{
    char before[KIND_TEXT], after[KIND_TEXT], number[NUMBER_TEXT];
    printf("from %s to %s\n", phone_data_name(&t[0].data), phone_data_name(&t[1].data));
    printf("  no longer valid       %s numbers\n", number_text(c->gone, number));
    printf("  newly valid           %s\n", number_text(c->come, number));
    printf("  other region or type  %s\n", number_text(c->other, number));
    for (size_t i = 0; i < c->n; i++) {
        const struct line *l = &c->line[i];
        printf("%s+%-4u %18s  %s, now %s (%" PRIu64 " range%s)\n", i == 0 ? "\n" : "", l->code,
               number_text(l->numbers, number), kind_text(&l->before, before), kind_text(&l->after, after), l->ranges,
               l->ranges == 1 ? "" : "s");
    }
    if (c->want_ranges && c->ranges.len > 0)
        printf("\n%s", buf_cstr(&c->ranges));
}

static int compare(struct changes *c, const struct phone_tables t[2])
{
    struct err e = {0};
    if (c->as_json) {
        json_out_init(&c->json, &c->ranges);
        jo_array(&c->json);
    }
    int rc = phone_diff(&t[0].data, &t[1].data, count, c, &e);
    if (c->as_json)
        jo_end(&c->json);
    if (rc != 0)
        return cmd_fail(CMD_FAILED, NULL, "%s", e.text);
    if (c->failed || c->ranges.failed)
        return cmd_fail(CMD_FAILED, NULL, "there is more than fits into memory%s",
                        c->want_ranges ? ": leave out --ranges" : "");
    if (c->n > 0)
        qsort(c->line, c->n, sizeof c->line[0], by_numbers);
    if (c->as_json)
        return print_json(c, t);
    show(c, t);
    return CMD_OK;
}

static int open_one(const char *word, struct phone_tables *ret)
{
    struct err e = {0};
    return phone_tables_read(strcmp(word, BUILT_IN) == 0 ? NULL : word, ret, &e) == 0
               ? CMD_OK
               : cmd_fail(CMD_FAILED, "make such a file with: wayleave phone compile", "%s", e.text);
}

int phone_changes_run(const struct args *a)
{
    struct phone_tables t[2] = {0};
    struct changes c = {.want_ranges = args_has(a, "ranges"), .as_json = args_has(a, "json")};
    buf_init(&c.ranges, ANSWER_MAX);
    int rc = open_one(a->word[0], &t[0]);
    if (rc == CMD_OK)
        rc = open_one(a->word[1], &t[1]);
    if (rc == CMD_OK)
        rc = compare(&c, t);
    phone_tables_close(&t[0]);
    phone_tables_close(&t[1]);
    buf_done(&c.ranges);
    free(c.line);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0
 * test_csv.c - the files spreadsheets write, and the broken ones people send. */
#include "t.h"

#include "cmd/csv.h"

struct text {
    struct str s;
    size_t step; /* bytes a read gives at most: boundaries fall everywhere */
};

static size_t read_text(void *from, char *p, size_t n)
{
    struct text *t = from;
    if (n > t->step)
        n = t->step;
    if (n > t->s.n)
        n = t->s.n;
    memcpy(p, t->s.p, n);
    t->s.p += n;
    t->s.n -= n;
    return n;
}

/* "1[a|b] 3[c]" and "!2{why}" for a broken row. */
static void render(struct str s, size_t step, char *out, size_t size)
{
    struct text t = {s, step};
    struct csv *c = csv_open(read_text, &t);
    struct csv_row row;
    struct err e = {0};
    struct buf b;
    int rc;
    buf_init(&b, size - 1);
    while ((rc = csv_next(c, &row, &e)) != 0) {
        if (rc < 0) {
            buf_printf(&b, "!%d{%s}", row.line, e.text);
            continue;
        }
        buf_printf(&b, "%d[", row.line);
        for (size_t i = 0; i < row.n; i++)
            buf_printf(&b, "%s%.*s", i ? "|" : "", (int)row.field[i].n, row.field[i].p);
        buf_puts(&b, "]");
    }
    snprintf(out, size, "%s", buf_cstr(&b));
    buf_done(&b);
    csv_free(c);
}

TEST(rows)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},
        {"a,b\n1,2\n", "1[a|b]2[1|2]"},
        {"a,b\r\n1,2\r\n", "1[a|b]2[1|2]"},
        {"a,b\n1,2", "1[a|b]2[1|2]"},
        {"\xEF\xBB\xBFphone,name\n1,2\n", "1[phone|name]2[1|2]"},
        {"a;b;c\n1,5;2;3\n", "1[a|b|c]2[1,5|2|3]"},
        {"a\tb\n1\t2\n", "1[a|b]2[1|2]"},
        {"a|b\n1|2\n", "1[a|b]2[1|2]"},
        {"sep=;\na;b\n1;2\n", "2[a|b]3[1|2]"},
        {"sep=,\r\na,b;c\n", "2[a|b;c]"},
        {"\"a;x\",b\n1,2\n", "1[a;x|b]2[1|2]"},
        {"a,b\n\"x, y\",\"say \"\"hi\"\"\"\n", "1[a|b]2[x, y|say \"hi\"]"},
        {"a,b\n\"two\nlines\",2\n3,4\n", "1[a|b]2[two\nlines|2]4[3|4]"},
        {"a,b\n\n\r\n1,2\n", "1[a|b]4[1|2]"},
        {"a,b\n1,\n,2\n,\n", "1[a|b]2[1|]3[|2]4[|]"},
        {"a\n\"\"\n\"x\"\n", "1[a]2[]3[x]"},
        {"a,b\n1,x\"y\n", "1[a|b]2[1|x\"y]"},
        {"a,b\n1,x\ry\n", "1[a|b]2[1|x\ry]"},
        /* One stray quote costs one row, not the rest of the file. */
        {"a,b\n\"1,2\n3,4\n5,6\n", "1[a|b]!2{a quote is opened and never closed}3[3|4]4[5|6]"},
        {"a,b\n\"1\"x,2\n3,4\n", "1[a|b]!2{there is text after a closing quote}3[3|4]"},
        {"a,b\n1,J\xF6rg\n3,4\n", "1[a|b]!2{the row is not UTF-8 text; save the file as \"CSV UTF-8\"}3[3|4]"},
        {"a,b\n1,\xED\xA0\x80\n", "1[a|b]!2{the row is not UTF-8 text; save the file as \"CSV UTF-8\"}"},
        {"a,b\n1,\xC3\xB6\n", "1[a|b]2[1|\xC3\xB6]"},
        {"\xFF\xFE"
         "a,b\n",
         "!1{the file is UTF-16; save it as \"CSV UTF-8\"}"},
    };
    static const size_t steps[] = {1, 2, 3, 7, 65536};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
            char got[1024];
            render(str_of(rows[i].text), steps[k], got, sizeof got);
            if (strcmp(got, rows[i].want) != 0)
                fail_msg("%s\nby %zu: got  %s\n      want %s", rows[i].text, steps[k], got, rows[i].want);
        }
}

TEST(nul_bytes_break_their_row_only)
{
    char got[256];
    render(STR("a,b\n1,\0002\n3,4\n"), 5, got, sizeof got);
    assert_string_equal(got, "1[a|b]!2{the row is not UTF-8 text; save the file as \"CSV UTF-8\"}3[3|4]");
}

TEST(limits)
{
    char got[1024];
    struct buf b;
    buf_init(&b, 1u << 20);
    buf_puts(&b, "a,b\n");
    for (int i = 0; i < CSV_ROW_BYTES + 10; i++)
        buf_putc(&b, 'x');
    buf_puts(&b, "\n1,2\n");
    render(buf_str(&b), 4096, got, sizeof got);
    assert_string_equal(got, "1[a|b]!2{the row is too long}3[1|2]");

    buf_clear(&b);
    buf_puts(&b, "a,b\n\"");
    for (int i = 0; i < CSV_ROW_BYTES + 10; i++)
        buf_putc(&b, i % 64 == 63 ? '\n' : 'x');
    buf_puts(&b, "\n\n");
    struct text t = {buf_str(&b), 1000};
    struct csv *c = csv_open(read_text, &t);
    struct csv_row row;
    struct err e = {0};
    assert_int_equal(csv_next(c, &row, &e), 1);
    assert_int_equal(csv_next(c, &row, &e), WL_EINVAL);
    assert_int_equal(row.line, 2);
    assert_int_equal(row.raw.n, 64);
    int n = 0;
    while (csv_next(c, &row, &e) == 1)
        n++;
    assert_int_equal(n, CSV_ROW_BYTES / 64);
    csv_free(c);

    buf_clear(&b);
    for (int i = 0; i < CSV_FIELDS; i++)
        buf_putc(&b, ',');
    buf_puts(&b, "\n1\n");
    render(buf_str(&b), 4096, got, sizeof got);
    assert_string_equal(got, "!1{the row has too many fields}2[1]");
    buf_done(&b);
}

TEST(what_is_put_is_read_again)
{
    static const char *const fields[] = {"plain", "", "a,b", "say \"hi\"", "two\nlines", " edge ", "cr\r", "ç"};
    struct buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        csv_put(&b, str_of(fields[i]), ',');
        buf_putc(&b, ',');
    }
    buf_putc(&b, '\n');
    struct text t = {buf_str(&b), 3};
    struct csv *c = csv_open(read_text, &t);
    struct csv_row row;
    struct err e = {0};
    assert_int_equal(csv_next(c, &row, &e), 1);
    assert_int_equal(row.n, sizeof fields / sizeof fields[0] + 1);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        assert_str(row.field[i], fields[i]);
    csv_free(c);
    buf_done(&b);
}

TESTS(T(rows), T(nul_bytes_break_their_row_only), T(limits), T(what_is_put_is_read_again))

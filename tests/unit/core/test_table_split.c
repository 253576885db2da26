/* SPDX-License-Identifier: Apache-2.0
 * test_table_split.c - the rows spreadsheets write, and the broken ones people send, whatever block they come in. */
#include "t.h"

#include "core/table_split.h"

static struct table_row row[64];
static struct table_cell cell[TABLE_CELLS_MAX + 8];

/* "1[a|b]3[c]", "!2{why}" for a broken row, "?2{why}" before one with a problem. step: so many bytes more at a time. */
static void render(struct str s, char delimiter, size_t step, struct buf *b)
{
    struct table_split t = {.delimiter = delimiter};
    struct table_rows r = {.row = row, .cell = cell, .rows_max = 3, .cells_max = TABLE_CELLS_MAX};
    char *window = calloc(1, s.n + TABLE_PADDING), *room = malloc(s.n + 1);
    size_t at = 0, end = 0;
    uint64_t line = 0;
    for (;;) {
        size_t used = table_split(&t, window + at, end - at, end == s.n, true, &r);
        for (size_t i = 0; i < r.rows; i++) {
            const struct table_row *w = &row[i];
            assert_true(w->line > line);
            assert_memory_equal(w->p, s.p + w->at, w->n);
            line = w->line;
            if (w->problem != 0)
                buf_printf(b, "%c%llu{%s}", w->problem >= TABLE_BROKEN ? '!' : '?', (unsigned long long)w->line,
                           table_problem_word(w->problem));
            if (w->problem < TABLE_BROKEN)
                buf_printf(b, "%llu[", (unsigned long long)w->line);
            for (size_t k = 0; k < w->cells; k++) {
                struct str text = table_cell_text(&cell[w->cell + k], room);
                buf_printf(b, "%s", k ? "|" : "");
                buf_putstr(b, text.n > 40 ? STR("long") : text);
            }
            buf_puts(b, w->problem < TABLE_BROKEN ? "]" : "");
        }
        at += used;
        assert_int_equal(t.at, at);
        if (at == s.n && end == s.n)
            break;
        if (used > 0)
            continue;
        assert_true(end < s.n); /* else it would never end */
        size_t more = s.n - end < step ? s.n - end : step;
        memcpy(window + end, s.p + end, more);
        end += more;
    }
    free(window);
    free(room);
}

static void expect(struct str text, char delimiter, const char *want)
{
    static const size_t steps[] = {1, 2, 3, 7, 63, 64, 65, 1 << 20};
    for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
        struct buf b;
        buf_init(&b, 65536);
        render(text, delimiter, steps[k], &b);
        if (strcmp(buf_cstr(&b), want) != 0)
            fail_msg("%.*s\nby %zu: got  %s\n      want %s", (int)text.n, text.p, steps[k], buf_cstr(&b), want);
        buf_done(&b);
    }
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
        {"a,b\n1,2\r", "1[a|b]2[1|2]"},
        {"\"a;x\",b\n1,2\n", "1[a;x|b]2[1|2]"},
        {"a,b\n\"x, y\",\"say \"\"hi\"\"\"\n", "1[a|b]2[x, y|say \"hi\"]"},
        {"a,b\n\"x\",\"\"\"\"\r\n\"\"\"a\"\"\",\"\"\n", "1[a|b]2[x|\"]3[\"a\"|]"},
        {"a,b\n\"two\nlines\",2\n3,4\n", "1[a|b]2[two\nlines|2]4[3|4]"},
        {"a,b\n\n\r\n1,2\n", "1[a|b]4[1|2]"},
        {"a,b\n1,\n,2\n,\n", "1[a|b]2[1|]3[|2]4[|]"},
        {"a\n\"\"\n\"x\"\n", "1[a]2[]3[x]"},
        {"a\n\"\"\n\"x\"", "1[a]2[]3[x]"},
        {"a,b\n1,x\"y\n", "1[a|b]2[1|x\"y]"},
        {"a,b\n1,x\ry\n", "1[a|b]2[1|x\ry]"},
        {"a,b\n1, \"x\"\n", "1[a|b]2[1|\"x\"]"},
        {" a , b\t\n", "1[a|b]"},
        /* One stray quote costs one row, not the rest of the file. */
        {"a,b\n\"1,2\n3,4\n5,6\n", "1[a|b]!2{unclosed_quote}3[3|4]4[5|6]"},
        {"a,b\n\"1,2\n3,\"4\"\n5,6\n", "1[a|b]!2{text_behind_quote}3[3|4]4[5|6]"},
        {"\"1\n\"2\",\"\n3\"4\n5\n", "!1{text_behind_quote}!2{text_behind_quote}3[3\"4]4[5]"},
        {"A,\"\n1,\"\nB\n", "1[A|1,]3[B]"}, /* as good a cell as any */
        {"a,b\n\"1\"x,2\n3,4\n", "1[a|b]!2{text_behind_quote}3[3|4]"},
        {"a,b\n\"1\"\r,2\n3,4\n", "1[a|b]!2{text_behind_quote}3[3|4]"},
        {"a,b\n\"1", "1[a|b]!2{unclosed_quote}"},
        {"a,b\n1,J\xF6rg\n3,4\n", "1[a|b]?2{not_utf8}2[1|J\xF6rg]3[3|4]"},
        {"a,b\n1,\xED\xA0\x80\n", "1[a|b]?2{not_utf8}2[1|\xED\xA0\x80]"},
        {"a,b\n1,\xC3\xB6\n", "1[a|b]2[1|\xC3\xB6]"},
        /* The guard against formulas is taken off, and only that. */
        {"'=1+1,'@a,'+49-1,'+49 1,'t Hart,'\n", "1[=1+1|@a|+49-1|'+49 1|'t Hart|']"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(str_of(rows[i].text), ',', rows[i].want);
    expect(STR("a,b\n1,\0002\n3,4\n"), ',', "1[a|b]?2{nul_byte}2[1|");
    expect(STR("a;b\n1,5;\"2;3\"\n"), ';', "1[a|b]2[1,5|2;3]");
    expect(STR("a\tb\n1\t2\n"), '\t', "1[a|b]2[1|2]");
}

TEST(long_ones)
{
    struct buf b, got;
    buf_init(&b, 64u << 20);
    buf_init(&got, 4096);
    buf_puts(&b, "a,b\n");
    for (int i = 0; i < 10 << 20; i++)
        buf_putc(&b, 'x');
    buf_puts(&b, ",2\n3,4\n\"");
    for (int i = 0; i < 17 << 20; i++) /* longer than any row, closed all the same */
        buf_putc(&b, i % (8 << 20) == 100 ? '\n' : 'y');
    buf_puts(&b, "\"\n");
    for (int i = 0; i < 17 << 20; i++)
        buf_putc(&b, 'z');
    buf_puts(&b, ",1\n5,6\n");
    render(buf_str(&b), ',', 1 << 22, &got);
    assert_string_equal(buf_cstr(&got), "1[a|b]?2{long_cell}2[long|2]3[3|4]!4{unclosed_quote}?5{long_cell}5[long]"
                                        "?6{long_cell}6[long]7[long]!8{long_row}9[5|6]");
    buf_done(&got);
    buf_done(&b);
}

/* Quotes that open on every line and never close as they should: each byte is looked at a few times and no more. */
TEST(quotes_that_never_end)
{
    static const struct {
        const char *line;
        int lines;
        const char *end; /* behind the last line */
    } files[] = {{"a\",\"\n", 400000, ""},
                 {"\"a\n", 400001, ""},
                 {"x,\"\"\"\n", 300000, ""},
                 {"\"a\"\"\n", 400000, "\"x\n"}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct table_split t = {.delimiter = ','};
        struct table_rows r = {.row = row, .cell = cell, .rows_max = 64, .cells_max = TABLE_CELLS_MAX};
        struct buf b;
        size_t at = 0, rows = 0;
        buf_init(&b, 64u << 20);
        for (int k = 0; k < files[i].lines; k++)
            buf_puts(&b, files[i].line);
        buf_puts(&b, files[i].end);
        size_t n = b.len;
        for (int k = 0; k < TABLE_PADDING; k++)
            buf_putc(&b, '\0');
        while (at < n) {
            size_t used = table_split(&t, b.data + at, n - at, true, false, &r);
            assert_true(used > 0);
            at += used;
            rows += r.rows;
        }
        assert_in_range(rows, files[i].lines / 3, files[i].lines + 1);
        assert_int_equal(t.lines, files[i].lines + (files[i].end[0] != '\0'));
        buf_done(&b);
    }
}

TEST(many_cells)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    for (int i = 0; i < TABLE_CELLS_MAX - 1; i++)
        buf_putc(&b, ',');
    buf_puts(&b, "\n1,2\n");
    struct table_split s = {.delimiter = ','};
    struct table_rows r = {.row = row, .cell = cell, .rows_max = 64, .cells_max = TABLE_CELLS_MAX + 8};
    size_t used = table_split(&s, b.data, b.len, true, false, &r);
    assert_int_equal(r.rows, 2);
    assert_int_equal(row[0].cells, TABLE_CELLS_MAX);
    assert_int_equal(used, b.len);
    b.data[b.len - 5] = ',';
    used = table_split(&s, b.data, b.len, true, false, &r);
    assert_int_equal(row[0].problem, TABLE_MANY_CELLS);
    assert_int_equal(row[0].cells, 0);
    buf_done(&b);
}

TEST(delimiters)
{
    static const struct {
        const char *text;
        char want;
    } rows[] = {
        {"a,b\n", ','},
        {"", ','},
        {"phone\n+491\n", ','},
        {"a;b;c\n1,5;2;3\n", ';'},
        {"a\tb\n1\t2\n", '\t'},
        {"a|b\n1|2\n", '|'},
        {"\"a;x;y\",b\n1,2\n", ','},
        {"Name, first;Phone\nX;1\nY;2\n", ';'}, /* as often in the header, but not below */
        {"a;b,c,d\n1;2\n3;4\n", ';'},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (table_sniff(rows[i].text, strlen(rows[i].text)) != rows[i].want)
            fail_msg("%s: %c", rows[i].text, table_sniff(rows[i].text, strlen(rows[i].text)));
}

TEST(what_spreadsheets_compute)
{
    static const char *const live[] = {"=1",
                                       "@SUM(A1)",
                                       "+cmd|' /C calc'!A0",
                                       "-2+3",
                                       "\t=1",
                                       "\r=1",
                                       "\n=1",
                                       "\xEF\xBB\xBF=1",
                                       " =1+1",
                                       "\xEF\xBC\x9D"
                                       "1",
                                       "+49-170-1",
                                       "+49/170",
                                       "-1 a",
                                       "+1+1",
                                       "\xEF\xBC\x8B"
                                       "a"};
    static const char *const dead[] = {"",     "a=1", "1", "+491701234567", "+49 (170) 12.34",
                                       "-1.5", "+",   "-", "'=1",           "a@b.c"};
    for (size_t i = 0; i < sizeof live / sizeof live[0]; i++)
        if (!table_live(str_of(live[i])))
            fail_msg("%s", live[i]);
    for (size_t i = 0; i < sizeof dead / sizeof dead[0]; i++)
        if (table_live(str_of(dead[i])))
            fail_msg("%s", dead[i]);
}

TESTS(T(rows), T(long_ones), T(quotes_that_never_end), T(many_cells), T(delimiters), T(what_spreadsheets_compute))

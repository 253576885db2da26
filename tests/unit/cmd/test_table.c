/* SPDX-License-Identifier: Apache-2.0
 * test_table.c - files in and out: what they are packed in, how they are encoded, and that what is written is read again. */
#include "t.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "cmd/table_in.h"
#include "cmd/table_out.h"

static int file_of(struct str s)
{
    int fd = memfd_create("table", 0);
    assert_true(fd > 0);
    assert_int_equal(write(fd, s.p, s.n), s.n);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void put_rows(struct table *t, struct buf *b)
{
    struct table_batch batch;
    struct err e = {0};
    int rc;
    char *room = malloc(1u << 16);
    while ((rc = table_next(t, &batch, &e)) == 1)
        for (size_t i = 0; i < batch.rows; i++) {
            const struct table_row *row = &batch.row[i];
            if (row->problem != 0)
                buf_printf(b, "?{%s}", table_problem_word(row->problem));
            buf_printf(b, "%llu[", (unsigned long long)row->line);
            for (size_t k = 0; k < row->cells; k++) {
                buf_printf(b, "%s", k ? "|" : "");
                buf_putstr(b, table_cell_text(&batch.cell[row->cell + k], room));
            }
            buf_puts(b, "]");
        }
    if (rc < 0)
        buf_printf(b, "!%s", e.text);
    free(room);
}

/* "[header]2[row]..."; "!why" where the file cannot be read (on). */
static void render(struct table_options o, struct str file, struct buf *b)
{
    struct table *t;
    struct err e = {0};
    const struct table_cell *cell;
    o.path = "test";
    o.fd = file_of(file);
    int rc = table_open(&o, &t, &e);
    if (rc == 0) {
        const struct table_row *head = table_header(t, &cell);
        buf_puts(b, "[");
        for (size_t k = 0; k < head->cells; k++)
            buf_printf(b, "%s%.*s", k ? "|" : "", (int)cell[k].n, cell[k].p);
        buf_puts(b, "]");
        put_rows(t, b);
    } else {
        buf_printf(b, "!%s", e.text);
    }
    table_close(t);
    close(o.fd);
}

static void expect(struct table_options o, struct str file, const char *want)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    render(o, file, &b);
    if (strcmp(buf_cstr(&b), want) != 0)
        fail_msg("%.*s\ngot  %s\nwant %s", (int)file.n, file.p, buf_cstr(&b), want);
    buf_done(&b);
}

TEST(encodings)
{
    static const struct {
        struct str text;
        const char *want;
    } rows[] = {
        {STR_INIT("a,b\n1,2\n"), "[a|b]2[1|2]"},
        {STR_INIT("\xEF\xBB\xBFphone,name\n1,\xC3\xA9\n"), "[phone|name]2[1|\xC3\xA9]"},
        {STR_INIT("a,b\n1,J\xF6rg\n3,4\n"), "[a|b]2[1|J\xC3\xB6rg]3[3|4]"},
        {STR_INIT("a,b\n1,\x80 \x93x\x94\n"), "[a|b]2[1|\xE2\x82\xAC \xE2\x80\x9Cx\xE2\x80\x9D]"},
        /* Mostly UTF-8: the row that is not is said. */
        {STR_INIT("a,b\n1,J\xF6rg\n3,\xC3\xA9\n4,\xC3\xA9\n"),
         "[a|b]?{not_utf8}2[1|J\xF6rg]3[3|\xC3\xA9]4[4|\xC3\xA9]"},
        {STR_INIT("\xFF\xFE"
                  "a\0;\0b\0\n\0"
                  "1\0;\0\xF6\0\n\0"),
         "[a|b]2[1|\xC3\xB6]"},
        {STR_INIT("\xFE\xFF\0a\0;\0b\0\n\0"
                  "1\0;\x20\xAC\0\n"),
         "[a|b]2[1|\xE2\x82\xAC]"},
        {STR_INIT("\xFF\xFE"
                  "a\0,\0b\0\n\0"
                  "1\0,\0\x3D\xD8\x00\xDE\n\0\x3D\xD8,\0"
                  "2\0"),
         "[a|b]2[1|\xF0\x9F\x98\x80]3[\xEF\xBF\xBD|2]"},
        {STR_INIT("p\0h\0o\0n\0e\0,\0n\0\n\0"
                  "1\0,\0"
                  "2\0\n\0"),
         "[phone|n]2[1|2]"},
        {STR_INIT("\0p\0h\0o\0n\0e\0,\0n\0\n\0"
                  "1\0,\0"
                  "2\0\n"),
         "[phone|n]2[1|2]"},
        {STR_INIT("a,b\r1,2\r3,4"), "[a|b]2[1|2]3[3|4]"},
        {STR_INIT("sep=;\na;b\n1;2\n"), "[a|b]3[1|2]"},
        {STR_INIT("\xEF\xBB\xBFsep=;\r\na;b\r\n1;2\r\n"), "[a|b]3[1|2]"},
        {STR_INIT("SEP=|\r\na|b\r\n1|2\r\n"), "[a|b]3[1|2]"},
        {STR_INIT("\"sep=;\"\r\na;b\r\n1;2\r\n"), "[a|b]3[1|2]"},
        {STR_INIT("\"sep=;\n\"\n"), "[sep=;\n]"},
        /* One row in another encoding, whatever it holds, is that row's problem. */
        {STR_INIT("a\n\xC3\xA9\n\xE9\xF6\xFC\xDF\n\xC3\xB6\n"),
         "[a]2[\xC3\xA9]?{not_utf8}3[\xE9\xF6\xFC\xDF]4[\xC3\xB6]"},
        {STR_INIT("\xFF\xFE\0\0\x61\0\0\0\n\0\0\0\xF6\0\0\0"), "[a]2[\xC3\xB6]"},
        {STR_INIT("\0\0\xFE\xFF\0\0\0\x61\0\0\0\n\0\0\0\xF6"), "[a]2[\xC3\xB6]"},
        /* UTF-16 of another script, without a mark. */
        {STR_INIT("\x18\x04\x3C\x04;\0\x34\0\n\0\x18\x04;\0\x35\0\n\0"), "[\xD0\x98\xD0\xBC|4]2[\xD0\x98|5]"},
        {STR_INIT("\x04\x18\x04\x3C\0;\0\x34\0\n\x04\x18\0;\0\x35\0\n"), "[\xD0\x98\xD0\xBC|4]2[\xD0\x98|5]"},
        {STR_INIT("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and so on"),
         "!it is a workbook of an old Excel (.xls), or has a password: save it as XLSX or as CSV UTF-8"},
        {STR_INIT(""), "!it is empty"},
        {STR_INIT("\n\r\n"), "!it is empty"},
        {STR_INIT("\xEF\xBB\xBF"), "!it is empty"},
        {STR_INIT("id,n\n1,x\n2,J\0\n"), "[id|n]2[1|x]?{nul_byte}3[2|J"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect((struct table_options){0}, rows[i].text, rows[i].want);
    expect((struct table_options){.encoding = "WINDOWS-1254"},
           STR("ad,s\nAy\xFE"
               "e,1\n"),
           "[ad|s]2[Ay\xC5\x9F"
           "e|1]");
    expect((struct table_options){.encoding = "UTF-8"}, STR("a,b\n1,J\xF6rg\n"), "[a|b]?{not_utf8}2[1|J\xF6rg]");
    expect((struct table_options){.encoding = "klingon"}, STR("a,b\n"),
           "!nobody knows the encoding \"klingon\" (iconv -l lists them)");
    expect((struct table_options){.delimiter = ';'}, STR("a,b\n1;2,3\n"), "[a,b]2[1|2,3]");
}

/* A file of n rows with something beyond ASCII far behind. */
static void many(struct buf *b, int n, const char *rare)
{
    buf_puts(b, "id,name\n");
    for (int i = 0; i < n; i++)
        buf_printf(b, "%d,%s\n", i, i == n / 2 ? rare : "plain");
}

static size_t read_many(struct str file, const char *encoding, const char *rare)
{
    struct table_options o = {.path = "many", .fd = file_of(file)};
    struct table *t;
    struct table_batch batch;
    struct err e = {0};
    size_t n = 0, seen = 0;
    uint64_t total;
    assert_ok(table_open(&o, &t, &e), e);
    while (table_next(t, &batch, &e) == 1)
        for (size_t i = 0; i < batch.rows; i++, n++) {
            const struct table_cell *c = &batch.cell[batch.row[i].cell];
            assert_int_equal(batch.row[i].line, n + 2);
            assert_int_equal(batch.row[i].problem, 0);
            assert_int_equal(strtoul(c[0].p, NULL, 10), n);
            seen += c[1].n == strlen(rare) && memcmp(c[1].p, rare, c[1].n) == 0;
        }
    assert_int_equal(seen, 1);
    assert_string_equal(table_encoding(t), encoding);
    assert_int_equal(table_progress(t, &total), file.n);
    assert_int_equal(total, file.n);
    table_close(t);
    close(o.fd);
    return n;
}

static void pack(struct buf *to, struct str s, bool zstd)
{
    char *room = malloc(s.n + 4096);
    size_t n;
    if (zstd) {
        n = ZSTD_compress(room, s.n + 4096, s.p, s.n, 1);
    } else {
        z_stream z = {0};
        assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_in = (Bytef *)s.p;
        z.avail_in = (uInt)s.n;
        z.next_out = (Bytef *)room;
        z.avail_out = (uInt)(s.n + 4096);
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        n = s.n + 4096 - z.avail_out;
        deflateEnd(&z);
    }
    buf_put(to, room, n);
    free(room);
}

TEST(many_rows)
{
    enum { ROWS = 100000 };
    struct buf plain, latin, packed;
    buf_init(&plain, 8u << 20);
    buf_init(&latin, 8u << 20);
    buf_init(&packed, 8u << 20);
    many(&plain, ROWS, "J\xC3\xB6rg");
    many(&latin, ROWS, "J\xF6rg");
    assert_int_equal(read_many(buf_str(&plain), "UTF-8", "J\xC3\xB6rg"), ROWS);
    assert_int_equal(read_many(buf_str(&latin), "WINDOWS-1252", "J\xC3\xB6rg"), ROWS);
    for (int zstd = 0; zstd < 2; zstd++) {
        buf_clear(&packed);
        pack(&packed, (struct str){plain.data, 500000}, zstd); /* two members, as cat makes them */
        pack(&packed, (struct str){plain.data + 500000, plain.len - 500000}, zstd);
        assert_int_equal(read_many(buf_str(&packed), "UTF-8", "J\xC3\xB6rg"), ROWS);
    }
    buf_done(&plain);
    buf_done(&latin);
    buf_done(&packed);
}

TEST(cut_and_damaged)
{
    struct buf b;
    struct str text = STR("a,b\n1,2\n3,4\n");
    buf_init(&b, 4096);
    for (int zstd = 0; zstd < 2; zstd++) {
        buf_clear(&b);
        pack(&b, text, zstd);
        expect((struct table_options){0}, buf_str(&b), "[a|b]2[1|2]3[3|4]");
        b.len -= 5;
        struct buf got;
        buf_init(&got, 4096);
        render((struct table_options){0}, buf_str(&b), &got);
        assert_non_null(strstr(buf_cstr(&got), "!the file ends before its compressed data does"));
        buf_clear(&got);
        b.data[b.len / 2] ^= 0x55;
        render((struct table_options){0}, buf_str(&b), &got);
        assert_non_null(strchr(buf_cstr(&got), '!'));
        buf_done(&got);
    }
    for (int k = 0; k < 8; k++) { /* packed once more than it is unpacked */
        struct buf twice;
        buf_init(&twice, 1u << 20);
        buf_clear(&b);
        pack(&b, text, (k & 1) != 0);
        pack(&twice, k < 4 ? buf_str(&b) : STR("PK\x03\x04nonsense"), (k & 2) != 0);
        expect((struct table_options){0}, buf_str(&twice),
               k >= 4         ? "!there is a workbook or ZIP archive packed in it: unpack it first"
               : (k & 1) != 0 ? "!it is packed twice: unpack it once (zstd -d)"
                              : "!it is packed twice: unpack it once (gzip -d)");
        buf_done(&twice);
    }
    expect((struct table_options){0}, STR("PK\x03\x04nonsense"),
           "!it is a ZIP archive and no XLSX workbook; unpack it, or save the sheet as CSV UTF-8");
    buf_done(&b);
}

/* Wherever packed data is cut off, no row is shorter than it was. */
TEST(half_a_row_is_none)
{
    struct buf b, text, got;
    buf_init(&b, 1u << 20);
    buf_init(&text, 1u << 20);
    buf_init(&got, 1u << 20);
    buf_puts(&text, "phone,name\n");
    for (int i = 0; i < 40; i++)
        buf_printf(&text, "+4915112%07d,\"x\ny\"\n", i * 7919 * 13 % 10000000);
    size_t cut_rows = 0;
    for (int zstd = 0; zstd < 2; zstd++) {
        buf_clear(&b);
        pack(&b, buf_str(&text), zstd);
        for (size_t n = b.len; n-- > 8;) {
            buf_clear(&got);
            render((struct table_options){0}, (struct str){b.data, n}, &got);
            const char *p = strchr(buf_cstr(&got), ']');
            assert_non_null(strchr(buf_cstr(&got), '!'));
            for (p = p != NULL ? p + 1 : ""; *p != '\0' && *p != '!' && *p != '?'; p = strchr(p, ']') + 1)
                if (strncmp(strchr(p, '['), "[+4915112", 9) != 0 || strspn(strchr(p, '[') + 9, "0123456789") != 7 ||
                    strncmp(strchr(p, '[') + 16, "|x\ny]", 5) != 0)
                    fail_msg("cut to %zu bytes: %s", n, p);
            assert_true(*p != '?' || strncmp(p, "?{cut_off}", 10) == 0);
            cut_rows += *p == '?';
        }
    }
    assert_true(cut_rows > 10);
    buf_done(&got);
    buf_done(&text);
    buf_done(&b);
}

static void put_part(struct archive *zip, const char *name, struct str text)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (la_int64_t)text.n);
    archive_entry_set_filetype(entry, AE_IFREG);
    assert_int_equal(archive_write_header(zip, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(zip, text.p, text.n), text.n);
    archive_entry_free(entry);
}

static void expect_sheet(const char *sheet, struct str rows, struct str strings, const char *want)
{
    static char room[8u << 20];
    size_t n = 0;
    struct archive *zip = archive_write_new();
    archive_write_set_format_zip(zip);
    assert_int_equal(archive_write_open_memory(zip, room, sizeof room, &n), ARCHIVE_OK);
    put_part(zip, "xl/workbook.xml",
             STR("<workbook xmlns:r=\"x\"><sheets><sheet name=\"Old\" state=\"veryHidden\" r:id=\"r1\"/>"
                 "<sheet name=\"Now\" state=\"visible\" r:id=\"r2\"/></sheets></workbook>"));
    put_part(zip, "xl/_rels/workbook.xml.rels",
             STR("<Relationships><Relationship Id=\"r1\" Target=\"worksheets/s1.xml\"/>"
                 "<Relationship Id=\"r2\" Target=\"worksheets/s2.xml\"/></Relationships>"));
    put_part(zip, "xl/sharedStrings.xml", strings);
    put_part(zip, "xl/worksheets/s1.xml", STR("<worksheet><row><c t=\"str\"><v>old</v></c></row></worksheet>"));
    put_part(zip, "xl/worksheets/s2.xml", rows);
    assert_int_equal(archive_write_close(zip), ARCHIVE_OK);
    archive_write_free(zip);
    struct buf got;
    buf_init(&got, 1u << 20);
    render((struct table_options){.sheet = sheet}, (struct str){room, n}, &got);
    if (strcmp(buf_cstr(&got), want) != 0)
        fail_msg("got  %s\nwant %s", buf_cstr(&got), want);
    buf_done(&got);
}

TEST(sheets)
{
    const struct str none = STR("<sst/>"), two = STR("<sst><si><t>Name</t></si><si><t>Ada</t></si></sst>");
    const char *big = "!the workbook expands to more than its size allows; save the sheet as CSV UTF-8";
    expect_sheet(NULL, STR("<x><row><c t=\"s\"><v>0</v></c></row><row><c t=\"s\"><v>1</v></c></row></x>"), two,
                 "[Name]2[Ada]");
    expect_sheet("Old", STR("<x/>"), none, "[old]");
    expect_sheet(
        NULL,
        STR("<x><row><c><f>1+1</f><v>2</v></c><c t=\"str\"><f>A1</f><v></v></c><c><f>B1&amp;B2</f></c><c/></row></x>"),
        none, "[2||=B1&B2|]");
    expect_sheet("Nope", STR("<x/>"), none, "!the workbook has no sheet \"Nope\"; it has \"Old\" (hidden), \"Now\"");
    /* A text that is not there, cells and rows out of order, a column beyond the last one. */
    expect_sheet(NULL,
                 STR("<x><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\"><v>9</v></c></row>"
                     "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>2</v></c><c><v>1</v></c></row>"
                     "<row r=\"3\"><c r=\"B3\"><v>1</v></c><c r=\"A3\"><v>2</v></c></row>"
                     "<row r=\"4\"><c r=\"A4\" t=\"s\"><v>1</v></c></row>"
                     "<row r=\"2\"><c r=\"A2\"><v>7</v></c></row>"
                     "<row r=\"6\"><c r=\"A6\"><v>1</v></c><c r=\"ZZZZ6\"><v>1</v></c></row></x>"),
                 two, "[Name|9]?{damaged_row}2[]?{damaged_row}3[]4[Ada]?{damaged_row}5[]?{damaged_row}6[]");
    /* What was read before the damage stands, and half a row is none. */
    expect_sheet(NULL, STR("<x><row><c><v>1</v></c></row><row><c><v>2</v></c></row><row><c><v>3</v></c><c></row>"),
                 none, "[1]2[2]?{cut_off}3[]!the workbook is damaged: mismatched tag");
    struct buf b;
    buf_init(&b, 128u << 20);
    buf_puts(&b, "<x>");
    for (int i = 0; i < 100; i++)
        buf_puts(&b, "<x>");
    expect_sheet(NULL, buf_str(&b), none, "!the workbook is damaged: its elements are nested too deep");
    buf_clear(&b);
    buf_puts(&b, "<x a=\"");
    for (int i = 0; i < 3 << 20; i++)
        buf_putc(&b, 'a');
    expect_sheet(NULL, buf_str(&b), none, big);
    buf_clear(&b);
    buf_puts(&b, "<sst>");
    while (b.len < 66u << 20)
        buf_puts(&b, "<!-- nothing at all, again and again -->");
    expect_sheet(NULL, STR("<x/>"), buf_str(&b), big);
    buf_done(&b);
}

TEST(no_header_and_going_on)
{
    struct table_options o = {.path = "x", .rows_max = 2};
    struct table *t;
    struct table_batch batch;
    struct err e = {0};
    struct buf b;
    buf_init(&b, 1u << 20);
    o.fd = file_of(STR("\n+491,x\n+492,y\n+493,z\n"));
    assert_ok(table_open(&o, &t, &e), e);
    table_no_header(t);
    assert_int_equal(table_next(t, &batch, &e), 1);
    assert_int_equal(batch.rows, 2);
    assert_int_equal(batch.row[0].line, 2);
    uint64_t at = batch.row[1].at, line = batch.row[1].line;
    put_rows(t, &b);
    assert_string_equal(buf_cstr(&b), "4[+493|z]");
    table_close(t);
    lseek(o.fd, 0, SEEK_SET);
    buf_clear(&b);
    assert_ok(table_open(&o, &t, &e), e);
    assert_ok(table_seek(t, at, line, &e), e);
    put_rows(t, &b);
    assert_string_equal(buf_cstr(&b), "3[+492|y]4[+493|z]");
    table_close(t);
    close(o.fd);

    for (int latin = 0; latin < 2; latin++) { /* sought, and read over */
        buf_clear(&b);
        many(&b, 60000, latin ? "\xF6" : "\xC3\xB6");
        o = (struct table_options){.path = "x", .fd = file_of(buf_str(&b))};
        assert_ok(table_open(&o, &t, &e), e);
        for (line = 0; line < 59990;) {
            assert_int_equal(table_next(t, &batch, &e), 1);
            at = batch.row[batch.rows - 1].at;
            line = batch.row[batch.rows - 1].line;
        }
        char encoding[32];
        snprintf(encoding, sizeof encoding, "%s", table_encoding(t));
        table_close(t);
        lseek(o.fd, 0, SEEK_SET);
        o.encoding = encoding;
        assert_ok(table_open(&o, &t, &e), e);
        assert_ok(table_seek(t, at, line, &e), e);
        assert_int_equal(table_next(t, &batch, &e), 1);
        assert_int_equal(batch.row[0].line, line);
        assert_int_equal(batch.row[0].at, at);
        assert_int_equal(strtoul(batch.row[0].p, NULL, 10), line - 2);
        assert_int_equal(table_seek(t, 1, 1, &e), WL_EINVAL);
        table_close(t);
        close(o.fd);
    }
    buf_done(&b);
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

static char folder[64];

static const char *place(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void read_file(const char *path, struct buf *b)
{
    struct table_options o = {.path = path};
    struct table *t;
    struct err e = {0};
    assert_ok(table_open(&o, &t, &e), e);
    table_no_header(t);
    put_rows(t, b);
    table_close(t);
}

TEST(written_is_read_again)
{
    static const char *const texts[] = {"plain",    "",       "a,b",           "say \"hi\"", "two\nlines",
                                        "=1+1",     "@\"x\"", "+491701234567", "+49-170",    "-cmd|'x'!A1",
                                        "\xC3\xA7", "x\ry",   "a;b\tc"};
    static const char *const names[] = {"a.csv", "a.tsv", "a.csv.gz", "a.tsv.zst"};
    enum { TEXTS = sizeof texts / sizeof texts[0] };
    for (size_t k = 0; k < 4; k++) {
        struct table_out_options o = {.path = place(names[k]), .bom = k == 2};
        struct table_out *out;
        struct err e = {0};
        struct buf got, want;
        buf_init(&got, 65536);
        buf_init(&want, 65536);
        assert_ok(table_out_open(&o, NULL, &out, &e), e);
        for (int row = 0; row < 3; row++) {
            buf_printf(&want, "%d[", 1 + row * 2); /* a cell of each row has two lines */
            for (size_t i = 0; i < TEXTS; i++) {
                table_out_cell(out, str_of(texts[i]));
                buf_printf(&want, "%s|", texts[i]);
            }
            table_out_number(out, -7);
            table_out_phone(out, 491701234567);
            table_out_phone(out, 0);
            table_out_end(out);
            buf_puts(&want, "-7|+491701234567|]");
            uint64_t at;
            if (row == 1)
                assert_ok(table_out_flush(out, &at, &e), e);
        }
        assert_int_not_equal(access(place(names[k]), F_OK), 0); /* not before it is complete */
        assert_ok(table_out_close(out, &e), e);
        read_file(place(names[k]), &got);
        assert_string_equal(buf_cstr(&got), buf_cstr(&want));
        struct stat st;
        assert_int_equal(stat(place(names[k]), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        unlink(place(names[k]));
        buf_done(&got);
        buf_done(&want);
    }
}

/* Rows copied as they were read: the same bytes, but for what a spreadsheet would compute. */
TEST(copied)
{
    static const struct {
        const char *in, *out;
        char delimiter;
    } rows[] = {
        {"a,\"b\",c\"d\n1,\"x, y\",\"say \"\"hi\"\"\"\n,,\n", "a,\"b\",c\"d\n1,\"x, y\",\"say \"\"hi\"\"\"\n,,\n", ','},
        {"a;b\n=1;\"=2\"\n\"=\"\"3\"\"\";x\n+491;-a\n", "a;b\n\"'=1\";\"'=2\"\n\"'=\"\"3\"\"\";x\n+491;\"'-a\"\n", ';'},
        {"a;b,c\n\"d,e\";f\n", "a,\"b,c\"\n\"d,e\",f\n", ','},
        {"a,b\n'=1,' x\n", "a,b\n'=1,' x\n", ','},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct table_options in = {.path = "x", .fd = file_of(str_of(rows[i].in))};
        struct table_out_options to = {.path = place("copy.csv"), .delimiter = rows[i].delimiter};
        struct table *t;
        struct table_out *out;
        struct table_batch batch;
        struct err e = {0};
        char got[256] = "";
        assert_ok(table_open(&in, &t, &e), e);
        assert_ok(table_out_open(&to, NULL, &out, &e), e);
        table_no_header(t);
        while (table_next(t, &batch, &e) == 1)
            for (size_t k = 0; k < batch.rows; k++) {
                table_out_cells(out, batch.cell + batch.row[k].cell, batch.row[k].cells, table_delimiter(t));
                table_out_end(out);
            }
        assert_ok(table_out_close(out, &e), e);
        FILE *f = fopen(place("copy.csv"), "r");
        assert_non_null(f);
        assert_true(fread(got, 1, sizeof got - 1, f) > 0);
        fclose(f);
        assert_string_equal(got, rows[i].out);
        table_close(t);
        close(in.fd);
        unlink(place("copy.csv"));
    }
}

TEST(gone_on_with)
{
    static const char *const names[] = {"r.csv", "r.csv.gz", "r.csv.zst"};
    for (size_t k = 0; k < 3; k++) {
        struct table_out_options o = {.path = place(names[k]), .resumable = true};
        struct table_out *out, *other;
        struct err e = {0};
        struct buf got;
        buf_init(&got, 4096);
        assert_ok(table_out_open(&o, NULL, &out, &e), e);
        table_out_cell(out, STR("one"));
        table_out_end(out);
        assert_ok(table_out_flush(out, &o.resume, &e), e);
        for (int i = 0; i < 100000; i++) {
            table_out_cell(out, STR("lost"));
            table_out_end(out);
        }
        table_out_drop(out, true);
        assert_ok(table_out_open(&o, NULL, &out, &e), e);
        assert_int_equal(table_out_open(&o, NULL, &other, &e), WL_ECONFLICT); /* one run alone */
        table_out_cell(out, STR("two"));
        table_out_end(out);
        assert_ok(table_out_close(out, &e), e);
        read_file(place(names[k]), &got);
        assert_string_equal(buf_cstr(&got), "1[one]2[two]");
        buf_done(&got);
        o.resume = 1000000;
        assert_int_not_equal(table_out_open(&o, NULL, &out, &e), 0); /* there is no .part */
        unlink(place(names[k]));
    }
}

/* Nothing is to be seen before the end, and of two the one that ends last is there, whole. */
TEST(two_of_one_name)
{
    struct table_out *out[2];
    const struct table_out_options o = {.path = place("twice.csv")};
    char seen[200];
    snprintf(seen, sizeof seen, "%s", o.path);
    for (int i = 0; i < 2; i++) {
        struct err e = {0};
        assert_ok(table_out_open(&o, NULL, &out[i], &e), e);
    }
    for (int n = 0; n < 100000; n++) {
        table_out_cell(out[n % 2], n % 2 == 0 ? STR("one") : STR("two"));
        table_out_end(out[n % 2]);
    }
    assert_int_equal(access(seen, F_OK), -1);
    for (int i = 1; i >= 0; i--) {
        struct err e = {0};
        char line[16];
        size_t lines = 0;
        assert_ok(table_out_close(out[i], &e), e);
        FILE *f = fopen(seen, "r");
        assert_non_null(f);
        for (; fgets(line, sizeof line, f) != NULL; lines++)
            assert_string_equal(line, i == 0 ? "one\n" : "two\n");
        fclose(f);
        assert_int_equal(lines, 50000);
    }
    unlink(seen);
}

TEST(places_refused)
{
    struct table_out *out;
    struct err e = {0};
    FILE *f = fopen(place("in.csv"), "w");
    assert_non_null(f);
    fclose(f);
    char same[128];
    snprintf(same, sizeof same, "%s", place("in.csv"));
    assert_int_equal(table_out_open(&(struct table_out_options){.path = same}, same, &out, &e), WL_ECONFLICT);
    assert_int_equal(table_out_open(&(struct table_out_options){.path = folder}, NULL, &out, &e), WL_ECONFLICT);
    assert_int_equal(table_out_open(&(struct table_out_options){.path = "x.xlsx"}, NULL, &out, &e), WL_EINVAL);
    assert_int_equal(table_out_open(&(struct table_out_options){.path = "/nowhere/x.csv"}, NULL, &out, &e), WL_EIO);
    assert_ok(table_out_open(&(struct table_out_options){.path = "/dev/full"}, NULL, &out, &e), e);
    table_out_cell(out, STR("x"));
    assert_int_equal(table_out_close(out, &e), WL_EIO);
    unlink(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(encodings),
                                       T(many_rows),
                                       T(cut_and_damaged),
                                       T(half_a_row_is_none),
                                       T(sheets),
                                       T(no_header_and_going_on),
                                       T(written_is_read_again),
                                       T(copied),
                                       T(gone_on_with),
                                       T(two_of_one_name),
                                       T(places_refused)};
    snprintf(folder, sizeof folder, "/tmp/test_table.XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}

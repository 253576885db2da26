/* SPDX-License-Identifier: Apache-2.0
 * screen_html.c - the report of `wayleave screen` as one page: bars, light and dark, no script, nothing fetched.
 *
 * Everything that came from a file or from the numbering plans is escaped. Bars are plain boxes whose width is the share of the largest
 * one; the count stands beside each, so that nothing is told by length or colour alone. */
#include <inttypes.h>
#include <string.h>

#include "cmd/screen_job.h"

#define BARS 40 /* of a chart; the others are counted together */

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<title>Screening report</title>\n<style>\n"
    ":root{color-scheme:light "
    "dark;--ink:#1c2024;--dim:#60646c;--back:#fff;--line:#e0e1e6;--kept:#2b9a66;--repeated:#8b8d98;"
    "--unwanted:#5b7fce;--wrong:#cf5b16}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#edeef0;--dim:#b0b4ba;--back:#111113;--line:#363a3f}}\n"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:60rem;margin:2rem "
    "auto;padding:0 1rem}\n"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}p,td.why{color:var(--dim)}\n"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .5rem;border-bottom:1px solid "
    "var(--line);"
    "vertical-align:top}\n"
    "td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}td.bar{width:40%}\n"
    ".b{height:.8rem;margin-top:.35rem;border-radius:2px;min-width:1px;background:var(--kept)}\n"
    ".repeated{background:var(--repeated)}.unwanted{background:var(--unwanted)}.wrong{background:var(--wrong)}\n"
    "@media print{body{margin:0}}\n</style>\n</head>\n<body>\n";

static void put_text(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        const char *with = s.p[i] == '<'   ? "&lt;"
                           : s.p[i] == '>' ? "&gt;"
                           : s.p[i] == '&' ? "&amp;"
                           : s.p[i] == '"' ? "&quot;"
                                           : NULL;
        if (with != NULL)
            buf_puts(out, with);
        else
            buf_putc(out, s.p[i]);
    }
}

static void put_count(struct buf *out, uint64_t n)
{
    char text[PROGRESS_COUNT];
    buf_puts(out, progress_count(n, text));
}

static void put_share(struct buf *out, uint64_t n, uint64_t of)
{
    uint64_t permille = of > 0 ? n * 1000 / of : 0;
    buf_printf(out, "<td class=n>%" PRIu64 ".%" PRIu64 " %%</td>", permille / 10, permille % 10);
}

/* One row of a chart. */
static void put_bar(struct buf *out, const char *class, uint64_t n, uint64_t longest, uint64_t of)
{
    buf_puts(out, "<td class=n>");
    put_count(out, n);
    buf_puts(out, "</td>");
    put_share(out, n, of);
    uint64_t permille = longest > 0 ? n * 1000 / longest : 0;
    buf_printf(out, "<td class=bar><div class=\"b %s\" style=\"width:%" PRIu64 ".%" PRIu64 "%%\"></div></td>", class,
               permille / 10, permille % 10);
}

static void put_chart(struct buf *out, const char *title, const struct screen_line *l, size_t n, uint64_t of)
{
    uint64_t rest = 0;
    if (n == 0)
        return;
    buf_printf(out, "<h2>%s</h2>\n<table>\n", title);
    for (size_t i = 0; i < n; i++) {
        if (i >= BARS) {
            rest += l[i].n;
            continue;
        }
        buf_puts(out, "<tr><td>");
        put_text(out, str_of(l[i].name));
        buf_puts(out, "</td>");
        put_bar(out, "kept", l[i].n, l[0].n, of);
        buf_puts(out, "</tr>\n");
    }
    if (n > BARS) {
        buf_printf(out, "<tr><td>%zu others</td>", n - BARS);
        put_bar(out, "kept", rest, l[0].n > rest ? l[0].n : rest, of);
        buf_puts(out, "</tr>\n");
    }
    buf_puts(out, "</table>\n");
}

static void put_verdict(const struct screen_job *j, enum verdict v, uint64_t longest, struct buf *out)
{
    static const char *const classes[] = {[VERDICT_KEPT] = "kept",
                                          [VERDICT_REPEATED] = "repeated",
                                          [VERDICT_UNWANTED] = "unwanted",
                                          [VERDICT_WRONG] = "wrong"};
    const struct screen_tally *t = j->tally;
    buf_printf(out, "<tr><td>%s</td>", verdict_word(v));
    put_bar(out, classes[verdict_class(v)], t->verdict[v], longest, t->rows);
    buf_puts(out, "<td class=why>");
    put_text(out, screen_sentence(v));
    if (verdict_next(v)[0] != '\0') {
        buf_puts(out, "<br>Next: ");
        put_text(out, str_of(verdict_next(v)));
    }
    for (size_t i = 0; i < SCREEN_LINES && t->line[v][i] != 0 && v != VERDICT_OK; i++)
        buf_printf(out, "%s%" PRIu64, i == 0 ? "<br>Line " : ", ", t->line[v][i]);
    buf_puts(out, "</td></tr>\n");
}

static void put_verdicts(const struct screen_job *j, struct buf *out)
{
    uint64_t longest = 0;
    for (int v = 0; v < VERDICTS; v++)
        longest = j->tally->verdict[v] > longest ? j->tally->verdict[v] : longest;
    buf_puts(out, "<h2>What became of the rows</h2>\n<table>\n");
    for (int v = 0; v < VERDICTS; v++)
        if (j->tally->verdict[v] > 0)
            put_verdict(j, (enum verdict)v, longest, out);
    buf_puts(out, "</table>\n");
}

void screen_report_html(const struct screen_job *j, struct buf *out)
{
    const struct screen_tally *t = j->tally;
    struct screen_line *l;
    struct buf said;
    uint64_t kept = t->verdict[VERDICT_OK];
    buf_puts(out, head);
    buf_puts(out, "<h1>");
    put_text(out, str_of(j->in_name));
    buf_puts(out, "</h1>\n<p>");
    put_count(out, kept);
    buf_puts(out, " of ");
    put_count(out, t->rows);
    buf_puts(out, " rows were kept. Read with the numbering plans ");
    put_text(out, str_of(phone_data_name(j->data)));
    buf_puts(out, ". A valid number lies in a range that is assigned; whether it is in service, or whose it is, nobody "
                  "was asked.</p>\n");
    buf_init(&said, 65536);
    if (j->filter != NULL)
        number_filter_explain(j->filter, &said);
    if (said.len > 0) {
        buf_puts(out, "<p>Wanted: ");
        put_text(out, buf_str(&said));
        buf_puts(out, ".</p>\n");
    }
    buf_done(&said);
    put_verdicts(j, out);
    size_t n = screen_countries(j, &l);
    put_chart(out, "Countries of the rows kept", l, n, kept);
    n = screen_types(j, &l);
    put_chart(out, "Types", l, n, kept);
    n = screen_networks(j, &l);
    put_chart(out, "Original networks, where known", l, n, kept);
    buf_puts(out, "</body>\n</html>");
}

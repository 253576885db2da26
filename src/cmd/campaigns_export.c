/* SPDX-License-Identifier: Apache-2.0
 * campaigns_export.c - `wayleave campaigns export`: everybody of a campaign with what became of them, as JSON lines or CSV.
 *
 * It goes from page to page by the gateway's cursor, so that neither side ever holds more than a page. What a figure of the report names as
 * its rows is taken as it stands: --rows "status=failed&code=131026". A row that was printed stays printed: an export that breaks off says
 * so and ends with the exit status for "partly". */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/campaigns_verbs.h"
#include "cmd/json_rows.h"
#include "cmd/progress.h"
#include "cmd/show.h"
#include "cmd/term.h"

#define PATH_MAX_BYTES 1800

const struct option campaigns_export_options[] = {
    {.name = "status",
     .value = "WORD",
     .help = "only these: skipped, pending, waiting, refused, submitted, awaiting, delivered, read, failed, expired, "
             "replied, opted_out, ...",
     .repeat = true},
    {.name = "rows", .value = "QUERY", .help = "the rows of a figure, as the report names them"},
    {.name = "csv", .help = "CSV with a line of column names, in the place of JSON lines"},
    {0},
};

static const char *const columns[] = {"place",    "contact",   "phone",      "user_id",    "status",        "reason",
                                      "rule",     "code",      "code_means", "number",     "source",        "variant",
                                      "language", "message",   "sent_at",    "changed_at", "waiting_until", "replied",
                                      "clicked",  "opted_out", "complained", "parameters"};
#define COLUMNS (sizeof columns / sizeof columns[0])

static int put_page(const struct args *a, struct json rows, int64_t *written)
{
    for (struct json_iter it = json_iter(rows); json_next(&it); ++*written) {
        if (args_has(a, "csv"))
            json_rows_put(columns, COLUMNS, it.value);
        else if (rest_print(it.value) != CMD_OK)
            return CMD_FAILED;
    }
    return fflush(stdout) != 0 || ferror(stdout) ? cmd_fail(CMD_FAILED, NULL, "standard output could not be written")
                                                 : CMD_OK;
}

static bool page_path(const struct args *a, int64_t after, struct buf *path)
{
    const char *value;
    buf_clear(path);
    buf_printf(path, "/recipients?limit=1000&after=%lld", (long long)after);
    for (size_t i = 0; (value = args_nth(a, "status", i)) != NULL; i++) {
        buf_puts(path, "&status=");
        rest_segment(path, str_of(value));
    }
    if (args_has(a, "rows"))
        buf_printf(path, "&%s", args_get(a, "rows"));
    return !path->failed;
}

static int export_all(struct campaign_call *c, const struct args *a)
{
    struct progress bar;
    struct buf path;
    int64_t after = 0, written = 0;
    uint64_t all = 0;
    struct json answer, next;
    bool more = true;
    buf_init(&path, PATH_MAX_BYTES);
    int rc = campaign_call_get(c, "", &answer);
    all = rc == CMD_OK ? (uint64_t)show_number(answer, "audience") : 0;
    progress_begin(&bar, "people", args_has(a, "quiet"));
    while (rc == CMD_OK && more) {
        rc = page_path(a, after, &path) ? campaign_call_get(c, buf_cstr(&path), &answer)
                                        : cmd_fail(CMD_USAGE, NULL, "that is too much to ask for at once");
        if (rc != CMD_OK)
            break;
        progress_clear(&bar);
        rc = put_page(a, json_get(answer, "recipients"), &written);
        next = json_get(answer, "next");
        more = json_i64(next, &after);
        progress_tell(&bar, (uint64_t)after, all, (uint64_t)written);
    }
    progress_end(&bar);
    buf_done(&path);
    if (rc != CMD_OK && written > 0 && !ferror(stdout))
        return cmd_fail(CMD_PARTIAL, "give the command again", "the export is not complete: %lld people were written",
                        (long long)written);
    return rc;
}

int campaigns_export_run(const struct args *a)
{
    struct campaign_call c;
    int rc = campaign_call_open(&c, a);
    if (rc == CMD_OK && args_has(a, "csv"))
        json_rows_head(columns, COLUMNS);
    if (rc == CMD_OK)
        rc = export_all(&c, a);
    campaign_call_close(&c);
    return rc;
}

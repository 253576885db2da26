/* SPDX-License-Identifier: Apache-2.0
 * campaign_beat.c - whether the database is the one that campaigns were run with last.
 *
 * Somebody who puts yesterday's backup back has campaigns in it that have sent on since: to go on with them would repeat
 * messages. Three things tell. The ledger's generation: a log that does not fit what was signed has to be begun anew, and approvals
 * name the old one. The beat: it is counted in the database and, once that is on the disk, written to the file campaigns.mark in the state
 * directory; a database that knows fewer beats than the file is an older copy, and one that comes without the file, with campaigns that
 * had begun to send, is somebody else's. Time: a campaign nobody looked after for CAMPAIGN_GAP_MS (campaign_run.h).
 *
 * What cannot be told: a copy of the whole state directory of less than an hour ago. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/campaign_runner.h"
#include "gateway/checkpoints_impl.h"

#define BEATS     "campaigns.beat"
#define PATH_MOST 4096

static void path_of(const struct campaign_runner *r, const char *end, char path[PATH_MOST])
{
    snprintf(path, PATH_MOST, "%s/campaigns.mark%s", r->c->g->o.state_dir, end);
}

/* The beat in the file; -1: there is none. */
static int64_t read_mark(const struct campaign_runner *r)
{
    char path[PATH_MOST], text[32] = "";
    int64_t beat = -1;
    path_of(r, "", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0 || !str_i64(str_trim((struct str){text, (size_t)n}), &beat) || beat < 0)
        return -1;
    return beat;
}

static bool is_copy(struct campaign_runner *r, const struct run *run, struct store *reader)
{
    int64_t counted = 0, marked = read_mark(r);
    if (cursor_get(reader, BEATS, &counted, NULL) != 0)
        return true;
    if (marked < 0)
        return run->handed > 0;
    return counted < marked;
}

bool run_is_ours(struct campaign_runner *r, const struct run *run, const struct campaign_row *row, struct store *reader,
                 char why[300])
{
    const struct gateway *g = r->c->g;
    if (row->started_at >= g->started_at)
        return true;
    if (row->generation != 0 && g->checkpoints != NULL && row->generation != g->checkpoints->generation) {
        snprintf(why, 300,
                 "the ledger was begun anew since it was approved, so the database is a copy that was put back: what "
                 "the campaign "
                 "sent since that copy is not in it");
        return false;
    }
    if (!r->looked)
        r->copied = is_copy(r, run, reader);
    r->looked = true;
    if (r->copied)
        snprintf(why, 300,
                 "the database is an older copy than the one campaigns were run with last, or comes from another "
                 "machine (the file "
                 "campaigns.mark of the state directory): what the campaign sent since that copy is not in it");
    return !r->copied;
}

int run_beat_count(struct store *s, int64_t *ret, struct err *e)
{
    int64_t n = 0;
    int rc = cursor_get(s, BEATS, &n, e);
    if (rc == 0)
        rc = cursor_set(s, BEATS, n + 1, e);
    *ret = n + 1;
    return rc;
}

/* Complete, or not at all. */
static int write_mark(const struct campaign_runner *r, int64_t beat)
{
    char path[PATH_MOST], fresh[PATH_MOST], text[32];
    path_of(r, "", path);
    path_of(r, ".new", fresh);
    int n = snprintf(text, sizeof text, "%lld\n", (long long)beat);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    bool well = write(fd, text, (size_t)n) == n && fsync(fd) == 0;
    close(fd);
    failpoint(campaign_marking);
    return well && rename(fresh, path) == 0 ? 0 : -1;
}

void run_mark(struct campaign_runner *r, int64_t beat)
{
    if (write_mark(r, beat) != 0)
        log_error("campaigns",
                  "cannot write campaigns.mark in the state directory (%s): an older copy of the database would not be "
                  "noticed",
                  strerror(errno));
}

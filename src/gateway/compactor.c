/* SPDX-License-Identifier: Apache-2.0
 * compactor.c - packs rows of decisions into blocks, one at a time, with a rest between.
 *
 * A failure is logged and tried again later: the log works as rows as well. There is a backlog after an update of an old
 * installation. */
#include "gateway/compactor.h"

#include <stdlib.h>

#include "base/clock.h"
#include "core/decision_block.h"
#include "gateway/chore.h"
#include "gateway/writer.h"
#include "store/decisions.h"

#define BACKLOG_MS 100 /* between blocks: the writer's time is for messages */
#define MEMORY     (256u << 20)
#define ID_BITS    22

const struct compactor_options compactor_usual = {.young_ms = 5 * 60000, .rest_ms = 60000, .rows = DECISION_BLOCK_ROWS};

struct compactor {
    struct writer *writer;
    struct compactor_options o;
    struct packed_decisions packed;
    struct chore *chore;
};

static int write_block(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct compactor *c = ctx;
    (void)a, (void)now;
    return decisions_compact(s, &c->packed, e);
}

/* One block, if there are rows for it. One bucket holds everything while the spread is 1. */
static int pack_one(void *ctx, struct store *reader, struct arena *a, bool *ret_more, struct err *e)
{
    struct compactor *c = ctx;
    int64_t before = (clock_now_ms() - c->o.young_ms) << ID_BITS;
    int rc = decisions_pack(reader, 0, before, c->o.rows, a, &c->packed, e);
    if (rc != 0 || c->packed.n == 0)
        return rc;
    rc = writer_call(c->writer, CHORE_RANK, write_block, c, e);
    *ret_more = rc == 0;
    return rc;
}

int compactor_start(struct compactor **ret, struct writer *w, const char *store_url, const struct compactor_options *o,
                    struct err *e)
{
    struct compactor *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->writer = w;
    c->o = *o;
    int rc = chore_start(&c->chore, store_url,
                         &(struct chore_options){.name = "compactor",
                                                 .failed = "decisions stay as they are for now",
                                                 .memory = MEMORY,
                                                 .rest_ms = o->rest_ms,
                                                 .backlog_ms = BACKLOG_MS,
                                                 .step = pack_one,
                                                 .ctx = c},
                         e);
    if (rc != 0) {
        free(c);
        return rc;
    }
    *ret = c;
    return 0;
}

void compactor_stop(struct compactor *c)
{
    if (c != NULL)
        chore_stop(c->chore);
}

void compactor_free(struct compactor *c)
{
    if (c == NULL)
        return;
    chore_free(c->chore);
    free(c);
}

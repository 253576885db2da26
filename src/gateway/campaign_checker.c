/* SPDX-License-Identifier: Apache-2.0
 * campaign_checker.c - the thread that does checks, one after another.
 *
 * A check of a million people takes a while; what runs does not wait for it, because this is no thread of the runner's. A check
 * that the end of the program interrupts is done anew after the next start: its campaign is still busy. One that fails (the disk,
 * memory) is tried again, later each time. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/campaign_check.h"
#include "gateway/campaign_id.h"
#include "gateway/campaigns_impl.h"

#define REST_MS     500
#define MEMORY      (64u << 20)
#define AGAIN_LEAST 2000
#define AGAIN_MOST  300000

struct campaign_checker {
    struct campaigns *c;
    struct chore *chore;
    atomic_bool stop;
    int64_t failed; /* the campaign whose check failed last; 0 none */
    int64_t again_ms, rest_ms;
};

static bool is_to_stop(void *ctx)
{
    struct campaign_checker *k = ctx;
    return atomic_load_explicit(&k->stop, memory_order_relaxed);
}

static void put_off(struct campaign_checker *k, int64_t campaign, const struct err *why)
{
    char id[STORE_ID_TEXT];
    int64_t rest = k->failed == campaign ? k->rest_ms * 2 : AGAIN_LEAST;
    k->failed = campaign;
    k->rest_ms = rest < AGAIN_MOST ? rest : AGAIN_MOST;
    k->again_ms = clock_mono_ns() / 1000000 + k->rest_ms;
    if (!is_to_stop(k) && why->code != WL_EBUSY)
        log_error("campaigns", "the check of campaign %s failed and is tried again in %lld s: %s",
                  campaign_id_text(campaign, id), (long long)k->rest_ms / 1000, why->text);
}

static void check(struct campaign_checker *k, struct store *reader, int64_t campaign)
{
    struct err why = {0};
    int rc = campaign_check_run(k->c->g, reader, campaign, is_to_stop, k, &why);
    if (rc != 0) {
        why.code = rc;
        put_off(k, campaign, &why);
        return;
    }
    if (k->failed == campaign)
        k->failed = 0;
    campaigns_count(k->c, CAMPAIGNS_CHECKS, 1);
    if (campaigns_read(k->c, &why) != 0)
        log_error("campaigns", "the table of campaigns cannot be read: %s", why.text);
    campaign_runner_ring(k->c->runner);
}

static int step(void *ctx, struct store *reader, struct arena *a, bool *ret_more, struct err *e)
{
    struct campaign_checker *k = ctx;
    struct campaign_row *row = NULL;
    size_t n = 0;
    (void)ret_more;
    int rc = campaigns_open(reader, a, CAMPAIGNS_OPEN, &row, &n, e);
    for (size_t i = 0; rc == 0 && i < n && !is_to_stop(k); i++)
        if (row[i].busy && (row[i].id != k->failed || clock_mono_ns() / 1000000 >= k->again_ms))
            check(k, reader, row[i].id);
    return rc;
}

int campaign_checker_start(struct campaign_checker **ret, struct campaigns *c, struct err *e)
{
    struct campaign_checker *k = calloc(1, sizeof *k);
    if (k == NULL)
        abort();
    k->c = c;
    int rc = chore_start(&k->chore, c->g->o.store_url,
                         &(struct chore_options){.name = "campaign check",
                                                 .failed = "no campaign is checked",
                                                 .memory = MEMORY,
                                                 .rest_ms = REST_MS,
                                                 .backlog_ms = REST_MS,
                                                 .step = step,
                                                 .ctx = k},
                         e);
    if (rc != 0) {
        campaign_checker_free(k);
        return rc;
    }
    *ret = k;
    return 0;
}

void campaign_checker_ring(struct campaign_checker *k)
{
    if (k != NULL)
        chore_ring(k->chore);
}

void campaign_checker_stop(struct campaign_checker *k)
{
    if (k == NULL)
        return;
    k->stop = true;
    chore_stop(k->chore);
}

void campaign_checker_free(struct campaign_checker *k)
{
    if (k == NULL)
        return;
    chore_free(k->chore);
    free(k);
}

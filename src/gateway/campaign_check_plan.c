/* SPDX-License-Identifier: Apache-2.0
 * campaign_check_plan.c - the plan: everybody in their order, written down. The hash that stands for all of it is campaign_check_hash.c's.
 *
 * Those who get a message come first, in the order of core/campaign_plan.c; who is kept back to compare with, and who is beyond the most people there may
 * be, is taken out of it before. The others follow, each with the reason. Rows are written in pieces of a thousand, so that nobody's message
 * waits for long behind them; an earlier check's are taken away the same way. The plan counts for nothing before the last transaction says
 * that there is one, with the report, the sources and the state. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/failpoint.h"
#include "gateway/campaign_check_impl.h"

#define PIECE       1000
#define CLEAR_PIECE 2000
#define RANK        8 /* of its jobs: behind messages, before housekeeping */
#define ROWS_MEMORY (32u << 20)
#define PIECE_BYTES (8u << 20) /* words of one piece */

/* --- the order ------------------------------------------------------------------------------------------------------ */

static size_t country_row(const char *country)
{
    bool known = country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' && country[1] <= 'Z';
    return known ? (size_t)((country[0] - 'A') * 26 + country[1] - 'A') : CHECK_COUNTRIES - 1;
}

static void count(struct check *c, const struct check_person *p)
{
    uint32_t ordinal;
    const char *country = audience_ordinal(c->au, p->contact, &ordinal) ? audience_country(c->au, ordinal) : "";
    c->number[p->number].people++;
    c->number[p->number].by[p->way]++;
    c->by_variant[p->variant]++;
    c->by_language[p->variant][p->language]++;
    c->source[p->stratum].people++;
    c->group[p->group].people++;
    c->by_country[country_row(country)]++;
    for (uint64_t left = p->defaulted; left != 0; left &= left - 1)
        c->slot[p->variant][__builtin_ctzll(left)].defaulted++;
}

/* Somebody who would get one, and is left out all the same: who gets nothing waits for nothing. */
static void leave_out(struct check *c, struct check_person *p, enum campaign_skip why)
{
    if (p->held)
        c->tally[p->tally].people--;
    p->held = false;
    check_skip(c, p, why, STR(""));
}

int check_order(struct check *c, struct err *e)
{
    c->order = calloc(c->n_people + 1, sizeof *c->order);
    if (c->order == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for %zu people", c->n_people);
    for (size_t i = 0; i < c->n_people; i++) {
        struct check_person *p = &c->person[i];
        if (p->skip == SKIP_NONE && campaign_held_out(c->def, c->key, p->contact))
            leave_out(c, p, SKIP_HOLD_OUT);
        if (p->skip == SKIP_NONE)
            c->order[c->n_order++] =
                (struct campaign_person){.contact = p->contact, .stratum = p->stratum, .index = (uint32_t)i};
    }
    campaign_order(c->order, c->n_order, c->key);
    for (size_t i = 0; i < c->n_order; i++) {
        struct check_person *p = &c->person[c->order[i].index];
        if (c->def->most != 0 && (int64_t)i >= c->def->most)
            leave_out(c, p, SKIP_LIMIT);
        else
            count(c, p);
    }
    if (c->def->most != 0 && (int64_t)c->n_order > c->def->most)
        c->n_order = (size_t)c->def->most;
    if (c->n_order == 0 && c->n_segment > 0)
        check_problem(c, true, "nobody_left", "", "nobody of the %lld people would get a message: the report says why",
                      (long long)c->n_segment);
    return check_go_on(c, e);
}

/* --- recipients ----------------------------------------------------------------------------------------------------- */

struct piece {
    struct check *c;
    struct campaign_recipient row[PIECE];
    int64_t place[PIECE][2];
    size_t n;
    struct buf words;
    bool left;
};

static int clear_piece(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct piece *p = ctx;
    (void)a, (void)now;
    return recipients_clear(s, p->c->row.id, CLEAR_PIECE, &p->left, e);
}

static int clear_rows(struct piece *p, struct err *e)
{
    int rc = 0;
    do {
        p->left = false;
        rc = writer_call(p->c->g->writer, RANK, clear_piece, p, e);
        if (rc == 0)
            rc = check_go_on(p->c, e);
    } while (rc == 0 && p->left);
    return rc;
}

static int put_piece(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct piece *p = ctx;
    (void)a, (void)now;
    int rc = recipients_put(s, p->row, p->n, e);
    failpoint(campaign_check_rows);
    return rc;
}

static int index_piece(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct piece *p = ctx;
    (void)a, (void)now;
    int rc = recipients_index(s, CHECK_BUCKET, p->c->row.id, (const int64_t(*)[2])p->place, p->n, e);
    failpoint(campaign_check_index);
    return rc;
}

/* Values that nobody has of their own. */
static struct str shared_words(const struct campaign_variant *v, char out[CAMPAIGN_SLOTS_MAX * 5 + 3])
{
    size_t n = 0;
    out[n++] = '[';
    for (size_t i = 0; i < v->n_slots; i++) {
        memcpy(out + n, i > 0 ? ",null" : "null", i > 0 ? 5 : 4);
        n += i > 0 ? 5 : 4;
    }
    out[n++] = ']';
    return (struct str){out, n};
}

/* Into p->words; the rows point there once all are in, because it grows. */
static int get_words(struct piece *p, const struct check_person *who, struct err *e)
{
    char shared[CAMPAIGN_SLOTS_MAX * 5 + 3];
    struct check *c = p->c;
    if (who->words_n == 0) {
        struct str s = shared_words(&c->def->variant[who->variant], shared);
        return buf_putstr(&p->words, s) ? 0 : err_set(e, WL_ENOMEM, "out of memory for values");
    }
    if (!buf_reserve(&p->words, who->words_n))
        return err_set(e, WL_ENOMEM, "out of memory for values");
    for (size_t done = 0; done < who->words_n;) {
        ssize_t k = pread(c->words, p->words.data + p->words.len, who->words_n - done, (off_t)(who->words + done));
        if (k <= 0)
            return err_set(e, WL_EIO, "the words of the campaign cannot be read again");
        p->words.len += (size_t)k;
        done += (size_t)k;
    }
    return 0;
}

static int fill_row(struct piece *p, const struct check_person *who, struct err *e)
{
    struct check *c = p->c;
    size_t before = p->words.len;
    bool gets = who->skip == SKIP_NONE;
    int rc = gets ? get_words(p, who, e) : 0;
    p->row[p->n] = (struct campaign_recipient){
        .bucket = CHECK_BUCKET,
        .campaign = c->row.id,
        .place = who->place,
        .contact = who->contact,
        .sender = gets ? c->def->number[who->number] : 0,
        .stratum = who->stratum,
        .variant = who->variant,
        .skip = who->skip,
        .language = gets ? c->language[who->language] : STR(""),
        .rule = gets ? STR("") : c->tally[who->tally].rule,
        .params = {NULL, p->words.len - before},
    };
    p->n++;
    return rc;
}

static int write_piece(struct piece *p, struct sha256_state *hash, struct err *e)
{
    size_t at = 0;
    for (size_t i = 0; i < p->n; i++) {
        p->row[i].params.p = p->row[i].params.n > 0 ? p->words.data + at : "";
        at += p->row[i].params.n;
        plan_row(hash, &p->row[i]);
    }
    int rc = p->n > 0 ? writer_call(p->c->g->writer, RANK, put_piece, p, e) : 0;
    p->n = 0;
    buf_clear(&p->words);
    return rc == 0 ? check_go_on(p->c, e) : rc;
}

static int put_row(struct piece *p, const struct check_person *who, struct sha256_state *hash, struct err *e)
{
    int rc = fill_row(p, who, e);
    if (rc == 0 && (p->n == PIECE || p->words.len > PIECE_BYTES / 2))
        rc = write_piece(p, hash, e);
    return rc;
}

static int put_rows(struct piece *p, struct sha256_state *hash, struct err *e)
{
    struct check *c = p->c;
    uint32_t place = 0;
    int rc = 0;
    for (size_t i = 0; i < c->n_order && rc == 0; i++) {
        struct check_person *who = &c->person[c->order[i].index];
        who->place = ++place;
        rc = put_row(p, who, hash, e);
    }
    for (size_t i = 0; i < c->n_people && rc == 0; i++) {
        if (c->person[i].skip == SKIP_NONE)
            continue;
        c->person[i].place = ++place;
        rc = put_row(p, &c->person[i], hash, e);
    }
    return rc == 0 ? write_piece(p, hash, e) : rc;
}

static int put_index(struct piece *p, struct err *e)
{
    struct check *c = p->c;
    int rc = 0;
    for (size_t i = 0; i < c->n_people && rc == 0; i += p->n) {
        for (p->n = 0; p->n < PIECE && i + p->n < c->n_people; p->n++) {
            p->place[p->n][0] = c->person[i + p->n].contact;
            p->place[p->n][1] = c->person[i + p->n].place;
        }
        rc = writer_call(c->g->writer, RANK, index_piece, p, e);
        if (rc == 0)
            rc = check_go_on(c, e);
    }
    return rc;
}

int check_write(struct check *c, struct err *e)
{
    uint8_t rows[SHA256_BYTES];
    struct piece *p = calloc(1, sizeof *p);
    if (p == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    p->c = c;
    buf_init(&p->words, PIECE_BYTES);
    struct sha256_state *hash = sha256_begin();
    int rc = clear_rows(p, e);
    if (rc == 0 && c->n_errors == 0)
        rc = put_rows(p, hash, e);
    if (rc == 0 && c->n_errors == 0)
        rc = put_index(p, e);
    sha256_end(hash, rows);
    plan_hash(&c->row, buf_str(&c->report), buf_str(&c->terms_text), c->audience_hash, rows, c->plan);
    buf_done(&p->words);
    free(p);
    return rc;
}

/* --- the end -------------------------------------------------------------------------------------------------------- */

static int put_check(struct check *c, struct store *s, int64_t now, struct err *e)
{
    struct campaign_check_row k = {.campaign = c->row.id,
                                   .at = now,
                                   .report = buf_str(&c->report),
                                   .terms = buf_str(&c->terms_text),
                                   .audience = buf_str(&c->audience)};
    memcpy(k.audience_hash, c->audience_hash, sizeof k.audience_hash);
    return campaign_check_put(s, &k, e);
}

static int put_sources(struct check *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct campaign_source *v = arena_new_array(a, struct campaign_source, c->n_sources + 1);
    size_t n = 0;
    if (v == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    for (size_t i = 0; i < c->n_sources; i++)
        if (c->source[i].people > 0)
            v[n++] = (struct campaign_source){.campaign = c->row.id,
                                              .stratum = (int)i,
                                              .source = c->source[i].id,
                                              .name = c->source[i].name,
                                              .people = c->source[i].people,
                                              .state = CAMPAIGN_SOURCE_GOES_ON,
                                              .state_at = now,
                                              .why = STR("")};
    return campaign_sources_put(s, v, n, e);
}

static int write_done(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct check *c = ctx;
    struct campaign_row row;
    char plan[SHA256_HEX], detail[160];
    int rc = campaign_get(s, c->row.id, a, &row, e);
    if (rc != 0)
        return rc;
    hex_encode(c->plan, SHA256_BYTES, plan);
    snprintf(detail, sizeof detail, "%zu of %lld people, plan %s", c->n_order, (long long)c->n_segment, plan);
    row.audience = c->n_segment;
    row.people = (int64_t)c->n_order;
    row.planned = true;
    memcpy(row.plan, c->plan, sizeof row.plan);
    rc = campaign_do(c->g, s, &row,
                     &(struct campaign_order){.act = CAMPAIGN_ACT_CHECKED,
                                              .actor = STR("runner"),
                                              .detail = str_of(detail)},
                     now, e);
    if (rc == 0)
        rc = put_check(c, s, now, e);
    if (rc == 0)
        rc = put_sources(c, s, a, now, e);
    failpoint(campaign_check_plan);
    return rc;
}

int check_done(struct check *c, struct err *e)
{
    return writer_call(c->g->writer, RANK, write_done, c, e);
}

/* Every error there is, one after the other. */
static int write_undone(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct check *c = ctx;
    struct campaign_row row;
    struct buf why;
    int rc = campaign_get(s, c->row.id, a, &row, e);
    if (rc != 0)
        return rc;
    buf_init(&why, CHECK_PROBLEMS * (ERR_TEXT_MAX + 4));
    for (size_t i = 0; i < c->n_problems; i++)
        if (c->problem[i].error)
            buf_printf(&why, "%s%s", why.len > 0 ? "; " : "", c->problem[i].text);
    rc = campaign_do(c->g, s, &row,
                     &(struct campaign_order){.act = CAMPAIGN_ACT_UNCHECKED,
                                              .actor = STR("runner"),
                                              .detail = buf_str(&why)},
                     now, e);
    if (rc == 0)
        rc = put_check(c, s, now, e);
    buf_done(&why);
    return rc;
}

int check_undone(struct check *c, struct err *e)
{
    return writer_call(c->g->writer, RANK, write_undone, c, e);
}

/* SPDX-License-Identifier: Apache-2.0
 * rest_campaign_rows.c - /campaigns/{id}/recipients and /events: each person of the audience with what became of them, and the history.
 *
 * In the order in which people are sent to, a page at a time; `next` goes on behind the last row that was looked at. A page may be short
 * and still have a next one: how far one page looks is bounded, so that a rare filter does not hold a reader for long. Who a row is
 * stands with the contact; the number is said too, because a list is exported to be used ("who did not get it?"). */
#include <stdio.h>
#include <stdlib.h>

#include "core/decide.h"
#include "core/graph_code.h"
#include "gateway/campaign_fate.h"
#include "gateway/campaign_id.h"
#include "gateway/rest_campaign.h"

#define PAGE_DEFAULT  100
#define PAGE_MOST     1000
#define LOOK_PAGE     1000
#define LOOK_PAGES    50 /* of LOOK_PAGE rows, for one answer */
#define LOOK_BYTES    (8u << 20)
#define LOOKED_MOST   2000       /* decisions for one answer */
#define PAGE_BYTES    (4u << 20) /* of an answer; then it ends */
#define NAMES_MOST    16
#define EVENTS_PAGE   1000
#define DECISION_MOST (4u << 20)

/* --- the rule of a message ------------------------------------------------------------------------------------------------- */

static int take_rule(void *ctx, const struct decision *d, const struct ruleset *rs, const struct facts *f,
                     struct err *e)
{
    const struct finding *main = decision_main(d);
    (void)rs, (void)f, (void)e;
    snprintf(ctx, REST_RULE_MAX, "%s", main != NULL ? rule_id(main->rule) : "");
    return 0;
}

int rest_message_rule(struct rest_call *c, struct store *s, struct arena *a, const struct message *m,
                      char ret[REST_RULE_MAX], struct err *e)
{
    struct decision_row row;
    struct err why = {0};
    ret[0] = '\0';
    int rc = rest_message_decision(s, a, m, &row, &why);
    if (rc == 0)
        rc = rest_decision_read(c, s, a, &row, take_rule, ret, &why);
    if (rc == 0 || rc == WL_ENOTFOUND || rc == WL_EINVAL || rc == WL_ECORRUPT)
        return 0; /* nothing was decided yet, or it is too old to be read */
    if (e != NULL)
        *e = why;
    return rc;
}

/* --- the query ---------------------------------------------------------------------------------------------------------------- */

struct query {
    size_t limit;
    int64_t after;
    struct fate_filter f;
};

static bool read_limit(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_size(v, PAGE_MOST, &((struct query *)to)->limit);
}

static bool read_after(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    return str_i64(v, &q->after) && q->after >= 0;
}

static bool read_words(struct str v, uint32_t *ret)
{
    enum campaign_figure f;
    while (v.n > 0) {
        if (!campaign_figure_parse(str_trim(str_cut(v, ',', &v)), &f))
            return false;
        *ret |= 1u << f;
    }
    return *ret != 0;
}

static bool read_status(void *to, struct str v, int64_t now)
{
    (void)now;
    return read_words(v, &((struct query *)to)->f.figures);
}

static bool read_outcome(void *to, struct str v, int64_t now)
{
    (void)now;
    return read_words(v, &((struct query *)to)->f.outcomes);
}

static bool read_reason(void *to, struct str v, int64_t now)
{
    struct query *q = to;
    (void)now;
    for (q->f.skip = SKIP_RULE; q->f.skip <= SKIP_LIMIT; q->f.skip++)
        if (str_eq(v, str_of(campaign_skip_name((enum campaign_skip)q->f.skip))))
            return true;
    return false;
}

static bool read_rule(void *to, struct str v, int64_t now)
{
    (void)now;
    ((struct query *)to)->f.rule = v;
    return v.n > 0;
}

static bool read_int(struct str v, int64_t least, int64_t most, int *ret)
{
    int64_t n;
    if (!str_i64(v, &n) || n < least || n > most)
        return false;
    *ret = (int)n;
    return true;
}

static bool read_code(void *to, struct str v, int64_t now)
{
    (void)now;
    return read_int(v, 1, INT32_MAX, &((struct query *)to)->f.code);
}

static bool read_source(void *to, struct str v, int64_t now)
{
    (void)now;
    return read_int(v, 0, CAMPAIGN_STRATA_MAX - 1, &((struct query *)to)->f.source);
}

static bool read_variant(void *to, struct str v, int64_t now)
{
    (void)now;
    return read_int(v, 0, CAMPAIGN_VARIANTS_MAX - 1, &((struct query *)to)->f.variant);
}

static bool read_number(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_id(v, &((struct query *)to)->f.number);
}

static bool read_language(void *to, struct str v, int64_t now)
{
    (void)now;
    ((struct query *)to)->f.language = (struct str){v.p != NULL ? v.p : "", v.n};
    return true;
}

static const struct rest_parameter parameters[] = {
    {"limit", read_limit, "limit is a number from 1 to 1000", false},
    {"after", read_after, "after is what `next` of the page before says", false},
    {"status", read_status,
     "status is a word of the report, or several with commas: skipped, pending, waiting, refused, submitted, awaiting, "
     "delivered, read, failed, expired, replied, opted_out, ...",
     true},
    {"outcome", read_outcome, "outcome is the one status of each row: skipped, pending, awaiting, delivered, read, ...",
     true},
    {"reason", read_reason, "reason is rule, hold_out, parameter, language, number, no_name or limit", false},
    {"rule", read_rule, "rule is what the report names: a rule's id, or the parameter that has no value", false},
    {"code", read_code, "code is one of Meta's error codes", false},
    {"source", read_source, "source is the number of one, as GET campaigns/{id} shows them", false},
    {"variant", read_variant, "variant is the place of a template in the definition, from 0", false},
    {"number", read_number, "number is a phone number id", false},
    {"language", read_language, "language is a template's, as Meta writes it", false},
    {NULL, NULL, NULL, false},
};

/* --- a row ------------------------------------------------------------------------------------------------------------------- */

struct list {
    struct rest_call *c;
    struct store *s;
    struct arena *scratch; /* of a row */
    int64_t cur, now;
    size_t looked; /* decisions read to find a rule */
};

static void text_or_null(struct json_out *o, const char *key, struct str s)
{
    jo_key(o, key);
    if (s.n > 0)
        jo_str(o, s);
    else
        jo_null(o);
}

/* "contact", "phone", "user_id". */
static int show_who(struct list *l, const struct campaign_recipient *r, struct err *e)
{
    struct identity name[NAMES_MOST];
    struct json_out *o = &l->c->out;
    char contact[48], phone[IDENTITY_MAX + 2] = "";
    const char *user = NULL;
    size_t n = 0;
    int rc = r->contact != 0 ? people_identities(l->s, r->bucket, r->contact, name, NAMES_MOST, &n, e) : 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (name[i].kind == IDENTITY_PHONE && phone[0] == '\0')
            snprintf(phone, sizeof phone, "+%s", name[i].value);
        else if (name[i].kind == IDENTITY_USER_ID && user == NULL)
            user = name[i].value;
    }
    snprintf(contact, sizeof contact, "c%lld-%d", (long long)r->contact, r->bucket);
    jo_kcstr(o, "contact", r->contact != 0 ? contact : NULL);
    jo_kcstr(o, "phone", phone[0] != '\0' ? phone : NULL);
    jo_kcstr(o, "user_id", user);
    return rc;
}

static void show_said(struct json_out *o, const struct campaign_recipient *r)
{
    jo_kint(o, "source", r->stratum);
    jo_kint(o, "variant", r->variant);
    text_or_null(o, "language", r->language);
    jo_key(o, "parameters");
    jo_raw(o, r->params.n > 0 ? r->params : STR("null"));
}

/* Rule and reason: of who was skipped they stand in the row, of a message in its decision. */
static int show_why(struct list *l, const struct recipient_fate *f, enum campaign_figure outcome, struct err *e)
{
    struct json_out *o = &l->c->out;
    char rule[REST_RULE_MAX] = "";
    int rc = 0;
    if (outcome == FIGURE_REFUSED || outcome == FIGURE_WAITING)
        rc = rest_message_rule(l->c, l->s, l->scratch, &f->m, rule, e);
    jo_kcstr(o, "reason", f->r.skip != SKIP_NONE ? campaign_skip_name((enum campaign_skip)f->r.skip) : NULL);
    text_or_null(o, "rule", f->r.skip != SKIP_NONE ? f->r.rule : str_of(rule));
    int code = outcome == FIGURE_FAILED ? f->m.life.code : 0;
    const struct graph_code *words = code != 0 ? graph_code(code) : NULL;
    jo_key(o, "code");
    if (code != 0)
        jo_int(o, code);
    else
        jo_null(o);
    jo_kcstr(o, "code_means", words != NULL ? words->means : NULL);
    return rc;
}

static void show_message(struct json_out *o, const struct recipient_fate *f, enum campaign_figure outcome)
{
    char id[STORE_ID_TEXT], number[24];
    snprintf(number, sizeof number, "%lld", (long long)campaign_fate_number(f));
    jo_kcstr(o, "number", campaign_fate_number(f) != 0 ? number : NULL);
    jo_kcstr(o, "message", f->m.id != 0 ? store_id_text(f->r.bucket, f->m.id, id) : NULL);
    rest_time(o, "sent_at", f->m.life.accepted != 0 ? f->m.life.begun_at : 0);
    rest_time(o, "changed_at", f->m.changed_at);
    rest_time(o, "waiting_until", outcome == FIGURE_WAITING ? f->m.life.at : 0);
    jo_kbool(o, "replied", (f->r.told & TOLD_REPLIED) != 0);
    jo_kbool(o, "clicked", (f->r.told & TOLD_CLICKED) != 0);
    jo_kbool(o, "opted_out", (f->r.told & TOLD_OPTED_OUT) != 0);
    jo_kbool(o, "complained", (f->r.told & TOLD_COMPLAINED) != 0);
}

static int show_row(struct list *l, const struct recipient_fate *f, uint32_t figures, struct err *e)
{
    enum campaign_figure outcome = campaign_outcome_of(figures);
    struct json_out *o = &l->c->out;
    arena_reset(l->scratch);
    jo_object(o);
    jo_kint(o, "place", f->r.place);
    int rc = show_who(l, &f->r, e);
    jo_kcstr(o, "status", campaign_figure_word(outcome));
    if (rc == 0)
        rc = show_why(l, f, outcome, e);
    show_message(o, f, outcome);
    show_said(o, &f->r);
    jo_end(o);
    return rc;
}

/* --- the list ---------------------------------------------------------------------------------------------------------------- */

static bool has_room(const struct list *l)
{
    return l->c->answer.len < PAGE_BYTES && l->looked < LOOKED_MOST;
}

/* Whether it is this rule that refused or holds the message; of who was skipped it was asked already. */
static int rule_fits(struct list *l, const struct recipient_fate *f, uint32_t figures, struct str rule, bool *ret,
                     struct err *e)
{
    enum campaign_figure outcome = campaign_outcome_of(figures);
    char of[REST_RULE_MAX] = "";
    int rc = 0;
    *ret = rule.p == NULL || f->r.skip != SKIP_NONE;
    if (*ret || (outcome != FIGURE_REFUSED && outcome != FIGURE_WAITING))
        return 0;
    arena_reset(l->scratch);
    l->looked++;
    rc = rest_message_rule(l->c, l->s, l->scratch, &f->m, of, e);
    *ret = str_eq(rule, str_of(of));
    return rc;
}

/* Looks at one page of rows; *ret_shown grows. *after moves behind the last that was looked at; *ret_more: there may be others. */
static int list_some(struct list *l, struct arena *page, int64_t campaign, const struct query *q, int64_t *after,
                     size_t *ret_shown, bool *ret_more, struct err *e)
{
    struct recipient_fate *f = NULL;
    size_t n = 0, i = 0;
    arena_reset(page);
    int rc = recipients_fates(l->s, CAMPAIGN_BUCKET, campaign, *after + 1, page, LOOK_PAGE, &f, &n, e);
    for (; i < n && rc == 0 && *ret_shown < q->limit && has_room(l); i++) {
        uint32_t figures = campaign_figures(&f[i], l->cur, l->now);
        bool fits = campaign_fate_fits(&f[i], figures, &q->f);
        *after = f[i].r.place;
        if (fits)
            rc = rule_fits(l, &f[i], figures, q->f.rule, &fits, e);
        if (rc != 0 || !fits)
            continue;
        rc = show_row(l, &f[i], figures, e);
        ++*ret_shown;
    }
    *ret_more = i < n || n == LOOK_PAGE;
    return rc;
}

static int list_rows(struct list *l, int64_t campaign, const struct query *q, struct err *e)
{
    struct arena *page = arena_create(LOOK_BYTES);
    int64_t after = q->after;
    size_t shown = 0;
    bool more = true;
    int rc = page != NULL ? 0 : err_set(e, WL_ENOMEM, "out of memory");
    jo_key(&l->c->out, "recipients");
    jo_array(&l->c->out);
    for (int i = 0; i < LOOK_PAGES && rc == 0 && more && shown < q->limit && has_room(l); i++)
        rc = list_some(l, page, campaign, q, &after, &shown, &more, e);
    jo_end(&l->c->out);
    jo_key(&l->c->out, "next");
    if (more)
        jo_int(&l->c->out, after);
    else
        jo_null(&l->c->out);
    arena_free(page);
    return rc;
}

int rest_campaign_recipients(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct query q = {.limit = PAGE_DEFAULT, .f = {.source = -1, .variant = -1}};
    struct campaign_cursor at = {.bucket = CAMPAIGN_BUCKET};
    struct campaign_row v;
    if (!rest_query(c, a, parameters, &q, now))
        return 0;
    int rc = rest_find_campaign(c, s, a, &v, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    at.campaign = v.id;
    rc = campaign_cursor_get(s, &at, e);
    struct list l = {.c = c, .s = s, .scratch = arena_create(DECISION_MOST), .cur = at.cur, .now = now};
    jo_object(&c->out);
    if (rc == 0)
        rc = l.scratch != NULL ? list_rows(&l, v.id, &q, e) : err_set(e, WL_ENOMEM, "out of memory");
    jo_end(&c->out);
    arena_free(l.scratch);
    return rc;
}

/* --- what happened ------------------------------------------------------------------------------------------------------------- */

int rest_campaign_events(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct campaign_event_row *v = NULL;
    struct campaign_row of;
    struct json_out *o = &c->out;
    size_t n = 0;
    (void)now;
    int rc = rest_find_campaign(c, s, a, &of, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    rc = campaign_events(s, of.id, a, EVENTS_PAGE, &v, &n, e);
    jo_object(o);
    jo_key(o, "events");
    jo_array(o);
    for (size_t i = 0; i < n && rc == 0; i++) {
        char id[STORE_ID_TEXT];
        jo_object(o);
        jo_kcstr(o, "id", campaign_id_text(v[i].id, id));
        rest_time(o, "at", v[i].at);
        jo_kcstr(o, "act", campaign_act_name((enum campaign_act)v[i].act));
        jo_kstr(o, "actor", v[i].actor);
        text_or_null(o, "detail", v[i].detail);
        jo_key(o, "leaf");
        if (v[i].record.n > 0)
            jo_int(o, v[i].leaf);
        else
            jo_null(o);
        jo_end(o);
    }
    jo_end(o);
    jo_kbool(o, "cut", n == EVENTS_PAGE);
    jo_end(o);
    return rc;
}

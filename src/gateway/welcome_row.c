/* SPDX-License-Identifier: Apache-2.0
 * welcome_row.c - an errand's row as the machine of core/welcome.h sees it, and back.
 *
 * Columns hold what is searched for. The rest is the row's detail, one JSON object: what was wished stands in it as it was
 * given, and how far it has come in its member "progress", which alone is written anew. A parser of its own reads it, because
 * whoever calls may be in the middle of another text with the thread's. */
#include "gateway/welcomes.h"

#include "base/json.h"
#include "base/log.h"
#include "gateway/welcome_row.h"

/* The phases of an open errand; what ended says it in its column. */
static enum welcome_state state_of(const struct errand *v, struct str phase)
{
    static const enum welcome_state ended[] = {
        [ERRAND_DONE] = WELCOME_DONE,       [ERRAND_DECLINED] = WELCOME_DECLINED,
        [ERRAND_EXPIRED] = WELCOME_EXPIRED, [ERRAND_REFUSED] = WELCOME_REFUSED,
        [ERRAND_FAILED] = WELCOME_FAILED,   [ERRAND_CANCELLED] = WELCOME_CANCELLED};
    if (v->state > ERRAND_OPEN && v->state <= ERRAND_CANCELLED)
        return ended[v->state];
    for (enum welcome_state s = WELCOME_NEW; welcome_is_open(s); s++)
        if (str_eq(phase, str_of(welcome_state_name(s))))
            return s;
    return WELCOME_NEW;
}

enum errand_state welcome_errand_state(enum welcome_state s)
{
    static const enum errand_state states[] = {
        [WELCOME_NEW] = ERRAND_OPEN,           [WELCOME_SENDING] = ERRAND_OPEN,
        [WELCOME_WAITING] = ERRAND_OPEN,       [WELCOME_DONE] = ERRAND_DONE,
        [WELCOME_DECLINED] = ERRAND_DECLINED,  [WELCOME_EXPIRED] = ERRAND_EXPIRED,
        [WELCOME_REFUSED] = ERRAND_REFUSED,    [WELCOME_FAILED] = ERRAND_FAILED,
        [WELCOME_CANCELLED] = ERRAND_CANCELLED};
    return states[s];
}

static int64_t number(struct json of, const char *key)
{
    int64_t n = 0;
    return json_i64(json_get(of, key), &n) ? n : 0;
}

static bool flag(struct json of, const char *key)
{
    bool b = false;
    return json_bool(json_get(of, key), &b) && b;
}

static int text(struct json of, const char *key, struct arena *a, struct str *ret, struct err *e)
{
    struct str s = json_str_or(json_get(of, key), STR(""));
    char *p = arena_strndup(a, s.p, s.n);
    if (p == NULL)
        return err_set(e, WL_ENOMEM, "what an errand has to say does not fit its memory");
    *ret = (struct str){p, s.n};
    return 0;
}

static int raw(struct json v, struct arena *a, struct str *ret, struct err *e)
{
    struct buf b;
    *ret = STR("");
    if (json_type(v) == JSON_ABSENT)
        return 0;
    buf_init(&b, ERRAND_DETAIL_MAX);
    json_write_value(&b, v);
    bool large = b.failed;
    char *p = large ? NULL : arena_strndup(a, buf_cstr(&b), b.len);
    *ret = (struct str){p, b.len};
    buf_done(&b);
    if (large)
        return err_set(e, WL_ETOOBIG, "what an errand has to say is larger than %d bytes", ERRAND_DETAIL_MAX);
    return p != NULL ? 0 : err_set(e, WL_ENOMEM, "what an errand has to say does not fit its memory");
}

static int read_texts(struct json root, struct arena *a, struct welcome_row *ret, struct err *e)
{
    const struct {
        const char *key;
        struct str *to;
    } texts[] = {{"language", &ret->language}, {"template", &ret->template_name},
                 {"text", &ret->text},         {"wording", &ret->wording},
                 {"first", &ret->first},       {"actor", &ret->actor}};
    int rc = raw(json_get(root, "components"), a, &ret->components, e);
    for (size_t i = 0; rc == 0 && i < sizeof texts / sizeof texts[0]; i++)
        rc = text(root, texts[i].key, a, texts[i].to, e);
    ret->buttons = flag(root, "buttons");
    ret->reconfirm = flag(root, "reconfirm");
    return rc;
}

static int read_progress(const struct errand *v, struct json root, struct arena *a, struct welcome_row *ret,
                         struct err *e)
{
    struct json p = json_get(root, "progress");
    struct welcome *w = &ret->w;
    *w = (struct welcome){.state = state_of(v, json_str_or(json_get(p, "phase"), STR(""))),
                          .asks = v->kind == ERRAND_WELCOME,
                          .silence_withdraws = flag(root, "silence_withdraws"),
                          .taken = v->step,
                          .reminders = (int)number(json_type(p) == JSON_OBJECT ? p : root, "reminders"),
                          .remind_after = number(root, "remind_after"),
                          .expires = v->expires,
                          .asked_at = number(p, "asked_at"),
                          .sent_at = number(p, "sent_at"),
                          .answered_at = number(p, "answered_at"),
                          .due = v->due};
    int rc = text(p, "reply", a, &ret->reply, e);
    return rc == 0 ? raw(json_get(p, "messages"), a, &ret->messages, e) : rc;
}

int welcome_row_read(const struct errand *v, struct arena *a, struct welcome_row *ret, struct err *e)
{
    struct json_parser *parser = json_parser_create();
    struct json root = {NULL, 0};
    struct welcome_row row = {.w = {.state = WELCOME_NEW}};
    int rc = v->detail.n > 0 ? json_parse(parser, v->detail, false, &root, e) : 0;
    if (rc == 0)
        rc = read_texts(root, a, &row, e);
    if (rc == 0)
        rc = read_progress(v, root, a, &row, e);
    json_parser_free(parser);
    if (rc == 0)
        *ret = row;
    return rc;
}

/* What was asked is taken for asked when it began: so a no is heard in any case. */
static struct welcome_row of_columns(const struct errand *v)
{
    struct str phase = str_of(welcome_state_name(v->step > 0 ? WELCOME_WAITING : WELCOME_NEW));
    int64_t asked = v->step > 0 ? v->begun_at : 0;
    return (struct welcome_row){.w = {.state = state_of(v, phase),
                                      .asks = v->kind == ERRAND_WELCOME,
                                      .taken = v->step,
                                      .expires = v->expires,
                                      .asked_at = asked,
                                      .sent_at = asked,
                                      .due = v->due},
                                .language = STR("en")};
}

int welcome_row_salvage(struct errand *v, struct arena *a, struct welcome_row *ret, bool *ret_damaged, struct err *e)
{
    struct err why = {0};
    char id[STORE_ID_TEXT];
    int rc = welcome_row_read(v, a, ret, &why);
    *ret_damaged = rc != 0 && rc != WL_ENOMEM;
    if (rc == WL_ENOMEM)
        *e = why;
    if (!*ret_damaged)
        return rc;
    log_warn("errands", "%s cannot be read, what it was to say is lost: %s", welcome_id_text(v->bucket, v->id, id),
             why.text);
    *ret = of_columns(v);
    v->detail = STR("");
    return 0;
}

/* The ids of the messages so far, and one more. */
static void write_messages(struct json_out *o, const struct welcome_row *row, const char *one_more)
{
    struct str all = row->messages;
    struct buf b;
    if (all.n == 0 && one_more == NULL)
        return;
    buf_init(&b, ERRAND_DETAIL_MAX);
    buf_puts(&b, "[");
    if (all.n > 2)
        buf_put(&b, all.p + 1, all.n - 2);
    if (one_more != NULL)
        buf_printf(&b, "%s\"%s\"", all.n > 2 ? "," : "", one_more);
    buf_puts(&b, "]");
    jo_key(o, "messages");
    jo_raw(o, b.failed ? STR("[]") : buf_str(&b));
    buf_done(&b);
}

static void write_progress(struct json_out *o, const struct welcome_row *row, const char *one_more)
{
    const struct welcome *w = &row->w;
    const struct {
        const char *key;
        int64_t at;
    } times[] = {{"asked_at", w->asked_at}, {"sent_at", w->sent_at}, {"answered_at", w->answered_at}};
    jo_key(o, "progress");
    jo_object(o);
    jo_kcstr(o, "phase", welcome_state_name(w->state));
    jo_kint(o, "reminders", w->reminders);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        if (times[i].at != 0)
            jo_kint(o, times[i].key, times[i].at);
    if (row->reply.n > 0)
        jo_kstr(o, "reply", row->reply);
    write_messages(o, row, one_more);
    jo_end(o);
}

/* The members of before, but for the progress. */
static int copy_members(const struct errand *v, struct json_out *o, struct err *e)
{
    struct json_parser *parser = json_parser_create();
    struct json root = {NULL, 0};
    int rc = v->detail.n > 0 ? json_parse(parser, v->detail, false, &root, e) : 0;
    for (struct json_iter it = json_iter(root); rc == 0 && json_next(&it);) {
        struct buf one;
        if (str_eq(it.key, STR("progress")))
            continue;
        buf_init(&one, ERRAND_DETAIL_MAX);
        json_write_value(&one, it.value);
        jo_key_str(o, it.key);
        jo_raw(o, one.failed ? STR("null") : buf_str(&one));
        buf_done(&one);
    }
    json_parser_free(parser);
    return rc;
}

int welcome_row_write(struct errand *v, struct arena *a, const struct welcome_row *row, const char *one_more,
                      struct err *e)
{
    struct buf b;
    struct json_out o;
    buf_init(&b, ERRAND_DETAIL_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    int rc = copy_members(v, &o, e);
    write_progress(&o, row, one_more);
    jo_end(&o);
    char *p = rc == 0 && !b.failed ? arena_strndup(a, buf_cstr(&b), b.len) : NULL;
    if (rc == 0 && p == NULL)
        rc = err_set(e, WL_ETOOBIG, "what an errand has to say is larger than %d bytes", ERRAND_DETAIL_MAX);
    if (rc == 0) {
        v->detail = (struct str){p, b.len};
        v->state = welcome_errand_state(row->w.state);
        v->due = row->w.due;
        v->step = row->w.taken;
    }
    buf_done(&b);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0
 * welcomes.c - a question is put on the list, taken back, answered.
 *
 * A confirmed answer is a consent of its own: the method double_opt_in, the wording that was shown, and as evidence what leads
 * from one step to the next: the consent that began it, our messages, and Meta's id of the answer. Who taps the question's button
 * says which question it is; a word is taken for the newest one that number asked, and a yes only when it replies to it or nothing
 * else was sent since. When an answer overtakes the news that the question was sent, the message itself is looked at. */
#include "gateway/welcomes.h"

#include <stdio.h>

#include "base/json.h"
#include "gateway/errand_body.h"
#include "gateway/errands.h"
#include "gateway/gateway_impl.h"
#include "gateway/welcome_row.h"
#include "store/ledger.h"
#include "store/messages.h"

#define LOOKED_AT    16   /* newest errands of a person among which an answer's question is looked for */
#define PROGRESS_MAX 1536 /* bytes of a row that are kept for how far it comes, our messages and the answer */
#define WAMID_KEPT   160  /* bytes of the answer's id that are kept */
#define MESSAGES_MAX 512  /* bytes; the ids of four messages are fewer */

char *welcome_id_text(int bucket, int64_t id, char *out)
{
    store_id_text(bucket, id, out);
    out[0] = 'w';
    return out;
}

int welcome_id_parse(struct str text, int *ret_bucket, int64_t *ret_id)
{
    char other[STORE_ID_TEXT];
    if (text.n < 2 || text.n >= sizeof other || text.p[0] != 'w')
        return WL_EINVAL;
    memcpy(other, text.p, text.n);
    other[0] = 'm';
    return store_id_parse((struct str){other, text.n}, ret_bucket, ret_id);
}

/* --- asked ---------------------------------------------------------------------------------------------------------- */

static int wrong(const char **ret_field, const char *field, struct err *e, const char *why)
{
    *ret_field = field;
    return err_set(e, WL_EINVAL, "%s", why);
}

/* What was not said, as configured. */
static void complete(struct welcome_wish *w, const struct gateway *g, struct arena *a)
{
    const struct errand_options *o = &g->o.errand;
    if (w->sender == 0)
        w->sender = o->welcome_from;
    if (w->scope == 0)
        w->scope = CONSENT_SCOPE(CATEGORY_MARKETING);
    if (w->template_name.n == 0 && w->text.n == 0) {
        w->template_name = str_of(o->welcome_template);
        w->text = str_of(o->welcome_text);
        w->buttons = o->welcome_buttons;
        w->language = w->language.n > 0 ? w->language : str_of(o->welcome_language);
    }
    if (w->language.n == 0)
        w->language = STR("en");
    if (w->text.n > 0)
        w->text = errand_words(g, w->sender, w->language, w->text, "welcome", a);
    if (w->wording.n == 0 && (w->text.n > 0 || w->template_name.n == 0))
        w->wording = errand_words(g, w->sender, w->language, w->text, "welcome", a);
    if (w->reminders < 0)
        w->reminders = (int)o->welcome_reminders;
    if (w->remind_after == 0)
        w->remind_after = o->welcome_remind_after_ms;
    if (w->expires_after == 0)
        w->expires_after = o->welcome_expires_after_ms;
}

static int check(const struct welcome_wish *w, const char **ret_field, struct err *e)
{
    if (w->sender <= 0)
        return wrong(ret_field, "from", e, "from is missing: the id of one of your numbers, or welcome.from");
    if (w->template_name.n == 0 && w->wording.n == 0)
        return wrong(ret_field, "template", e,
                     "there is nothing to ask with: give a template or a text, or set welcome.template");
    if (w->text.n > WELCOME_TEXT_MAX)
        return wrong(ret_field, "text", e, "text has more than 1024 bytes");
    if (w->reminders > WELCOME_REMINDERS_MAX)
        return wrong(ret_field, "reminders", e, "nobody is reminded more than 3 times");
    if (w->remind_after < 1000 || w->remind_after > WELCOME_MOST_MS)
        return wrong(ret_field, "remind_after", e, "remind_after lies between 1s and 90d");
    if (w->expires_after < 1000 || w->expires_after > WELCOME_MOST_MS)
        return wrong(ret_field, "expires_after", e, "expires_after lies between 1s and 90d");
    return 0;
}

#define WISH_MAX (ERRAND_DETAIL_MAX - PROGRESS_MAX)

static int write_detail(const struct welcome_wish *w, struct arena *a, struct str *ret, struct err *e)
{
    const struct {
        const char *key;
        struct str value;
    } texts[] = {{"language", w->language}, {"template", w->template_name},
                 {"text", w->text},         {"wording", w->wording},
                 {"first", w->first},       {"actor", w->actor}};
    struct buf b;
    struct json_out o;
    buf_init(&b, WISH_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].value.n > 0)
            jo_kstr(&o, texts[i].key, texts[i].value);
    if (w->components.n > 0) {
        jo_key(&o, "components");
        jo_raw(&o, w->components);
    }
    jo_kbool(&o, "buttons", w->buttons);
    jo_kbool(&o, "reconfirm", w->reconfirm);
    jo_kbool(&o, "silence_withdraws", w->silence_withdraws);
    jo_kint(&o, "reminders", w->reminders);
    jo_kint(&o, "remind_after", w->remind_after);
    jo_end(&o);
    bool fits = !b.failed;
    char *p = fits ? arena_strndup(a, buf_cstr(&b), b.len) : NULL;
    *ret = (struct str){p, b.len};
    buf_done(&b);
    if (!fits)
        return err_set(e, WL_EINVAL, "text, wording and components are larger than %d bytes together", WISH_MAX);
    return p != NULL ? 0 : err_set(e, WL_ENOMEM, "a question does not fit its memory");
}

int welcome_check(const struct gateway *g, struct welcome_wish *w, struct arena *a, const char **ret_field,
                  struct err *e)
{
    struct str detail;
    *ret_field = NULL;
    complete(w, g, a);
    int rc = check(w, ret_field, e);
    if (rc == 0 && (rc = write_detail(w, a, &detail, e)) != 0)
        *ret_field = "wording";
    return rc;
}

int welcome_open(struct store *s, struct arena *a, const struct person *p, int64_t sender, struct errand *ret,
                 struct err *e)
{
    struct errand *v = NULL;
    size_t n = 0;
    int rc = errands_of(s, p->bucket, p->id, ERRAND_WELCOME, a, &v, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (v[i].sender == sender) {
            *ret = v[i];
            return 0;
        }
    return rc == 0 ? WL_ENOTFOUND : rc;
}

int welcome_add(struct store *s, struct arena *a, const struct person *p, const struct welcome_wish *w, int64_t now,
                struct errand *ret, struct err *e)
{
    struct errand v = {.bucket = p->bucket,
                       .id = store_id(s, now),
                       .kind = ERRAND_WELCOME,
                       .state = ERRAND_OPEN,
                       .due = now,
                       .contact = p->id,
                       .sender = w->sender,
                       .scope = w->scope,
                       .begun_at = now,
                       .expires = now + w->expires_after};
    int rc = write_detail(w, a, &v.detail, e);
    if (rc == 0)
        rc = errands_add(s, &v, 1, e);
    if (rc == 0)
        *ret = v;
    return rc;
}

int welcome_cancel(struct store *s, struct arena *a, struct errand *v, struct str why, int64_t now, struct err *e)
{
    struct welcome_row row;
    struct welcome_effects f;
    bool damaged;
    int rc = welcome_row_salvage(v, a, &row, &damaged, e);
    if (rc != 0)
        return rc;
    if (!welcome_is_open(row.w.state))
        return err_set(e, WL_ECONFLICT, "it has ended: %s", errand_state_name(v->state));
    welcome_step(&row.w, &(struct welcome_event){.kind = WELCOME_CANCEL}, now, &f);
    rc = welcome_row_write(v, a, &row, NULL, e);
    v->why = why;
    return rc == 0 ? errand_put(s, v, e) : rc;
}

/* --- answered ------------------------------------------------------------------------------------------------------- */

#define TAPPED "wayleave:" /* "wayleave:yes:w01H..." */

char *welcome_button(const struct errand *v, bool yes, char out[WELCOME_BUTTON])
{
    char id[STORE_ID_TEXT];
    snprintf(out, WELCOME_BUTTON, TAPPED "%s:%s", yes ? "yes" : "no", welcome_id_text(v->bucket, v->id, id));
    return out;
}

struct answer {
    struct welcome_event ev;
    int64_t id; /* of the question, by its button; 0: they said it in words */
    bool stops; /* who read it records what it withdraws */
};

static bool read_tap(struct str payload, int bucket, struct answer *ret)
{
    struct str rest = payload, word;
    int of = 0;
    if (!str_starts(payload, STR(TAPPED)))
        return false;
    str_cut(payload, ':', &rest);
    word = str_cut(rest, ':', &rest);
    ret->ev.kind = str_eq(word, STR("yes")) ? WELCOME_YES : WELCOME_NO;
    ret->ev.link = WELCOME_TAPPED;
    return rest.p != NULL && welcome_id_parse(rest, &of, &ret->id) == 0 && of == bucket;
}

static bool read_words(const struct gateway *g, const struct person *p, const struct welcome_said *said,
                       struct answer *ret)
{
    enum optout_verdict v = said->found != NULL ? said->found->verdict : OPTOUT_NOTHING;
    enum optout_answer a = v == OPTOUT_STOP ? OPTOUT_NO : v == OPTOUT_START ? OPTOUT_YES : OPTOUT_NEITHER;
    if (a == OPTOUT_NEITHER && g->packs != NULL)
        a = optout_answer(g->packs, said->text.n > 0 ? said->text : said->payload, str_of(p->lang));
    ret->ev.kind = a == OPTOUT_YES ? WELCOME_YES : WELCOME_NO;
    ret->stops = v == OPTOUT_STOP;
    return a != OPTOUT_NEITHER;
}

/* The question that is answered. WL_ENOTFOUND: there is none. */
static int find_question(struct store *s, struct arena *a, const struct person *p, const struct answer *said,
                         int64_t sender, struct errand *ret, struct err *e)
{
    struct errand *v = NULL;
    size_t n = 0;
    int rc = errands_list(s, p->bucket, p->id, 0, 0, LOOKED_AT, a, &v, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (v[i].kind == ERRAND_WELCOME && (said->id != 0 ? v[i].id == said->id : v[i].sender == sender)) {
            *ret = v[i];
            return 0;
        }
    return rc != 0 ? rc : WL_ENOTFOUND;
}

/* Words are read only where they could answer something: most of what people write answers no question of ours. */
static bool hears_words(const struct errand *v, int64_t at)
{
    return (v->state == ERRAND_OPEN || v->state == ERRAND_EXPIRED) && at < v->expires;
}

/* The answer came before anybody looked what became of the question. */
static int catch_up(struct store *s, const struct errand *v, struct welcome *w, int64_t now, struct err *e)
{
    struct message m;
    struct welcome_effects f;
    if (w->state != WELCOME_SENDING || v->msg == 0)
        return 0;
    int rc = messages_get(s, v->bucket, v->msg, &m, e);
    if (rc == 0 && (m.life.state == LIFE_ACCEPTED || m.life.state == LIFE_AMBIGUOUS))
        welcome_step(w, &(struct welcome_event){.kind = WELCOME_SENT, .step = w->taken - 1, .at = m.life.begun_at}, now,
                     &f);
    return rc == WL_ENOTFOUND ? 0 : rc;
}

/* Whether one of the question's messages has this id. */
static int is_ours(struct store *s, const struct welcome_row *row, struct str wamid, bool *ret, struct err *e)
{
    int bucket = 0, rc = 0;
    int64_t id = 0;
    *ret = false;
    for (struct str rest = row->messages; rc == 0 && rest.p != NULL && !*ret;) {
        struct message m;
        if (store_id_parse(str_cut(rest, '"', &rest), &bucket, &id) != 0)
            continue; /* what stands between the ids */
        rc = messages_get(s, bucket, id, &m, e);
        *ret = rc == 0 && str_eq(str_of(m.wamid), wamid);
        rc = rc == WL_ENOTFOUND ? 0 : rc;
    }
    return rc;
}

/* Whether the last thing that number sent them is the question. */
static int is_last(struct store *s, const struct person *p, const struct errand *v, bool *ret, struct err *e)
{
    struct pair pair = {.bucket = p->bucket, .contact = p->id, .sender = v->sender};
    struct message m;
    *ret = false;
    int rc = v->msg != 0 ? messages_get(s, v->bucket, v->msg, &m, e) : WL_ENOTFOUND;
    if (rc == 0)
        rc = pairs_get(s, &pair, 1, e);
    if (rc == 0)
        *ret = pair.last_out <= (m.life.begun_at != 0 ? m.life.begun_at : m.ts);
    return rc == WL_ENOTFOUND ? 0 : rc;
}

/* What words have to do with the question. */
static int link_words(struct store *s, const struct person *p, const struct errand *v, const struct welcome_row *row,
                      struct str reply_to, struct welcome_event *ev, struct err *e)
{
    bool is = false;
    if (ev->link == WELCOME_TAPPED || ev->kind != WELCOME_YES)
        return 0;
    if (reply_to.n > 0) {
        int rc = is_ours(s, row, reply_to, &is, e);
        ev->link = is ? WELCOME_REPLIED : WELCOME_LOOSE;
        return rc;
    }
    if (row->w.state == WELCOME_SENDING)
        return 0; /* a reminder is on its way: which of the two they saw nobody knows */
    int rc = is_last(s, p, v, &is, e);
    ev->link = is ? WELCOME_NEXT : WELCOME_LOOSE;
    return rc;
}

static int write_evidence(const struct errand *v, const struct welcome_row *row, struct arena *a, struct str *ret,
                          struct err *e)
{
    char id[STORE_ID_TEXT];
    struct buf b;
    struct json_out o;
    buf_init(&b, ERRAND_DETAIL_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kcstr(&o, "welcome", welcome_id_text(v->bucket, v->id, id));
    if (row->first.n > 0)
        jo_kstr(&o, "first", str_clip(row->first, WAMID_KEPT));
    if (row->messages.n > 0 && row->messages.n <= MESSAGES_MAX) {
        jo_key(&o, "messages");
        jo_raw(&o, row->messages);
    }
    if (row->reply.n > 0)
        jo_kstr(&o, "wamid", str_clip(row->reply, WAMID_KEPT));
    if (row->reconfirm)
        jo_kbool(&o, "reconfirm", true);
    jo_end(&o);
    char *p = b.failed ? NULL : arena_strndup(a, buf_cstr(&b), b.len);
    *ret = (struct str){p, b.len};
    buf_done(&b);
    return p != NULL ? 0 : err_set(e, WL_ENOMEM, "the evidence does not fit its memory");
}

int welcome_record(struct store *s, struct arena *a, const struct errand *v, const struct welcome_row *row,
                   struct person *p, const struct welcome_word *word, int64_t now, struct err *e)
{
    char subject[IDENTITY_TEXT_MAX] = "";
    struct consent_row c = {.bucket = p->bucket,
                            .id = store_id(s, now),
                            .contact = p->id,
                            .event = {.act = word->act, .scope = v->scope, .at = word->at},
                            .recorded_at = now,
                            .method = word->method,
                            .source = STR("welcome"),
                            .wording = row->wording,
                            .language = row->language,
                            .actor = STR(CONSENT_ACTOR_GATEWAY),
                            .sender = v->sender};
    if (word->under != NULL)
        c.subject = identity_text(word->under, subject);
    int rc = write_evidence(v, row, a, &c.evidence, e);
    if (rc != 0)
        return rc;
    c.event.rank =
        consent_rank(&(struct consent_ground){c.event.act, c.method, c.source, c.evidence, c.actor, c.wording.n > 0},
                     NULL);
    rc = ledger_append(s, &c, 1, NULL, e);
    return rc == 0 ? people_say(s, p, word->under, &c.event, now, e) : rc;
}

/* A no was said as late in its second as it can have been: a grant of the same second does not stand against it. */
static int64_t end_of_second(int64_t at)
{
    return at % 1000 == 0 ? at + 999 : at;
}

/* The state is kept in any case; the rest of a row that is too large for it is given up. */
static int write_row(struct errand *v, struct arena *a, const struct welcome_row *row, struct err *e)
{
    int rc = welcome_row_write(v, a, row, NULL, e);
    if (rc != WL_ETOOBIG)
        return rc;
    v->detail = STR("");
    return welcome_row_write(v, a, row, NULL, e);
}

/* What follows from the answer, in the same transaction. */
static int answered(struct store *s, struct arena *a, const struct gateway *g, struct person *p, struct errand *v,
                    struct welcome_row *row, const struct welcome_said *said, const struct welcome_effects *f,
                    int64_t now, struct err *e)
{
    struct welcome_word word = {.act = f->withdraw ? CONSENT_WITHDRAW : CONSENT_GRANT,
                                .at = f->withdraw ? end_of_second(said->at) : said->at,
                                .method = f->grant == WELCOME_GRANTS_CONFIRMED ? STR("double_opt_in") : STR("whatsapp"),
                                .under = said->under};
    int rc = 0;
    row->reply = str_clip(said->wamid, WAMID_KEPT);
    if (f->withdraw || f->grant != WELCOME_GRANTS_NOTHING)
        rc = welcome_record(s, a, v, row, p, &word, now, e);
    if (rc == 0)
        rc = write_row(v, a, row, e);
    if (rc != 0)
        return rc;
    v->why = v->state == ERRAND_DONE       ? STR("they confirmed")
             : v->state == ERRAND_DECLINED ? STR("they said no")
                                           : v->why;
    rc = errand_put(s, v, e);
    if (rc == 0 && v->state == ERRAND_DONE)
        errands_count(g->errands, WELCOMES_CONFIRMED, 1);
    if (rc == 0 && v->state == ERRAND_DECLINED)
        errands_count(g->errands, WELCOMES_DECLINED, 1);
    return rc;
}

/* What they said and to which question. WL_ENOTFOUND: nothing to none. */
static int understand(struct store *s, struct arena *a, const struct gateway *g, const struct person *p,
                      const struct welcome_said *said, struct answer *ret, struct errand *v, struct err *e)
{
    *ret = (struct answer){.ev = {.at = said->at}};
    bool tapped = read_tap(said->payload, p->bucket, ret);
    if (!tapped)
        *ret = (struct answer){.ev = {.at = said->at}};
    int rc = find_question(s, a, p, ret, said->sender, v, e);
    if (rc == 0 && !tapped && (!hears_words(v, said->at) || !read_words(g, p, said, ret)))
        return WL_ENOTFOUND;
    return rc;
}

/* The question's row, up to now, and what the answer has to do with it. WL_ENOTFOUND: nobody knows any more. */
static int recall(struct store *s, struct arena *a, const struct person *p, const struct welcome_said *said,
                  struct errand *v, struct welcome_row *row, struct welcome_event *ev, int64_t now, struct err *e)
{
    bool damaged = false;
    int rc = welcome_row_salvage(v, a, row, &damaged, e);
    if (rc == 0 && damaged && ev->kind == WELCOME_YES)
        return WL_ENOTFOUND;
    if (rc == 0)
        rc = catch_up(s, v, &row->w, now, e);
    return rc == 0 ? link_words(s, p, v, row, said->reply_to, ev, e) : rc;
}

int welcome_hear(struct store *s, struct arena *a, const struct gateway *g, struct person *p,
                 const struct welcome_said *said, int64_t now, bool *ret_refused, struct err *e)
{
    struct answer answer;
    struct welcome_row row;
    struct welcome_effects f;
    struct errand v;
    if (ret_refused != NULL)
        *ret_refused = false;
    int rc = understand(s, a, g, p, said, &answer, &v, e);
    if (rc == 0)
        rc = recall(s, a, p, said, &v, &row, &answer.ev, now, e);
    if (rc != 0)
        return rc == WL_ENOTFOUND ? 0 : rc;
    welcome_step(&row.w, &answer.ev, now, &f);
    if (!f.changed)
        return 0;
    f.withdraw = f.withdraw && !answer.stops;
    if (ret_refused != NULL)
        *ret_refused = f.withdraw;
    return answered(s, a, g, p, &v, &row, said, &f, now, e);
}

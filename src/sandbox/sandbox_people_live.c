/* SPDX-License-Identifier: Apache-2.0
 * sandbox_people_live.c - the model of people at work: what becomes of an accepted message, as webhooks in time.
 *
 * While it is switched on, statuses come when the model says instead of after fixed delays: failed with 131026 or 131049, or
 * sent, delivered and perhaps read. After reading a marketing message somebody may write STOP, press the button that says so,
 * use the platform's own opt-out, complain, or answer; what they write opens the window as any message of a person does.
 * Other messages are only delivered and read: nobody opts out of a receipt. All delays are divided by the factor of the
 * clock.
 *
 * The same person, template and seed react the same every time. Messages that would have failed anyway, and those to groups,
 * are left alone. Counts are of what was drawn for marketing messages, by group, when they were accepted. */
#include "sandbox/sandbox_people_live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sandbox/sandbox_handlers.h"

/* Something a person writes, waiting for its time. */
struct act {
    enum people_way way;
    bool complains, reply, bsuid;
    struct str number_id, display, user, wamid; /* in bytes */
    char bytes[];
};

/* --- what they write ---------------------------------------------------------------------------------------------- */

static struct str keep(char **at, struct str s)
{
    struct str kept = {*at, s.n};
    if (s.n > 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

static struct act *new_act(const struct sbx_message *m)
{
    struct act *a = calloc(1, sizeof *a + m->number_id.n + m->display.n + m->user.n + m->wamid.n + 1);
    if (a == NULL)
        abort();
    char *at = a->bytes;
    a->bsuid = m->bsuid;
    a->number_id = keep(&at, m->number_id);
    a->display = keep(&at, m->display);
    a->user = keep(&at, m->user);
    a->wamid = keep(&at, m->wamid);
    return a;
}

static void open_value(struct json_out *o, const struct act *a)
{
    jo_object(o);
    jo_key(o, "value");
    jo_object(o);
    jo_kcstr(o, "messaging_product", "whatsapp");
    jo_key(o, "metadata");
    jo_object(o);
    jo_kstr(o, "display_phone_number", a->display);
    jo_kstr(o, "phone_number_id", a->number_id);
    jo_end(o);
    jo_key(o, "contacts");
    jo_array(o);
    jo_object(o);
    jo_key(o, "profile");
    jo_object(o);
    jo_kcstr(o, "name", "Sandbox User");
    jo_end(o);
    jo_kstr(o, a->bsuid ? "user_id" : "wa_id", a->user);
    jo_end(o);
    jo_end(o);
}

static void close_value(struct json_out *o, const char *field)
{
    jo_end(o);
    jo_end(o);
    jo_kcstr(o, "field", field);
    jo_end(o);
}

static void write_preference(struct json_out *o, const struct act *a, int64_t now)
{
    open_value(o, a);
    jo_key(o, "user_preferences");
    jo_array(o);
    jo_object(o);
    jo_kstr(o, a->bsuid ? "user_id" : "wa_id", a->user);
    jo_kcstr(o, "detail", "User requested to stop marketing messages");
    jo_kcstr(o, "category", "marketing_messages");
    jo_kcstr(o, "value", "stop");
    jo_kint(o, "timestamp", now / 1000);
    jo_end(o);
    close_value(o, "user_preferences");
}

/* The same person always puts it the same way. */
static const char *words_of(const struct act *a)
{
    static const char *const stops[] = {"STOP", "Stop", "stop", "unsubscribe"};
    static const char *const replies[] = {"Thanks!", "How much is it?", "Is it still available?", "ok"};
    uint64_t key = people_key(a->user);
    if (a->complains)
        return "Stop sending me this spam";
    return a->reply ? replies[key % 4] : stops[key % 4];
}

static void write_context(struct json_out *o, const struct act *a)
{
    jo_key(o, "context");
    jo_object(o);
    jo_kstr(o, "from", a->display);
    jo_kstr(o, "id", a->wamid);
    jo_end(o);
}

static void write_message(struct sandbox *sb, struct json_out *o, const struct act *a, int64_t now)
{
    char id[SBX_WAMID], seconds[24];
    bool button = a->way == PEOPLE_BY_BUTTON && !a->reply && !a->complains;
    snprintf(seconds, sizeof seconds, "%lld", (long long)(now / 1000));
    open_value(o, a);
    jo_key(o, "messages");
    jo_array(o);
    jo_object(o);
    jo_kstr(o, a->bsuid ? "from_user_id" : "from", a->user);
    jo_kcstr(o, "id", sbx_new_wamid(sb, a->user, id));
    jo_kcstr(o, "timestamp", seconds);
    if (button || a->reply)
        write_context(o, a);
    jo_kcstr(o, "type", button ? "button" : "text");
    jo_key(o, button ? "button" : "text");
    jo_object(o);
    if (button)
        jo_kcstr(o, "payload", "Stop promotions");
    jo_kcstr(o, button ? "text" : "body", button ? "Stop promotions" : words_of(a));
    jo_end(o);
    jo_end(o);
    close_value(o, "messages");
}

static void remember(struct sandbox *sb, const struct act *a, bool preference, int64_t now)
{
    struct sbx_number *n = sbx_number_find(sb, a->number_id);
    struct sbx_pair *p = sbx_pair(sb, a->number_id, a->user, true);
    if (p != NULL && preference)
        p->stopped = true;
    else if (p != NULL)
        p->inbound_ms = now;
    if (n != NULL && !preference)
        sbx_limits_inbound(sb, n);
}

static void act_due(void *sandbox, void *act)
{
    struct sandbox *sb = sandbox;
    struct act *a = act;
    bool preference = a->way == PEOPLE_BY_PREFERENCE && !a->reply && !a->complains;
    int64_t now = clock_now_ms();
    struct buf text;
    struct json_out o;
    buf_init(&text, 1u << 20);
    json_out_init(&o, &text);
    pthread_mutex_lock(&sb->lock);
    if (preference)
        write_preference(&o, a, now);
    else
        write_message(sb, &o, a, now);
    remember(sb, a, preference, now);
    const struct sbx_about about = {preference ? STR("user_preferences") : STR("messages"), a->number_id, now};
    if (!sb->stopping)
        sbx_hooks_change(sb, &about, buf_str(&text));
    pthread_mutex_unlock(&sb->lock);
    buf_done(&text);
    free(a);
}

static void act_drop(void *sandbox, void *act)
{
    (void)sandbox;
    free(act);
}

void sbx_people_forget_planned(struct sandbox *sb)
{
    sbx_timer_drop_if(&sb->timer, act_due);
}

/* --- planning ----------------------------------------------------------------------------------------------------- */

static int64_t soon(const struct sandbox *sb, int64_t ms)
{
    return (int64_t)((double)ms / sb->people.model.factor);
}

static void plan_act(struct sandbox *sb, const struct sbx_message *m, const struct people_reaction *r)
{
    if (sb->stopping || (r->opt_out_ms < 0 && r->reply_ms < 0))
        return;
    struct act *a = new_act(m);
    a->reply = r->opt_out_ms < 0;
    a->way = r->way;
    a->complains = r->complains;
    sbx_timer_add(&sb->timer, soon(sb, a->reply ? r->reply_ms : r->opt_out_ms), act_due, act_drop, a);
}

static void tally(struct sbx_people_tally *t, const struct people_reaction *r)
{
    t->messages++;
    t->undeliverable += r->fail_code == 131026;
    t->held_back += r->fail_code == 131049;
    t->read += r->read_ms >= 0 && r->told;
    t->read_untold += r->read_ms >= 0 && !r->told;
    t->opted_out += r->opt_out_ms >= 0;
    t->complained += r->complains;
    t->replied += r->reply_ms >= 0;
}

bool sbx_people_plan(struct sandbox *sb, struct sbx_message *m)
{
    struct sbx_people *p = &sb->people;
    struct people_reaction r;
    if (!p->on || m->group || m->fail_code != 0)
        return false;
    size_t group = people_group_of(&p->model, m->user);
    bool wants = str_starts(str_of(m->category), STR("marketing"));
    uint64_t what = people_key(m->template_name.n > 0 ? m->template_name : m->wamid);
    people_react(&p->model, group, people_key(m->user), what, wants, &r);
    if (wants)
        tally(&p->tally[group], &r);
    if (r.fail_code != 0) {
        m->fail_code = r.fail_code;
        sbx_hooks_plan(sb, m, SBX_FAILED, soon(sb, r.fail_ms));
        return true;
    }
    sbx_hooks_plan(sb, m, SBX_SENT, soon(sb, r.sent_ms));
    sbx_hooks_plan(sb, m, SBX_DELIVERED, soon(sb, r.delivered_ms));
    if (r.told && r.read_ms >= 0)
        sbx_hooks_plan(sb, m, SBX_READ, soon(sb, r.read_ms));
    plan_act(sb, m, &r);
    return true;
}

/* --- the calls ---------------------------------------------------------------------------------------------------- */

static void write_tally(struct json_out *o, const char *name, const struct sbx_people_tally *t)
{
    jo_object(o);
    jo_kcstr(o, "group", name);
    jo_kint(o, "messages", (int64_t)t->messages);
    jo_kint(o, "undeliverable", (int64_t)t->undeliverable);
    jo_kint(o, "held_back", (int64_t)t->held_back);
    jo_kint(o, "read", (int64_t)t->read);
    jo_kint(o, "read_untold", (int64_t)t->read_untold);
    jo_kint(o, "opted_out", (int64_t)t->opted_out);
    jo_kint(o, "complained", (int64_t)t->complained);
    jo_kint(o, "replied", (int64_t)t->replied);
    jo_end(o);
}

void sbx_people_get(struct call *c)
{
    const struct sbx_people *p = &c->sb->people;
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_kbool(o, "on", p->on);
    people_write_json(&p->model, o);
    jo_key(o, "drawn");
    jo_array(o);
    for (size_t i = 0; i < p->model.n_groups; i++)
        write_tally(o, p->model.group[i].name, &p->tally[i]);
    jo_end(o);
    jo_end(o);
}

void sbx_people_post(struct call *c)
{
    struct sbx_people *p = &c->sb->people;
    struct err e = {0};
    if (people_read_json(&p->model, c->params, &e) != 0) {
        sbx_fail_param(c, "%s", e.text);
        return;
    }
    memset(p->tally, 0, sizeof p->tally);
    p->on = !str_eq(sbx_param(c, "on"), STR("false"));
    sbx_people_get(c);
}

void sbx_people_init(struct sandbox *sb, const struct people_model *given)
{
    if (given != NULL)
        people_copy(&sb->people.model, given);
    else
        people_default(&sb->people.model);
    sb->people.on = given != NULL;
}

void sbx_people_done(struct sandbox *sb)
{
    people_done(&sb->people.model);
}

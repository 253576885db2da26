/* SPDX-License-Identifier: Apache-2.0
 * sandbox_faults.c - misbehaviour on demand: what a fault is, how it is asked for, and which call it hits.
 *
 * A fault comes with the call (header X-Sandbox-Fault) or waits in a queue for the next calls that match its method,
 * path prefix, number and recipient. The first matching entry wins and is used up. While the queue is empty a call
 * pays one atomic load. It refuses words it does not know instead of ignoring them. */
#include "sandbox/sandbox_call.h"

#include <stdlib.h>

#define RULES_MAX 10000

struct sbx_fault_rule {
    struct sbx_fault_rule *next;
    struct sbx_fault fault;
    int64_t times;
    struct str text, method, path, number_id, to;
    char bytes[];
};

static const struct word {
    const char *name;
    size_t value_at; /* offset of an int in struct sbx_fault; 0 with no value */
    bool has_value;
    enum sbx_cut cut;
    int64_t min, max;
} words[] = {
    {"code", offsetof(struct sbx_fault, code), true, SBX_CUT_NONE, 1, 100000000},
    {"status", offsetof(struct sbx_fault, status), true, SBX_CUT_NONE, 200, 599},
    {"fail", offsetof(struct sbx_fault, fail), true, SBX_CUT_NONE, 1, 100000000},
    {"delay", offsetof(struct sbx_fault, delay_ms), true, SBX_CUT_NONE, 0, 600000},
    {"lost-answer", 0, false, SBX_CUT_LOST, 0, 0},
    {"drop", 0, false, SBX_CUT_DROP, 0, 0},
    {"hang", 0, false, SBX_CUT_HANG, 0, 0},
};

static int parse_word(struct str text, struct sbx_fault *f, struct err *e)
{
    struct str value, name = str_trim(str_cut(text, '=', &value));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const struct word *w = &words[i];
        if (!str_eq(name, str_of(w->name)))
            continue;
        int64_t v;
        if (!w->has_value) {
            f->cut = w->cut;
            return 0;
        }
        if (!str_i64(str_trim(value), &v) || v < w->min || v > w->max)
            return err_set(e, WL_EINVAL, "fault %s needs a number from %lld to %lld", w->name, (long long)w->min,
                           (long long)w->max);
        if (w->value_at == offsetof(struct sbx_fault, delay_ms))
            f->delay_ms = v;
        else
            *(int *)((char *)f + w->value_at) = (int)v;
        return 0;
    }
    return err_set(e, WL_EINVAL, "unknown fault \"%.*s\"; known: code= status= fail= delay= lost-answer drop hang",
                   (int)(name.n < 40 ? name.n : 40), name.p ? name.p : "");
}

int sbx_fault_parse(struct str text, struct sbx_fault *ret, struct err *e)
{
    struct sbx_fault f = {0};
    struct str rest = text;
    do {
        struct str part = str_trim(str_cut(rest, ',', &rest));
        int rc = parse_word(part, &f, e);
        if (rc != 0)
            return rc;
    } while (rest.p != NULL);
    *ret = f;
    return 0;
}

static bool digits_eq(struct str a, struct str b)
{
    size_t i = 0, j = 0;
    for (;;) {
        while (i < a.n && (a.p[i] < '0' || a.p[i] > '9'))
            i++;
        while (j < b.n && (b.p[j] < '0' || b.p[j] > '9'))
            j++;
        if (i == a.n || j == b.n)
            return i == a.n && j == b.n;
        if (a.p[i++] != b.p[j++])
            return false;
    }
}

static bool matches(const struct sbx_fault_rule *r, struct call *c)
{
    if (r->method.n > 0 && !str_ieq(r->method, c->method))
        return false;
    if (r->path.n > 0 && !str_starts(c->path, r->path) && !str_starts(c->rest, r->path))
        return false;
    if (r->number_id.n > 0 && (c->n_seg == 0 || !str_eq(r->number_id, c->seg[0])))
        return false;
    if (r->to.n == 0)
        return true;
    struct str to = json_str_or(json_get(c->params, "to"), (struct str){NULL, 0});
    struct str recipient = json_str_or(json_get(c->params, "recipient"), (struct str){NULL, 0});
    return (to.n > 0 && digits_eq(r->to, to)) || (recipient.n > 0 && str_eq(r->to, recipient));
}

static void pick_from_queue(struct call *c)
{
    struct sandbox *sb = c->sb;
    pthread_mutex_lock(&sb->lock);
    for (struct sbx_fault_rule **at = &sb->faults; *at != NULL; at = &(*at)->next) {
        struct sbx_fault_rule *r = *at;
        if (!matches(r, c))
            continue;
        c->fault = r->fault;
        if (--r->times == 0) {
            *at = r->next;
            free(r);
            atomic_fetch_sub(&sb->n_faults, 1);
        }
        break;
    }
    pthread_mutex_unlock(&sb->lock);
}

int sbx_fault_pick(struct call *c, struct err *e)
{
    struct str header = c->part ? (struct str){NULL, 0} : http_header(c->rq, "X-Sandbox-Fault");
    if (header.n > 0)
        return sbx_fault_parse(header, &c->fault, e);
    bool own_call = c->n_seg > 0 && str_eq(c->seg[0], STR("_sandbox"));
    if (atomic_load(&c->sb->n_faults) > 0 && !own_call)
        pick_from_queue(c);
    if (c->part) /* a part has no connection of its own to cut or delay */
        c->fault = (struct sbx_fault){.code = c->fault.code, .status = c->fault.status, .fail = c->fault.fail};
    return 0;
}

static struct str copy(char **at, struct str s)
{
    struct str kept = {*at, s.n};
    if (s.n > 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

int sbx_fault_add(struct call *c, struct err *e)
{
    struct sandbox *sb = c->sb;
    struct str text = sbx_param(c, "fault"), method = sbx_param(c, "method"), path = sbx_param(c, "path");
    struct str number_id = sbx_param(c, "phone_number_id"), to = sbx_param(c, "to");
    struct sbx_fault fault;
    int64_t times = 1;
    if (text.n == 0)
        return err_set(e, WL_EINVAL, "\"fault\" is missing, for example \"code=131056\"");
    if (sbx_param(c, "times").n > 0 && (!str_i64(sbx_param(c, "times"), &times) || times < 1))
        return err_set(e, WL_EINVAL, "\"times\" must be a number from 1");
    int rc = sbx_fault_parse(text, &fault, e);
    if (rc != 0)
        return rc;
    if (atomic_load(&sb->n_faults) >= RULES_MAX)
        return err_set(e, WL_EBUSY, "%d faults are waiting already", RULES_MAX);
    struct sbx_fault_rule *r = calloc(1, sizeof *r + text.n + method.n + path.n + number_id.n + to.n);
    if (r == NULL)
        abort();
    char *at = r->bytes;
    r->fault = fault;
    r->times = times;
    r->text = copy(&at, text);
    r->method = copy(&at, method);
    r->path = copy(&at, path);
    r->number_id = copy(&at, number_id);
    r->to = copy(&at, to);
    struct sbx_fault_rule **tail = &sb->faults;
    while (*tail != NULL)
        tail = &(*tail)->next;
    *tail = r;
    atomic_fetch_add(&sb->n_faults, 1);
    return 0;
}

void sbx_faults_write(struct call *c)
{
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_key(o, "data");
    jo_array(o);
    for (struct sbx_fault_rule *r = c->sb->faults; r != NULL; r = r->next) {
        jo_object(o);
        jo_kstr(o, "fault", r->text);
        jo_kint(o, "times", r->times);
        jo_kstr(o, "method", r->method);
        jo_kstr(o, "path", r->path);
        jo_kstr(o, "phone_number_id", r->number_id);
        jo_kstr(o, "to", r->to);
        jo_end(o);
    }
    jo_end(o);
    jo_end(o);
}

void sbx_faults_clear(struct sandbox *sb)
{
    while (sb->faults != NULL) {
        struct sbx_fault_rule *r = sb->faults;
        sb->faults = r->next;
        free(r);
    }
    atomic_store(&sb->n_faults, 0);
}

const char *sbx_fault_name(const struct sbx_fault *f)
{
    if (f->cut == SBX_CUT_LOST)
        return "lost-answer";
    if (f->fail != 0)
        return "fail";
    return f->delay_ms > 0 ? "delay" : "";
}

/* SPDX-License-Identifier: Apache-2.0
 * monitor_say.c - what a monitor says, for people, and the terms it looks with, as JSON.
 *
 * One sentence: what was counted, what is tolerated, and where it stops, so that whoever reads it can do the sum. Percentages have as many places as
 * a millionth needs. The JSON is what a check keeps beside a campaign; numbers that are no rate are refused, keys that are missing are as shipped
 * (a text that was written before a signal existed stays readable). */
#include "core/monitor.h"

#include <inttypes.h>

static const struct saying {
    const char *did;  /* "7 of 200 ..." */
    const char *some; /* "0.6 % ..., " */
    const char *line; /* "7 ..." */
} sayings[MONITOR_SIGNALS] = {
    [SIGNAL_OPT_OUT] = {"opted out", "are tolerated", "stop it"},
    [SIGNAL_UNDELIVERABLE] = {"could not be delivered", "are tolerated", "stop it"},
    [SIGNAL_COMPLAINT] = {"complained", "are tolerated", "stop it"},
    [SIGNAL_READ_15] = {"had read it within 15 min", "are expected at least", ""},
    [SIGNAL_READ_60] = {"had read it within 1 h", "are expected at least", "or fewer stop it"},
    [SIGNAL_READ_240] = {"had read it within 4 h", "are expected at least", "or fewer stop it"},
    [SIGNAL_READ_1440] = {"had read it within 24 h", "are expected at least", "or fewer stop it"}};

/* 6000 millionths: "0.6 %". */
static void say_percent(uint32_t ppm, struct buf *out)
{
    uint32_t rest = ppm % 10000, digits = 4;
    buf_printf(out, "%u", ppm / 10000);
    for (; rest > 0 && rest % 10 == 0; digits--)
        rest /= 10;
    if (rest > 0)
        buf_printf(out, ".%0*u", (int)digits, rest);
    buf_puts(out, " %");
}

void monitor_say(const struct monitor_terms *t, const struct monitor_verdict *v, struct buf *out)
{
    const struct monitor_reading *r = &v->reading[v->signal];
    const struct saying *s = &sayings[v->signal];
    if (r->n == 0) {
        buf_puts(out, "nobody counts yet");
        return;
    }
    buf_printf(out, "%" PRId64 " of %" PRId64 " %s; ", r->k, r->n, s->did);
    say_percent(t->ppm[v->signal], out);
    buf_printf(out, " %s", s->some);
    if (r->stop_line >= 0)
        buf_printf(out, ", and %" PRId64 " %s", r->stop_line, s->line);
    bool soon = v->word != MONITOR_STOP && v->tripped && r->log_fast > r->log_e;
    if (soon)
        buf_puts(out, "; these are too many so soon");
    if (v->word == MONITOR_HOLD)
        buf_puts(out, soon ? ", and waiting will tell" : "; that is unusual, and waiting will tell");
}

void monitor_terms_write(const struct monitor_terms *t, struct json_out *out)
{
    jo_object(out);
    jo_key(out, "ppm");
    jo_object(out);
    for (unsigned i = 0; i < MONITOR_SIGNALS; i++)
        jo_kint(out, monitor_signal_name((enum monitor_signal)i), t->ppm[i]);
    jo_end(out);
    jo_kint(out, "learned_from", t->learned_from);
    jo_kint(out, "haste", t->haste);
    jo_end(out);
}

static int read_number(struct json object, const char *key, int64_t most, uint32_t *at, struct err *e)
{
    struct json v = json_get(object, key);
    int64_t n = 0;
    if (json_type(v) == JSON_ABSENT)
        return 0;
    if (!json_i64(v, &n) || n < 0 || n > most)
        return err_set(e, WL_EINVAL, "%s is no whole number from 0 to %" PRId64, key, most);
    *at = (uint32_t)n;
    return 0;
}

int monitor_terms_read(struct json v, struct monitor_terms *ret, struct err *e)
{
    struct monitor_terms t = monitor_shipped;
    int rc = 0;
    if (json_type(v) != JSON_OBJECT)
        return err_set(e, WL_EINVAL, "the terms of a monitor are no object");
    for (unsigned i = 0; i < MONITOR_SIGNALS && rc == 0; i++)
        rc = read_number(json_get(v, "ppm"), monitor_signal_name((enum monitor_signal)i), 1000000, &t.ppm[i], e);
    if (rc == 0)
        rc = read_number(v, "learned_from", UINT32_MAX, &t.learned_from, e);
    if (rc == 0)
        rc = read_number(v, "haste", 1000000, &t.haste, e);
    if (rc == 0)
        *ret = t;
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0
 * screen_activity.c - what the user's own gateway knows of the numbers of a batch: the history of messages between the two.
 *
 * The gateway is asked for some thousand numbers at once, over its REST API, and answers from its own records. It asks nobody, and
 * neither does this: a number that was never written to is "unknown". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rest_client.h"
#include "cmd/screen_job.h"
#include "cmd/term.h"

#define ASKED    2000 /* numbers in one call */
#define BODY_MAX (512u << 10)

static const char *const classes[] = {"interactive", "active", "dormant", "undeliverable", "new", "unknown", NULL};
#define CLASSES (sizeof classes / sizeof classes[0] - 1)

struct screen_activity {
    struct rest rest;
    bool wanted[CLASSES];
    size_t row[ASKED]; /* of the batch, by place in the call */
    size_t n;
    int exit; /* of the last call */
};

static int read_classes(struct screen_activity *a, const char *words)
{
    struct str rest = str_of(words);
    if (strcmp(words, "all") == 0) {
        memset(a->wanted, true, sizeof a->wanted);
        return CMD_OK;
    }
    while (rest.p != NULL) {
        struct str word = str_trim(str_cut(rest, ',', &rest));
        size_t i = 0;
        while (i < CLASSES && !str_eq(word, str_of(classes[i])))
            i++;
        if (i == CLASSES)
            return cmd_fail(CMD_USAGE, NULL,
                            "--activity %.*s: it must be all, or some of interactive, active, dormant, undeliverable, "
                            "new and unknown",
                            (int)word.n, word.p);
        a->wanted[i] = true;
    }
    return CMD_OK;
}

int screen_activity_open(struct screen_job *j)
{
    struct screen_activity *a = arena_new(j->arena, struct screen_activity);
    if (a == NULL)
        abort();
    int rc = read_classes(a, args_get(j->args, "activity"));
    if (rc != CMD_OK)
        return rc;
    j->activity = a;
    return rest_open(&a->rest, j->args);
}

void screen_activity_close(struct screen_job *j)
{
    if (j->activity != NULL)
        rest_close(&j->activity->rest);
}

/* ---- answers ---- */

static const char *class_of(struct str word)
{
    for (size_t i = 0; i < CLASSES; i++)
        if (str_eq(word, str_of(classes[i])))
            return classes[i];
    return "unknown";
}

/* The day of the last sign that the phone was reached. */
static void last_seen(struct json contact, char out[SCREEN_SEEN_TEXT])
{
    static const char *const fields[] = {"last_delivered", "last_read", "last_replied", "last_clicked"};
    struct str latest = {"", 0};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct str at = json_str_or(json_get(contact, fields[i]), STR(""));
        size_t n = at.n < latest.n ? at.n : latest.n;
        if (n == 0 ? at.n > 0 : memcmp(at.p, latest.p, n) > 0) /* all in the same form, in UTC */
            latest = at;
    }
    snprintf(out, SCREEN_SEEN_TEXT, "%.*s", (int)(latest.n < 10 ? latest.n : 10), latest.p);
}

static void take(struct screen_known *k, struct json contact)
{
    struct json score = json_get(contact, "score");
    struct buf text;
    *k = (struct screen_known){.class = class_of(json_str_or(json_get(contact, "class"), STR("unknown")))};
    buf_init(&text, sizeof k->score - 1);
    if (json_type(score) == JSON_DOUBLE || json_type(score) == JSON_INT)
        json_write_value(&text, score);
    snprintf(k->score, sizeof k->score, "%s", buf_cstr(&text));
    buf_done(&text);
    last_seen(contact, k->last_seen);
}

static int ask(struct screen_job *j, struct err *e)
{
    struct screen_activity *a = j->activity;
    char text[PHONE_E164_MAX];
    struct json_out o;
    struct json answer;
    struct buf body;
    size_t n = 0;
    if (a->n == 0)
        return 0;
    buf_init(&body, BODY_MAX);
    json_out_init(&o, &body);
    jo_object(&o);
    jo_key(&o, "numbers");
    jo_array(&o);
    for (size_t i = 0; i < a->n; i++) {
        snprintf(text, sizeof text, "+%" PRIu64, j->work[a->row[i]].s.number.e164);
        jo_cstr(&o, text);
    }
    jo_end(&o);
    jo_end(&o);
    a->exit = rest_call(&a->rest, "POST", "/contacts/activity", buf_str(&body), &answer);
    if (a->exit == CMD_OK)
        a->exit = rest_check(&a->rest, answer);
    buf_done(&body);
    if (a->exit != CMD_OK)
        return err_set(e, WL_EIO, "the gateway did not tell what it knows");
    for (struct json_iter it = json_iter(json_get(answer, "contacts")); n < a->n && json_next(&it); n++)
        take(&j->known[a->row[n]], it.value);
    if (n != a->n)
        return err_set(e, WL_EIO, "the gateway answered for %zu of %zu numbers", n, a->n);
    a->n = 0;
    return 0;
}

static bool wanted(const struct screen_activity *a, const struct screen_known *k)
{
    for (size_t i = 0; i < CLASSES; i++)
        if (k->class == classes[i])
            return a->wanted[i];
    return true; /* not asked: beyond what the gateway can hold */
}

int screen_activity_ask(struct screen_job *j, struct err *e)
{
    struct screen_activity *a = j->activity;
    int rc = 0;
    a->n = 0;
    for (size_t i = 0; rc == 0 && i < j->batch.rows; i++) {
        j->known[i] = (struct screen_known){0};
        if (j->work[i].s.verdict != VERDICT_OK || j->work[i].s.number.e164 == 0)
            continue;
        a->row[a->n++] = i;
        if (a->n == ASKED)
            rc = ask(j, e);
    }
    if (rc == 0)
        rc = ask(j, e);
    for (size_t i = 0; rc == 0 && i < j->batch.rows; i++) {
        struct screen_work *w = &j->work[i];
        if (w->s.verdict == VERDICT_OK && j->filter != NULL)
            w->s.verdict = (uint8_t)screen_filter(j, i, &j->room[0]);
        if (w->s.verdict == VERDICT_OK && !wanted(a, &j->known[i]))
            w->s.verdict = VERDICT_OTHER_ACTIVITY;
    }
    return rc;
}

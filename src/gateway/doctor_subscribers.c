/* SPDX-License-Identifier: Apache-2.0
 * doctor_subscribers.c - the apps behind the gateway, as it tells of them: who takes nothing, who is held up, and whose secret
 * nobody can read.
 *
 * What would help follows from what the app answers: who answers 401 has another secret, who answers 404 another path, who
 * answers nothing does not run. That nothing is lost meanwhile is said once for each. */
#include "gateway/doctor_impl.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define WHY_SHOWN  200
#define NAME_SHOWN 64

struct app_view {
    struct str name, why, down;
    char stuck[48]; /* the webhook, and which of its events; "" none */
    bool ours;      /* made by the configuration */
    bool paused, broken, app_unknown;
    int64_t dead, status, delivered;
};

static struct str text_of(struct json v, const char *member, size_t most)
{
    struct str s = json_str_or(json_get(v, member), STR(""));
    s.n = s.n < most ? s.n : most;
    return s;
}

static void read_stuck(struct json v, struct app_view *a)
{
    struct str id = text_of(v, "id", 24);
    int64_t event;
    if (id.n == 0)
        return;
    if (json_i64(json_get(v, "event"), &event))
        snprintf(a->stuck, sizeof a->stuck, "%.*s.%lld", (int)id.n, id.p, (long long)event);
    else
        snprintf(a->stuck, sizeof a->stuck, "%.*s", (int)id.n, id.p);
    if (a->down.n == 0)
        json_i64(json_get(v, "status"), &a->status);
}

static struct app_view view_of(struct json v)
{
    struct app_view a = {.name = text_of(v, "name", NAME_SHOWN),
                         .why = text_of(v, "last_error", WHY_SHOWN),
                         .down = text_of(v, "down_since", TIME_TEXT),
                         .ours = str_eq(text_of(v, "origin", NAME_SHOWN), STR("configuration"))};
    json_bool(json_get(v, "paused"), &a.paused);
    json_i64(json_get(v, "dead"), &a.dead);
    json_i64(json_get(v, "last_status"), &a.status);
    json_bool(json_get(v, "broken"), &a.broken);
    json_bool(json_get(v, "app_unknown"), &a.app_unknown);
    read_stuck(json_get(v, "stuck"), &a);
    json_i64(json_get(v, "delivered"), &a.delivered);
    return a;
}

/* What is to be changed of it: a key of the configuration, or a word of the command. */
static void advise_change(struct doctor_line *l, const struct app_view *a, const char *first, const char *key,
                          const char *option)
{
    if (a->ours)
        doctor_advise(l, "%s, then restart the gateway: %s", first, key);
    else
        doctor_advise(l, "%s: wayleave webhooks subscribers set %.*s %s", first, (int)a->name.n, a->name.p, option);
}

static void advise(struct doctor_line *l, const struct app_view *a)
{
    int64_t s = a->status;
    if (s == 0 && str_starts(a->why, STR("the address is not one")))
        doctor_advise(l,
                      "set webhook.private_subscribers: true when the app is in this network, and restart the gateway");
    else if (s == 0)
        doctor_advise(l, "start that program, or correct its address: nothing is lost meanwhile");
    else if (s == 401 || s == 403)
        advise_change(l, a, "give it the secret that the app checks signatures with", "webhook.forward_secret_file",
                      "--secret-file FILE");
    else if (s == 404 || s == 405 || s == 410)
        advise_change(l, a, "the app does not know that path, so correct the address", "webhook.forward_url",
                      "--url URL");
    else if (s == 421)
        advise_change(l, a, "that is the address of this gateway itself; give it the app's", "webhook.forward_url",
                      "--url URL");
    else if (s >= 300 && s < 400)
        advise_change(l, a, "redirects are not followed, so give it the address the app redirects to",
                      "webhook.forward_url", "--url URL");
    else
        doctor_advise(l, "look into that program's own log, which says why: nothing is lost meanwhile");
}

static void cannot_be_used(struct round *r, const struct app_view *a)
{
    struct doctor_line *l = doctor_say(r, "subscriber", DOCTOR_FAIL, NULL, "%.*s is handed nothing: %.*s",
                                       (int)a->name.n, a->name.p, (int)a->why.n, a->why.p);
    if (str_starts(a->why, STR("its secret")))
        doctor_advise(l,
                      "put back the seal.key of the backup and restart the gateway, or give it the secret anew: "
                      "wayleave webhooks subscribers set %.*s --secret-file FILE",
                      (int)a->name.n, a->name.p);
    else
        doctor_advise(l, "give it its filter anew: wayleave webhooks subscribers set %.*s --everything", (int)a->name.n,
                      a->name.p);
}

static struct doctor_line *stuck_on(struct round *r, const struct app_view *a)
{
    char answer[32] = "no answer comes";
    if (a->status != 0)
        snprintf(answer, sizeof answer, "HTTP %lld", (long long)a->status);
    return doctor_say(r, "subscriber", DOCTOR_WARN, NULL,
                      "%.*s takes webhooks, but not %s (%s), and what is told of the same person or message waits",
                      (int)a->name.n, a->name.p, a->stuck, answer);
}

/* Says what is wrong with it; true: nothing is. */
static bool is_well(struct round *r, const struct app_view *a)
{
    int n = (int)a->name.n, why = (int)a->why.n;
    const char *sep = why > 0 ? ": " : "";
    if (a->broken)
        cannot_be_used(r, a);
    else if (a->paused)
        doctor_advise(doctor_say(r, "subscriber", DOCTOR_WARN, NULL, "%.*s is paused and is handed nothing", n,
                                 a->name.p),
                      "when that is no longer wanted: wayleave webhooks subscribers resume %.*s", n, a->name.p);
    else if (a->down.n > 0)
        advise(doctor_say(r, "subscriber", DOCTOR_FAIL, NULL, "%.*s takes no webhooks since %.*s%s%.*s", n, a->name.p,
                          (int)a->down.n, a->down.p, sep, why, a->why.p),
               a);
    else if (a->stuck[0] != '\0')
        advise(stuck_on(r, a), a);
    else if (why > 0)
        advise(doctor_say(r, "subscriber", DOCTOR_WARN, NULL,
                          "%.*s did not take what it was handed last, which is tried again%s%.*s", n, a->name.p, sep,
                          why, a->why.p),
               a);
    else
        return true;
    return false;
}

void doctor_subscribers(struct round *r, struct json list)
{
    size_t n = 0, well = 0, fresh = 0;
    for (struct json_iter it = json_iter(list); json_next(&it); n++) {
        struct app_view a = view_of(it.value);
        bool good = is_well(r, &a);
        if (good && a.app_unknown)
            doctor_advise(doctor_say(r, "subscriber", DOCTOR_WARN, NULL,
                                     "the app of %.*s is not configured: what it gets is signed with the secret of the "
                                     "first one",
                                     (int)a.name.n, a.name.p),
                          "configure that app in webhook.apps, or name another: wayleave webhooks subscribers set %.*s "
                          "--app ID",
                          (int)a.name.n, a.name.p);
        well += good && !a.app_unknown;
        fresh += good && a.delivered == 0;
        if (a.dead > 0)
            doctor_advise(
                doctor_say(r, "subscriber.dead", DOCTOR_WARN, NULL,
                           "%.*s did not take %lld webhooks, which were set aside", (int)a.name.n, a.name.p,
                           (long long)a.dead),
                "see why with: wayleave webhooks subscribers dead %.*s, and hand them over again with webhooks "
                "replay",
                (int)a.name.n, a.name.p);
    }
    if (n == 0 || well < n)
        return;
    if (fresh == n)
        doctor_say(r, "subscriber", DOCTOR_OK, NULL, "no subscriber was handed anything since the gateway started");
    else if (n == 1)
        doctor_say(r, "subscriber", DOCTOR_OK, NULL, "the one subscriber takes what it is handed");
    else
        doctor_say(r, "subscriber", DOCTOR_OK, NULL, "%zu of %zu subscribers take what they are handed%s", n - fresh, n,
                   fresh > 0 ? "; the others were handed nothing since the gateway started" : "");
}

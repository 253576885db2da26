/* SPDX-License-Identifier: Apache-2.0
 * serve.c - `wayleave serve`: reads the configuration, starts the gateway, waits, stops it.
 *
 * Settings are read once, at the start; SIGHUP reads the rule files again. SIGTERM and SIGINT stop taking requests,
 * finish what is open and close the database; a second one ends the program at once. Under systemd the unit is told
 * when requests are accepted and when stopping begins. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "cmd/phone_tables.h"
#include "cmd/serve.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

extern char **environ;

/* Every connection is a descriptor, and so is every upstream one: the soft limit of 1024 is for other programs. */
static void raise_descriptors(unsigned connections)
{
    struct rlimit r;
    rlim_t wanted = (rlim_t)connections * 2 + 256;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= wanted)
        return;
    r.rlim_cur = r.rlim_max < wanted ? r.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur < wanted)
        log_warn("serve", "too few files may be open at once (%llu) for limits.connections (%u)",
                 (unsigned long long)r.rlim_max, connections);
}

static void on_hup(void *ctx)
{
    log_info("serve", "SIGHUP: reading the rule files again; other settings are read at the start only");
    gateway_reload_rules(ctx);
}

/* "127.0.0.1:0" with the port that was picked. */
static void say_listening(const char *scheme, const char *listen, uint16_t port)
{
    const char *colon = strrchr(listen, ':');
    fprintf(stderr, "listening on %s://%.*s:%u\n", scheme, (int)(colon - listen), listen, (unsigned)port);
}

static void say_check(const struct config *c, struct buf *out)
{
    buf_printf(out, "see what is in force with: wayleave check-config%s%s", c->file ? " --config " : "",
               c->file ? c->file : "");
}

static int unusable(const struct config *c)
{
    struct buf next;
    buf_init(&next, 8192);
    say_check(c, &next);
    int rc = cmd_fail(CMD_FAILED, buf_cstr(&next), "the configuration is not usable");
    buf_done(&next);
    return rc;
}

/* check-config binds no port, so it would have nothing to say about one that is taken. */
static int start_failed(const struct config *c, const struct err *e)
{
    struct buf next;
    buf_init(&next, 8192);
    if (strstr(e->text, strerror(EADDRINUSE)) != NULL)
        buf_puts(&next, "choose another port with listen, or stop the program that has this one");
    else if (e->code == WL_ECORRUPT)
        buf_puts(&next, "put back the database, or the directory and its keys, that belong together: docs/ledger.md");
    else if (e->code == WL_ECONFLICT)
        buf_puts(&next, "stop that one, or give this one a state_dir of its own");
    else
        say_check(c, &next);
    int rc = cmd_fail(CMD_FAILED, buf_cstr(&next), "%s", e->text);
    buf_done(&next);
    return rc;
}

/* As the doctor says it, where those look who never ask the doctor. */
static void warn_of_old_plans(const struct phone_data *d)
{
    int days = phone_data_age_days(d, clock_now_ms());
    if (days > PHONE_DATA_STALE_DAYS)
        log_warn("serve",
                 "the numbering plans are %d days old (%s): numbers of newer ranges count as invalid; docs/phone.md "
                 "says how to renew them",
                 days, phone_data_name(d));
}

static int serve(const struct config *c)
{
    struct gateway *g = NULL;
    struct gateway_options o = c->gateway;
    struct phone_tables plans;
    struct err e = {0};
    log_set_level((enum log_level)c->log_level);
    raise_descriptors(c->gateway.max_connections);
    signals_hold();
    if (phone_tables_choose(o.phone_data_file, &plans, &e) != 0)
        return start_failed(c, &e);
    o.phones = &plans.data;
    warn_of_old_plans(&plans.data);
    if (gateway_start(&g, &o, &e) != 0) {
        phone_tables_close(&plans);
        return start_failed(c, &e);
    }
    say_listening("http", c->gateway.listen, gateway_port(g));
    if (gateway_tls_port(g) != 0)
        say_listening("https", c->gateway.listen_tls, gateway_tls_port(g));
    notify_manager("READY=1");
    signals_wait(on_hup, g);
    notify_manager("STOPPING=1");
    fputs("stopping\n", stderr);
    gateway_stop(g);
    phone_tables_close(&plans);
    return CMD_OK;
}

int serve_run(const struct args *a)
{
    const char *settings[ARGS_OPTIONS];
    struct config *c = NULL;
    struct err e = {0};
    if (failpoint_arm(getenv("WAYLEAVE_FAILPOINT"), &e) != 0)
        return cmd_fail(CMD_FAILED, "it is for tests; take it out of the environment", "%s", e.text);
    config_settings(a, settings);
    const struct config_source from = {.file = args_get(a, "config"),
                                       .environ = environ,
                                       .set = settings,
                                       .secrets = true};
    int rc = config_load(&c, &from, &e);
    if (c == NULL)
        return cmd_fail(CMD_FAILED, NULL, "%s", e.text);
    config_say(c, args_has(a, "quiet"));
    rc = rc != 0 ? unusable(c) : serve(c);
    config_free(c);
    return rc;
}

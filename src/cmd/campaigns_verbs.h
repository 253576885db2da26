/* SPDX-License-Identifier: Apache-2.0
 * campaigns_verbs.h - wayleave campaigns: its verbs, their options, and what they share. Only for src/cmd/campaigns*.c and the table of
 * commands. */
#ifndef WL_CMD_CAMPAIGNS_VERBS_H
#define WL_CMD_CAMPAIGNS_VERBS_H

#include "cmd/command.h"
#include "cmd/rest_client.h"

int campaigns_create_run(const struct args *a); /* campaigns.c */
int campaigns_change_run(const struct args *a);
int campaigns_list_run(const struct args *a);
int campaigns_show_run(const struct args *a);
int campaigns_events_run(const struct args *a);
int campaigns_check_run(const struct args *a); /* campaigns_check.c */
int campaigns_preview_run(const struct args *a);
int campaigns_verify_run(const struct args *a);
int campaigns_approve_run(const struct args *a); /* campaigns_act.c */
int campaigns_start_run(const struct args *a);
int campaigns_pause_run(const struct args *a);
int campaigns_resume_run(const struct args *a);
int campaigns_stop_run(const struct args *a);
int campaigns_cancel_run(const struct args *a);
int campaigns_quarantine_run(const struct args *a);
int campaigns_release_run(const struct args *a);
int campaigns_watch_run(const struct args *a);  /* campaigns_watch.c */
int campaigns_report_run(const struct args *a); /* campaigns_report.c */
int campaigns_export_run(const struct args *a);

extern const struct option campaigns_actor_options[], campaigns_list_options[], campaigns_check_options[],
    campaigns_preview_options[], campaigns_approve_options[], campaigns_resume_options[], campaigns_end_options[],
    campaigns_source_options[], campaigns_watch_options[], campaigns_export_options[];

#define CAMPAIGN_ACTOR_OPTIONS                                                                                         \
    {.name = "actor", .value = "NAME", .help = "who does this (default: you, as this machine knows you)"},             \
    {                                                                                                                  \
        .name = "reason", .value = "TEXT", .help = "why, for its history"                                              \
    }

/* --- shared (campaigns.c) --- */

#define CAMPAIGN_ID_TEXT 24
struct campaign_call {
    struct rest r;
    char id[CAMPAIGN_ID_TEXT], name[140], state[16];
};
/* Finds the gateway and the campaign that the first word names: by its id, or by its name where one alone has it. An exit status;
 * campaign_call_close() it in either case. */
int campaign_call_open(struct campaign_call *c, const struct args *a);
void campaign_call_close(struct campaign_call *c);
/* GET /campaigns/{id}<what>, and rest_check(). */
int campaign_call_get(struct campaign_call *c, const char *what, struct json *ret);
/* POST /campaigns/{id}/<verb>. */
int campaign_call_post(struct campaign_call *c, const char *verb, struct str body, struct json *ret);
/* "actor" and "reason" into the open object: as the options say. Whose key it is says who acts, so nobody is named with a key of one's own. */
void campaign_put_actor(struct json_out *o, const struct args *a);

/* --- shown (campaigns_show.c) --- */

void show_campaign_list(struct json campaigns);
void show_campaign(struct json campaign);
void show_campaign_waits(struct json live); /* GET .../live */
void show_campaign_events(struct json events);
void show_campaign_check(struct json check);   /* GET .../check */
void show_campaign_report(struct json report); /* GET .../report */
void show_campaign_verify(struct json verify);
/* "12,345". out holds PROGRESS_COUNT bytes. */
const char *show_people(int64_t n, char *out);
/* Millionths as per cent: "0.6 %". out holds 24 bytes. */
const char *show_share(int64_t ppm, char *out);

#endif

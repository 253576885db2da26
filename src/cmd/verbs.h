/* SPDX-License-Identifier: Apache-2.0
 * verbs.h - the functions behind the rows of the table of commands.
 *
 * Each takes the parsed words and returns an exit status (enum cmd_exit), after having said on standard error what
 * went wrong. None of them exits by itself. */
#ifndef WL_CMD_VERBS_H
#define WL_CMD_VERBS_H

#include "cmd/command.h"

int serve_run(const struct args *a);        /* serve.c */
int sandbox_run(const struct args *a);      /* sandbox_cmd.c */
int simulate_run(const struct args *a);     /* simulate.c */
int check_config_run(const struct args *a); /* check_config.c */
int doctor_cmd_run(const struct args *a);   /* doctor.c */
int contacts_import(const struct args *a);  /* contacts.c */
int contacts_show(const struct args *a);
int contacts_list(const struct args *a); /* contacts_list.c */
extern const struct option contacts_list_options[];
int contacts_erase(const struct args *a); /* contacts_erase.c */
int contacts_erasures(const struct args *a);
int contacts_link(const struct args *a); /* contacts_link.c */
int consent_grant(const struct args *a); /* consent.c */
int consent_withdraw(const struct args *a);
int consent_show(const struct args *a);
int consent_wordings(const struct args *a);
int consent_import(const struct args *a);        /* consent_import.c */
int contacts_export(const struct args *a);       /* contacts_export.c */
int ledger_checkpoint_run(const struct args *a); /* ledger.c */
int ledger_prove_run(const struct args *a);
int ledger_export_run(const struct args *a); /* ledger_export.c */
int ledger_verify_run(const struct args *a); /* ledger_verify.c */
int ledger_reopen_run(const struct args *a); /* ledger_reopen_cmd.c */
int lists_make_run(const struct args *a);    /* lists.c */
int lists_show_run(const struct args *a);
int lists_info_run(const struct args *a);
int lists_regions_run(const struct args *a);
int lists_diff_run(const struct args *a); /* lists_algebra.c */
int lists_union_run(const struct args *a);
int lists_intersect_run(const struct args *a);
int lists_subtract_run(const struct args *a);
int lists_select_run(const struct args *a); /* lists_pick.c */
int lists_sample_run(const struct args *a);
int lists_split_run(const struct args *a);    /* lists_split.c */
int lists_generate_run(const struct args *a); /* lists_generate.c */
int phone_show_run(const struct args *a);     /* phone_show.c */
int phone_plans_run(const struct args *a);    /* phone_plans.c */
int phone_plans_compile_run(const struct args *a);
int phone_changes_run(const struct args *a); /* phone_changes.c */
int decide_run(const struct args *a);        /* decide.c */
int optout_test(const struct args *a);       /* optout.c */
int optout_list(const struct args *a);
int rules_list(const struct args *a); /* rules.c */
int rules_show(const struct args *a);
int rules_test(const struct args *a);
int rules_lint(const struct args *a);
int rules_diff(const struct args *a);
int rules_running(const struct args *a); /* rules_live.c */
int rules_history(const struct args *a);
int rules_activate_run(const struct args *a);
int rules_backtest(const struct args *a);    /* backtest.c */
int facts_run(const struct args *a);         /* facts.c */
int explain_run(const struct args *a);       /* explain.c */
int screen_run(const struct args *a);        /* screen.c */
int send_run(const struct args *a);          /* send.c */
int messages_list_run(const struct args *a); /* messages.c */
int messages_show_run(const struct args *a);
int messages_export_run(const struct args *a);
int messages_cancel_run(const struct args *a);
int numbers_list_run(const struct args *a); /* numbers.c */
int numbers_show_run(const struct args *a);
int numbers_resume_run(const struct args *a);
int accounts_list_run(const struct args *a); /* accounts.c */
int accounts_show_run(const struct args *a);
int accounts_notices_run(const struct args *a);
int templates_list_run(const struct args *a); /* templates.c */
int templates_show_run(const struct args *a);
int templates_sync_run(const struct args *a);
int webhooks_list_run(const struct args *a); /* webhooks.c */
int webhooks_show_run(const struct args *a);
int webhooks_tail_run(const struct args *a);
int webhooks_replay_run(const struct args *a);
int webhooks_erase_run(const struct args *a);
int webhooks_fields_run(const struct args *a);
int subscribers_list_run(const struct args *a); /* subscribers.c */
int subscribers_show_run(const struct args *a);
int subscribers_add_run(const struct args *a);
int subscribers_set_run(const struct args *a);
int subscribers_remove_run(const struct args *a);
int subscribers_pause_run(const struct args *a);
int subscribers_resume_run(const struct args *a);
int subscribers_test_run(const struct args *a);
int subscribers_dead_run(const struct args *a);
int welcomes_start_run(const struct args *a); /* welcomes.c */
int welcomes_list_run(const struct args *a);
int welcomes_show_run(const struct args *a);
int welcomes_cancel_run(const struct args *a);
int status_run(const struct args *a);  /* status.c */
int version_run(const struct args *a); /* version.c */
int help_run(const struct args *a);    /* main.c */
int completions_run(const struct args *a);

#endif

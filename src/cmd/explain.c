/* SPDX-License-Identifier: Apache-2.0
 * explain.c - `wayleave explain ID`: why a message was sent, held or refused, and what became of it.
 *
 * Shows the decision as it was recorded, with the rule set it was made with; nothing is decided again here. The exit
 * status says whether the question could be answered, not what the verdict was. */
#include <stdio.h>

#include "cmd/rest_client.h"
#include "cmd/show.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

int explain_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = rest_get(&r, "/decisions/", a->word[0], &answer);
    if (rc == CMD_OK && args_has(a, "json")) {
        rc = rest_print(answer);
    } else if (rc == CMD_OK) {
        struct str id = json_str_or(json_get(answer, "id"), STR("")), at = json_str_or(json_get(answer, "at"), STR(""));
        term_text(stdout, TONE_BOLD, id);
        fputs("  ", stdout);
        term_text(stdout, TONE_PLAIN, at);
        putchar('\n');
        show_message(json_get(answer, "message"));
        if (json_type(json_get(answer, "decision")) > JSON_NULL)
            show_decided(json_get(answer, "decision"), json_get(answer, "override"));
        else
            show_undecided(json_get(answer, "message"));
    }
    rest_close(&r);
    return rc;
}

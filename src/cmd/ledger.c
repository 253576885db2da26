/* SPDX-License-Identifier: Apache-2.0
 * ledger.c - `wayleave ledger checkpoint` and `ledger prove`.
 *
 * The checkpoint comes out as it was signed, byte for byte, so that it can be kept, compared and given to a witness. */
#include <stdio.h>

#include "cmd/ledger_proofs.h"
#include "cmd/show.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

int ledger_checkpoint_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    struct str text;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = rest_call(&r, "GET", "/ledger", (struct str){NULL, 0}, &answer);
    if (rc == CMD_OK)
        rc = rest_check(&r, answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK && args_has(a, "key"))
        printf("%.*s\n", (int)show_text(answer, "key").n, show_text(answer, "key").p);
    else if (rc == CMD_OK && json_str(json_get(answer, "checkpoint"), &text))
        fwrite(text.p, 1, text.n, stdout);
    else if (rc == CMD_OK)
        rc = cmd_fail(CMD_TEMPORARY, NULL, "the ledger has no checkpoint yet: nothing was recorded in it");
    rest_close(&r);
    return rc;
}

struct proving {
    bool json;
    int64_t proven, pending;
};

static int show_proof(void *ctx, const struct ledger_pack *p, const struct ledger_event *ev)
{
    struct proving *v = ctx;
    char at[SHOW_TIME], leaf[24];
    if (!v->json && v->proven + v->pending == 0) {
        show_line(0, "contact", str_of(p->contact));
        show_line(0, "key", buf_str(&p->key));
        printf("checkpoint    %lld leaves\n\n", (long long)p->checkpoint.size);
        term_text(stdout, TONE_DIM, STR("leaf        kind       said                  proof"));
        fputc('\n', stdout);
    }
    v->proven += ev->sealed;
    v->pending += !ev->sealed;
    if (v->json)
        return rest_print(ev->answer);
    snprintf(leaf, sizeof leaf, "%lld", (long long)ev->leaf);
    term_cell(stdout, TONE_PLAIN, str_of(leaf), 12);
    term_cell(stdout, TONE_PLAIN, str_of(leaf_kind_name(ev->entry.kind)), 11);
    term_cell(stdout, TONE_PLAIN, show_time(json_get(ev->answer, "at"), at), 22);
    term_text(stdout, ev->sealed ? TONE_GOOD : TONE_WARN, ev->sealed ? STR("proven") : STR("not sealed yet"));
    fputc('\n', stdout);
    return CMD_OK;
}

static void show_limits(void)
{
    putchar('\n');
    term_text(stdout, TONE_DIM,
              STR("A proof is of what is there. Whether something was taken out: wayleave ledger verify"));
    putchar('\n');
}

int ledger_prove_run(const struct args *a)
{
    struct rest r;
    struct proving v = {.json = args_has(a, "json")};
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = ledger_proofs(&r, a->word[0], show_proof, &v);
    if (rc == CMD_OK && v.proven + v.pending == 0)
        rc = cmd_fail(CMD_FAILED, NULL, "the ledger has no event of this person");
    else if (rc == CMD_OK && !v.json)
        show_limits();
    if (rc == CMD_OK && v.pending > 0)
        rc = cmd_fail(CMD_TEMPORARY, "give the same command again in a second",
                      "%lld of %lld events are not inside a signed checkpoint yet", (long long)v.pending,
                      (long long)(v.proven + v.pending));
    rest_close(&r);
    return rc;
}

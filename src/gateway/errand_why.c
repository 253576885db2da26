/* SPDX-License-Identifier: Apache-2.0
 * errand_why.c - which rule refused a message when its turn had come.
 *
 * The decision is in the store under the rules that made it; when those decide no longer, its code has to do. */
#include <stdio.h>

#include "gateway/errand_body.h"
#include "gateway/gateway_impl.h"

void errand_rule(const struct gateway *g, struct store *reader, struct arena *a, const struct message *m, char *ret,
                 size_t size)
{
    struct decision_row row;
    struct decision d;
    const struct finding *main = NULL;
    const struct ruleset *rs = NULL;
    if (decisions_get(reader, m->bucket, message_decision(m), a, &row, NULL) == 0)
        rs = rules_published(g, row.ruleset);
    if (rs != NULL && decision_unpack(row.findings.p, row.findings.n, rs, &d) == 0)
        main = decision_main(&d);
    if (main != NULL)
        snprintf(ret, size, "rule %s: %s", rule_id(main->rule), rule_reason(main->rule));
    else
        snprintf(ret, size, "a rule refused it when its turn had come, code %d", m->life.code);
}

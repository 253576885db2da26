/* SPDX-License-Identifier: Apache-2.0
 * greet.c - one question, put in order: the number, the template, the list of its templates.
 *
 * Nothing is asked twice for one send: whoever asked once goes on with what is known then, and the rules say what follows.
 * Only a template that is on no list is asked for after the number was: it may have been made a moment ago. */
#include "gateway/greet.h"

#include "gateway/accounts.h"
#include "gateway/gateway_impl.h"

enum greet greet_first(const struct send *s, struct str token)
{
    const struct facts *f = &s->facts;
    struct accounts *a = s->g->accounts;
    if (!accounts_trusts(a, s->sender, token))
        return GREET_NUMBER;
    if (s->intent->kind != INTENT_TEMPLATE)
        return GREET_NOT;
    if (!f->known[FACT_TEMPLATE_KNOWN] || !f->value[FACT_TEMPLATE_KNOWN])
        return GREET_AGAIN;
    return accounts_templates_fresh(a, s->sender) ? GREET_NOT : GREET_TEMPLATES;
}

enum greet greet_next(const struct send *s, struct str token, unsigned *asked)
{
    enum greet what = greet_first(s, token);
    unsigned bit = 1u << (what == GREET_AGAIN);
    if (what == GREET_NOT || (*asked & bit))
        return GREET_NOT;
    *asked |= bit;
    return what;
}

/* SPDX-License-Identifier: Apache-2.0
 * fuzz_evidence.c - the rank of an event whose evidence says anything at all.
 *
 * The first byte chooses act, method and whether there was a wording; the rest is the evidence, and its first line the source.
 * Whatever it says: the rank is one that such an event can have, is told in words when it is less than the method is worth,
 * and without any evidence it is never better. */
#include <stdlib.h>

#include "core/consent.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str methods[] = {STR_INIT("web_form"), STR_INIT("sms"),           STR_INIT("ivr"),
                                         STR_INIT("paper"),    STR_INIT("whatsapp"),      STR_INIT("in_app_signup"),
                                         STR_INIT("merge"),    STR_INIT("double_opt_in"), STR_INIT("import"),
                                         STR_INIT("other")};
    struct str rest;
    const char *lacks = NULL, *none = NULL;
    if (size == 0)
        return 0;
    struct consent_ground g = {.act = data[0] & 1 ? CONSENT_GRANT : CONSENT_WITHDRAW,
                               .method = methods[(data[0] >> 2) % 10],
                               .has_wording = (data[0] & 2) != 0,
                               .actor = STR_INIT("api")};
    g.source = str_cut((struct str){(const char *)data + 1, size - 1}, '\n', &rest);
    g.evidence = rest.p != NULL ? rest : STR("");
    enum consent_rank rank = consent_rank(&g, &lacks);
    must(rank >= CONSENT_RANK_LISTED);
    must(rank <=
         (g.act == CONSENT_GRANT ? CONSENT_RANK_WRITTEN : CONSENT_RANK_CAPTURED)); /* confirmed: not by the api */
    must(rank < CONSENT_RANK_WRITTEN || str_eq(g.method, STR("in_app_signup")));   /* nor what only the gateway hears */
    must(g.act == CONSENT_GRANT || lacks == NULL);
    g.evidence = g.source = STR("");
    enum consent_rank bare = consent_rank(&g, &none);
    if (g.act == CONSENT_GRANT)
        must(bare <= rank && (lacks == NULL || none != NULL));
    return 0;
}

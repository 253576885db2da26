/* SPDX-License-Identifier: Apache-2.0
 * decide.c - the smallest useful program with libwayleave: may this message be sent now, and if not, why not?
 *
 *     cc decide.c -o decide $(pkg-config --cflags --libs wayleave)
 *     ./decide /usr/share/wayleave/rules/whatsapp-platform.yaml message.kind=freeform message.category=service \
 *         message.path=messages recipient.form=phone recipient.valid=true window.last_inbound=now-23h
 *
 * The exit status is the verdict: 0 allow, 3 hold, 4 deny; 1 when it could not be told. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <wayleave.h>

int main(int argc, char **argv)
{
    static const int status[] = {0, 3, 4};
    wl_rules *rules = NULL;
    wl_facts *facts = NULL;
    wl_decision *decision = NULL;
    wl_error err;
    int64_t now = (int64_t)time(NULL) * 1000;
    const char *path = argc > 1 ? argv[1] : "";
    int rc = wl_rules_load(&rules, &path, 1, &err);
    if (rc == 0 && wl_facts_create(&facts) != 0)
        return 1;
    for (int i = 2; i < argc && rc == 0; i++) {
        char *value = strchr(argv[i], '=');
        if (value != NULL)
            *value++ = '\0';
        rc = wl_facts_set(facts, argv[i], value != NULL ? value : "", now, &err);
    }
    if (rc == 0)
        rc = wl_decide(&decision, rules, facts, now, 0, &err);
    if (rc == 0)
        puts(wl_decision_text(decision));
    else
        fprintf(stderr, "%s\n", err.text);
    rc = rc == 0 ? status[wl_decision_verdict(decision)] : 1;
    wl_decision_free(decision);
    wl_facts_free(facts);
    wl_rules_free(rules);
    return rc;
}

/* SPDX-License-Identifier: Apache-2.0
 * rest_person_campaigns.c - the campaigns a person was chosen for, as their export says it.
 *
 * For each: what it is called, from which number, in which language and with which words they were to be written to, or why they get nothing;
 * what they did about it; and the message, which the export has elsewhere. The definition is read for its name alone and given to nobody:
 * it says whom else the business wanted to reach. */
#include <stdio.h>

#include "gateway/campaign_id.h"
#include "gateway/rest_person.h"
#include "store/campaigns.h"

#define CAMPAIGNS_MOST 1000
#define MEMORY         (1u << 20) /* one campaign and one recipient */

static void put_told(struct json_out *o, int told)
{
    static const struct {
        int bit;
        const char *word;
    } words[] = {{TOLD_REPLIED, "replied"},
                 {TOLD_CLICKED, "clicked"},
                 {TOLD_OPTED_OUT, "opted_out"},
                 {TOLD_COMPLAINED, "complained"}};
    jo_key(o, "did");
    jo_array(o);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if ((told & words[i].bit) != 0)
            jo_cstr(o, words[i].word);
    jo_end(o);
}

static void put_recipient(struct json_out *o, const struct campaign_recipient *r)
{
    char number[24], message[STORE_ID_TEXT];
    snprintf(number, sizeof number, "%lld", (long long)r->sender);
    jo_kint(o, "place", r->place);
    jo_kcstr(o, "number", r->sender != 0 ? number : NULL);
    jo_kstr(o, "language", r->language);
    jo_kcstr(o, "skipped", r->skip != SKIP_NONE ? campaign_skip_name((enum campaign_skip)r->skip) : NULL);
    jo_kstr(o, "rule", r->rule);
    jo_kstr(o, "values", r->params); /* JSON, as it was fixed */
    jo_kcstr(o, "message", r->msg != 0 ? store_id_text(r->bucket, r->msg, message) : NULL);
    put_told(o, r->told);
}

static int put_one(struct json_out *o, struct store *s, struct arena *a, const struct campaign_recipient *in,
                   struct err *e)
{
    struct campaign_recipient r;
    struct campaign_row c;
    char id[STORE_ID_TEXT];
    int rc = recipient_get(s, in->bucket, in->campaign, in->place, a, &r, e);
    if (rc == 0)
        rc = campaign_get(s, in->campaign, a, &c, e);
    if (rc != 0)
        return rc == WL_ENOTFOUND ? 0 : rc;
    jo_object(o);
    jo_kcstr(o, "id", campaign_id_text(c.id, id));
    jo_kstr(o, "name", c.name);
    put_recipient(o, &r);
    jo_end(o);
    return 0;
}

int rest_person_campaigns(struct json_out *o, struct store *s, struct arena *a, const struct person *p, bool *ret_cut,
                          struct err *e)
{
    struct campaign_recipient *in = NULL;
    struct arena *each = arena_create(MEMORY);
    size_t n = 0;
    int rc = each != NULL ? recipients_of(s, p->bucket, p->id, a, CAMPAIGNS_MOST, &in, &n, e)
                          : err_set(e, WL_ENOMEM, "out of memory");
    jo_key(o, "campaigns");
    jo_array(o);
    for (size_t i = 0; i < n && rc == 0; i++) {
        arena_reset(each);
        rc = put_one(o, s, each, &in[i], e);
    }
    jo_end(o);
    arena_free(each);
    *ret_cut = n == CAMPAIGNS_MOST;
    return rc;
}

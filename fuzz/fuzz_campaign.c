/* SPDX-License-Identifier: Apache-2.0
 * fuzz_campaign.c - any JSON as the definition of a campaign.
 *
 * What must hold: it is refused with a sentence and its field, or every limit of the header holds, somebody with and somebody without
 * values gets a message that is JSON or a reason, and the message's text can be looked at. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/campaign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void must_hold(const struct campaign_def *d)
{
    must(d->name.n > 0 && d->n_variants > 0 && d->n_variants <= CAMPAIGN_VARIANTS_MAX);
    must(d->n_numbers > 0 && d->n_numbers <= CAMPAIGN_NUMBERS_MAX && d->n_routes <= CAMPAIGN_ROUTES_MAX);
    must(d->hold_out >= 0 && d->hold_out <= 500 && d->weight >= 1 && d->weight <= 100);
    must((d->segment.n > 0) != (json_type(d->query) == JSON_OBJECT));
    must(d->deadline == 0 || d->deadline > d->start_at);
}

static void send_to(struct json_parser *p, const struct campaign_variant *v, struct json listing, bool known)
{
    struct campaign_value has[CAMPAIGN_SLOTS_MAX];
    struct buf values, body, text;
    struct json root;
    struct err e = {0};
    size_t missing = CAMPAIGN_SLOTS_MAX;
    for (size_t i = 0; i < v->n_slots; i++)
        has[i] = (struct campaign_value){v->slot[i].attribute, STR("https://x/\xc3\xa4\"\\")};
    buf_init(&values, 1u << 20);
    buf_init(&body, 1u << 20);
    buf_init(&text, 1u << 20);
    int rc = campaign_values(v, has, known ? v->n_slots : 0, &values, &missing, &e);
    must(rc == 0 || ((rc == WL_EINVAL || rc == WL_ENOTFOUND) && missing < v->n_slots && e.text[0] != '\0'));
    if (rc == 0) {
        must(campaign_body(v, STR("pt_BR"), STR("491701234"), false, buf_str(&values), &body, &e) == 0);
        must(json_parse(p, buf_str(&body), false, &root, &e) == 0);
        must(json_type(json_at(root, "template", "name")) == JSON_STRING);
        campaign_text(v, listing, buf_str(&values), &text);
    }
    buf_done(&values);
    buf_done(&body);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_parser *parser, *again;
    static struct arena *arena;
    if (parser == NULL) {
        parser = json_parser_create();
        again = json_parser_create();
        arena = arena_create(16 << 20);
    }
    struct json root;
    struct err e = {0};
    const char *field = NULL;
    arena_reset(arena);
    struct campaign_def *d = arena_new(arena, struct campaign_def);
    if (size > CAMPAIGN_DEFINITION_MAX ||
        json_parse(parser, (struct str){(const char *)data, size}, false, &root, NULL) != 0)
        return 0;
    int rc = campaign_def_read(root, arena, d, &field, &e);
    must(rc == e.code && (rc == 0) == (e.text[0] == '\0') && (rc == 0 || (rc == WL_EINVAL && field != NULL)));
    if (rc != 0)
        return 0;
    must_hold(d);
    for (size_t v = 0; v < d->n_variants; v++)
        for (int known = 0; known <= 1; known++)
            send_to(again, &d->variant[v], root, known == 1);
    return 0;
}

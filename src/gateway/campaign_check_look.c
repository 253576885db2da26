/* SPDX-License-Identifier: Apache-2.0
 * campaign_check_look.c - what a check finds out before it looks at a single person: numbers and templates.
 *
 * Numbers and templates are read from Meta once more, so that one that was paused a moment ago is known to be; where that fails, what is known is
 * taken, and it is said. A template is looked at in every language of every account the campaign's numbers belong to. What the definition names and is not there, or
 * may not be sent, is an error; a further language that may not be sent is a warning, because its people get another. The values of the
 * definition are held against the listing with something in the place of each person's. A template whose text is nearly that of
 * one that Meta paused, disabled, rejected or rated RED is told with which: sending a reworded bad text is what accounts are restricted for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/yaml.h"
#include "core/phone_country.h"
#include "gateway/accounts.h"
#include "gateway/campaign_check_impl.h"
#include "gateway/content.h"
#include "store/outbox.h"

#define RATE_DEFAULT 80 /* messages a second; docs/platform.md §3.1 */
#define NAMES_MAX    500
#define VALUES_MAX   (64u << 10)

/* --- what Meta says just now ---------------------------------------------------------------------------------------- */

struct asked {
    struct introduction in;
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool answered, ok;
    char why[160];
};

static void answered(struct introduction *in, bool ok, int status, struct str body)
{
    struct asked *x = in->user;
    pthread_mutex_lock(&x->lock);
    x->ok = ok;
    if (!ok)
        snprintf(x->why, sizeof x->why, "%s%.*s", status != 0 ? "Meta refused: " : "", (int)str_clip(body, 120).n,
                 body.p != NULL ? body.p : "");
    x->answered = true;
    pthread_cond_signal(&x->told);
    pthread_mutex_unlock(&x->lock);
}

/* Reads the number, its account and, where they were not yet, the account's templates. Waits for it: accounts ends it in any case. */
static void read_again(struct check *c, size_t i, bool relist)
{
    struct asked x = {.in = {.sender = c->def->number[i], .relist = relist, .done = answered, .user = &x}};
    struct err why = {.text = "no token is kept for it"};
    x.in.token = accounts_token(c->g->accounts, c->def->number[i]);
    bool has_token = x.in.token != NULL;
    pthread_mutex_init(&x.lock, NULL);
    pthread_cond_init(&x.told, NULL);
    if (has_token && accounts_introduce(c->g->accounts, &x.in, &why) == 0) {
        pthread_mutex_lock(&x.lock);
        while (!x.answered)
            pthread_cond_wait(&x.told, &x.lock);
        pthread_mutex_unlock(&x.lock);
        snprintf(why.text, sizeof why.text, "%s", x.why);
    } else {
        free(x.in.token);
    }
    pthread_cond_destroy(&x.told);
    pthread_mutex_destroy(&x.lock);
    if (!x.ok)
        check_problem(c, !has_token, has_token ? "number_unread" : "number_token", check_field(c, "numbers[%zu]", i),
                      "the number %lld and its templates could not be read again (%s)%s", (long long)c->def->number[i],
                      why.text, has_token ? ": what was known before is taken" : ": nothing can be sent from it");
}

/* The numbers as they are now, also those looked at before. */
static void borrow_again(struct check *c)
{
    snapshot_return(c->snap);
    c->snap = snapshot_borrow(c->g->snapshots);
    for (size_t i = 0; i < c->def->n_numbers; i++)
        if (c->number[i].sender != NULL && (c->number[i].sender = snapshot_sender(c->snap, c->def->number[i])) == NULL)
            c->number[i].usable = false;
}

/* A template may have been made, or paused, a moment ago. */
static int read_numbers(struct check *c, struct err *e)
{
    int64_t listed[CAMPAIGN_NUMBERS_MAX];
    int rc = 0;
    for (size_t i = 0; i < c->def->n_numbers && rc == 0; i++) {
        struct snapshot *snap = snapshot_borrow(c->g->snapshots);
        const struct sender *s = snapshot_sender(snap, c->def->number[i]);
        bool relist = true;
        listed[i] = s != NULL ? s->waba : 0;
        for (size_t k = 0; k < i; k++)
            relist = relist && (listed[k] == 0 || listed[k] != listed[i]);
        snapshot_return(snap);
        read_again(c, i, relist);
        rc = check_go_on(c, e);
    }
    borrow_again(c);
    return rc;
}

/* --- numbers -------------------------------------------------------------------------------------------------------- */

static void number_country(struct check *c, struct check_number *n)
{
    struct identity own;
    if (identity_phone(str_of(n->sender->display_phone), &own, NULL) == 0)
        phone_country(&c->g->phones, strtoull(own.value, NULL, 10), n->country);
}

static void look_at_number(struct check *c, size_t i)
{
    struct check_number *n = &c->number[i];
    long long id = (long long)c->def->number[i];
    const char *field = check_field(c, "numbers[%zu]", i);
    n->sender = snapshot_sender(c->snap, c->def->number[i]);
    if (n->sender == NULL) {
        check_problem(c, true, "number_unknown", field,
                      "%lld is no number of ours: `wayleave numbers list` shows those there are", id);
        return;
    }
    int connected = fact_word(FACT_SENDER_STATUS, STR("connected")),
        unknown = fact_word(FACT_SENDER_STATUS, STR("unknown"));
    n->usable = n->sender->status == connected || n->sender->status == unknown;
    n->per_second = n->sender->per_second > 0 ? (uint32_t)n->sender->per_second : RATE_DEFAULT;
    number_country(c, n);
    if (!n->usable)
        check_problem(c, true, "number_status", field, "the number %lld may not send: Meta says it is not connected",
                      id);
    else if (n->sender->waba == 0)
        check_problem(c, true, "number_account", field,
                      "nobody knows which account the number %lld belongs to, so not which templates it has", id);
    if (str_ieq(str_of(n->sender->quality), STR("RED")))
        check_problem(c, true, "number_quality", field, "Meta rates the number %lld RED", id);
    else if (str_ieq(str_of(n->sender->quality), STR("YELLOW")))
        check_problem(c, false, "number_quality", field, "Meta rates the number %lld YELLOW", id);
    n->usable = n->usable && n->sender->waba != 0;
}

int check_numbers(struct check *c, struct err *e)
{
    int rc = read_numbers(c, e);
    for (size_t i = 0; i < c->def->n_numbers && rc == 0; i++)
        look_at_number(c, i);
    return rc;
}

/* --- one listing ---------------------------------------------------------------------------------------------------- */

static uint8_t language_number(struct check *c, struct str language)
{
    for (size_t i = 0; i < c->n_languages; i++)
        if (str_eq(c->language[i], language))
            return (uint8_t)i;
    if (c->n_languages == CHECK_LANGUAGES)
        return CHECK_LANGUAGES - 1;
    c->language[c->n_languages++] = language;
    return (uint8_t)(c->n_languages - 1);
}

static bool is_named(const struct campaign_variant *v, struct str language)
{
    for (size_t i = 0; i < v->n_languages; i++)
        if (str_eq(v->language[i], language))
            return true;
    return false;
}

/* Values as they could be: each slot of its own has something. */
static void put_examples(const struct campaign_variant *v, struct buf *out)
{
    struct json_out o;
    json_out_init(&o, out);
    jo_array(&o);
    for (size_t i = 0; i < v->n_slots; i++) {
        if (v->slot[i].attribute.n == 0)
            jo_null(&o);
        else
            jo_cstr(&o, str_eq(v->slot[i].type, STR("text")) ? "x" : "https://example.com/x");
    }
    jo_end(&o);
}

/* Whether the template takes the definition's values. */
static enum template_fit fits(const struct campaign_variant *v, const struct template_spec *spec, struct err *why)
{
    struct json_parser *parser = json_parser_create();
    struct buf values, body;
    struct json root;
    enum template_fit fit = FIT_OK;
    buf_init(&values, VALUES_MAX);
    buf_init(&body, OUTBOX_BODY_MAX);
    put_examples(v, &values);
    int rc = campaign_body(v, STR("en"), STR("0"), false, buf_str(&values), &body, why);
    if (rc == 0)
        rc = json_parse(parser, buf_str(&body), false, &root, why);
    fit = rc == 0 ? template_check(spec, json_at(root, "template", "components"), why) : FIT_FORMAT;
    buf_done(&values);
    buf_done(&body);
    json_parser_free(parser);
    return fit;
}

/* What stands against sending it, as errors where the campaign depends on it. */
static bool may_be_sent(struct check *c, const struct check_listing *l, bool needed, const char *field)
{
    const struct template_row *t = l->row;
    int name = (int)str_clip(t->name, 80).n, language = (int)t->language.n;
    struct err why = {.text = ""};
    bool red = str_ieq(t->quality, STR("RED"));
    if (t->status != TEMPLATE_APPROVED) {
        check_problem(c, needed, "template_status", field, "the template %.*s in %.*s is not approved but %s", name,
                      t->name.p, language, t->language.p, template_status_name(t->status));
        return false;
    }
    if (red) {
        check_problem(c, needed, "template_quality", field,
                      "Meta rates the template %.*s in %.*s RED and will pause it", name, t->name.p, language,
                      t->language.p);
        return false;
    }
    if (t->category != CATEGORY_UNKNOWN && t->category != c->def->category) {
        check_problem(c, true, "template_category", field,
                      "the template %.*s in %.*s is of the category %s, and the campaign counts on %s", name, t->name.p,
                      language, t->language.p, category_name(t->category), category_name(c->def->category));
        return false;
    }
    if (l->spec != NULL && fits(&c->def->variant[l->variant], l->spec, &why) != FIT_OK) {
        check_problem(c, true, "template_parameters", field, "the template %.*s in %.*s does not take these values: %s",
                      name, t->name.p, language, t->language.p, why.text);
        return false;
    }
    return true;
}

/* What is worth knowing of one that may be sent. */
static void remark(struct check *c, const struct check_listing *l, const char *field)
{
    const struct template_row *t = l->row;
    char at[TIME_TEXT];
    int name = (int)str_clip(t->name, 80).n, language = (int)t->language.n;
    if (str_ieq(t->quality, STR("YELLOW")))
        check_problem(c, false, "template_quality", field, "Meta rates the template %.*s in %.*s YELLOW", name,
                      t->name.p, language, t->language.p);
    if (t->next_category != CATEGORY_UNKNOWN && t->next_category != c->def->category)
        check_problem(c, false, "template_category", field,
                      "Meta will make the template %.*s in %.*s one of the category %s%s%s", name, t->name.p, language,
                      t->language.p, category_name(t->next_category), t->next_category_at != 0 ? " at " : "",
                      t->next_category_at != 0 ? time_text(t->next_category_at, at) : "");
    if (l->spec == NULL)
        check_problem(c, false, "template_listing", field,
                      "the template %.*s in %.*s was never listed: whether it takes these values is not known", name,
                      t->name.p, language, t->language.p);
    else if (t->components_at > t->listed_at)
        check_problem(c, false, "template_listing", field,
                      "the template %.*s in %.*s was changed since it was listed: run `wayleave templates sync`", name,
                      t->name.p, language, t->language.p);
}

/* The text of a component, kept. */
static struct str text_of(struct check *c, struct json listing, const char *component)
{
    struct str type, text = {"", 0};
    for (struct json_iter it = json_iter(json_get(listing, "components")); json_next(&it);)
        if (json_str(json_get(it.value, "type"), &type) && str_ieq(type, str_of(component)))
            text = json_str_or(json_get(it.value, "text"), STR(""));
    char *kept = arena_strndup(c->a, text.p, text.n);
    return (struct str){kept != NULL ? kept : "", kept != NULL ? text.n : 0};
}

int check_length(const struct check *c, const struct check_listing *l, struct str values, struct buf *scratch)
{
    const struct campaign_variant *v = &c->def->variant[l->variant];
    const struct {
        const char *component;
        struct str text;
        size_t most;
    } parts[] = {{"header", l->header, CAMPAIGN_HEADER_MOST}, {"body", l->body, CAMPAIGN_BODY_MOST}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].text.n == 0 ||
            campaign_text_length(v, parts[i].component, parts[i].text, values, scratch) <= parts[i].most)
            continue;
        int found = -1;
        for (size_t k = 0; k < v->n_slots; k++)
            if (str_eq(v->slot[k].component, str_of(parts[i].component)) &&
                (found < 0 || v->slot[found].attribute.n == 0))
                found = (int)k;
        return found;
    }
    return -1;
}

/* What everybody gets alone may be too long already. */
static bool is_too_long(struct check *c, const struct check_listing *l, const char *field)
{
    struct buf scratch, values;
    char where[64];
    buf_init(&scratch, VALUES_MAX);
    buf_init(&values, VALUES_MAX);
    put_examples(&c->def->variant[l->variant], &values);
    int slot = check_length(c, l, buf_str(&values), &scratch);
    if (slot >= 0)
        check_problem(c, true, "template_length", field,
                      "the text of the template %.*s in %.*s is too long with these values (%s): Meta takes %d "
                      "characters of a body and %d of a header",
                      (int)str_clip(l->row->name, 80).n, l->row->name.p, (int)l->row->language.n, l->row->language.p,
                      check_slot_name(&c->def->variant[l->variant], (size_t)slot, where), CAMPAIGN_BODY_MOST,
                      CAMPAIGN_HEADER_MOST);
    buf_done(&values);
    buf_done(&scratch);
    return slot >= 0;
}

static int add_listing(struct check *c, struct json_parser *parser, size_t variant, const struct template_row *t,
                       bool needed, struct err *e)
{
    const char *field = check_field(c, "templates[%zu]", variant);
    struct json listing;
    struct template_spec *spec = NULL;
    if (c->n_listings == CHECK_LISTINGS)
        return err_set(e, WL_ETOOBIG, "the campaign's templates have more than %d languages and accounts together",
                       CHECK_LISTINGS);
    struct check_listing *l = &c->listing[c->n_listings++];
    *l = (struct check_listing){.variant = variant,
                                .waba = t->waba,
                                .row = t,
                                .language = language_number(c, t->language)};
    if (t->listing.n > 0 && json_parse(parser, t->listing, false, &listing, NULL) == 0 &&
        template_compile(c->a, listing, &spec, NULL) == 0) {
        l->spec = spec;
        l->header = text_of(c, listing, "header");
        l->body = text_of(c, listing, "body");
    }
    l->usable = may_be_sent(c, l, needed, field) && !is_too_long(c, l, field);
    if (l->usable)
        remark(c, l, field);
    return 0;
}

/* --- all of an account ---------------------------------------------------------------------------------------------- */

static const char *nearest_name(const struct check *c, int64_t waba, struct str name)
{
    const char *names[NAMES_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; i < c->n_rows && n < NAMES_MAX; i++)
        if (c->rows[i].waba == waba)
            names[n++] = arena_strndup(c->a, c->rows[i].name.p, c->rows[i].name.n);
    names[n] = NULL;
    return nearest_word(name, names);
}

static bool is_of(const struct check_listing *l, size_t variant, int64_t waba)
{
    return l->variant == variant && l->waba == waba;
}

static void look_at_named(struct check *c, size_t variant, int64_t waba, const char *field)
{
    const struct campaign_variant *v = &c->def->variant[variant];
    for (size_t i = 0; i < v->n_languages; i++) {
        bool there = false;
        for (size_t k = 0; k < c->n_listings && !there; k++)
            there = is_of(&c->listing[k], variant, waba) && str_eq(c->listing[k].row->language, v->language[i]);
        if (!there)
            check_problem(c, true, "template_language", field,
                          "the template %.*s does not exist in %.*s in the account %lld", (int)str_clip(v->name, 80).n,
                          v->name.p, (int)v->language[i].n, v->language[i].p, (long long)waba);
    }
}

/* The languages that are named and not there, and whether any is left. */
static void look_at_languages(struct check *c, size_t variant, int64_t waba, size_t found)
{
    const struct campaign_variant *v = &c->def->variant[variant];
    const char *field = check_field(c, "templates[%zu]", variant);
    int name = (int)str_clip(v->name, 80).n;
    bool any = false;
    if (found == 0) {
        const char *near = nearest_name(c, waba, v->name);
        check_problem(c, true, "template_unknown", field, "the account %lld has no template %.*s%s%s%s",
                      (long long)waba, name, v->name.p, near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                      near != NULL ? "?" : "");
        return;
    }
    look_at_named(c, variant, waba, field);
    for (size_t k = 0; k < c->n_listings; k++)
        any = any || (is_of(&c->listing[k], variant, waba) && c->listing[k].usable);
    if (!any)
        check_problem(c, true, "template_language", field,
                      "the template %.*s can be sent in no language from the account %lld", name, v->name.p,
                      (long long)waba);
}

static bool is_listed(const struct template_row *t, const struct campaign_variant *v, int64_t waba)
{
    return t->waba == waba && t->status != TEMPLATE_DELETED && str_eq(t->name, v->name);
}

static int look_at_account(struct check *c, struct json_parser *parser, size_t variant, int64_t waba, struct err *e)
{
    const struct campaign_variant *v = &c->def->variant[variant];
    size_t found = 0;
    int rc = 0;
    for (size_t i = 0; i < c->n_rows; i++)
        found += is_listed(&c->rows[i], v, waba);
    for (size_t i = 0; i < c->n_rows && rc == 0; i++) {
        const struct template_row *t = &c->rows[i];
        bool needed = found == 1 || is_named(v, t->language);
        if (is_listed(t, v, waba) && (v->n_languages == 0 || is_named(v, t->language)))
            rc = add_listing(c, parser, variant, t, needed, e);
    }
    if (rc == 0)
        look_at_languages(c, variant, waba, found);
    return rc;
}

/* Whether an earlier number is of the same account. */
static bool seen_before(const struct check *c, size_t number)
{
    for (size_t i = 0; i < number; i++)
        if (c->number[i].usable && c->number[i].sender->waba == c->number[number].sender->waba)
            return true;
    return false;
}

/* Whether something of a template is not known that a newer list might tell: it was made a moment ago, or only a webhook spoke of it. */
static bool is_vague(const struct check *c, const struct campaign_variant *v, int64_t waba)
{
    size_t found = 0, named = 0;
    for (size_t i = 0; i < c->n_rows; i++) {
        const struct template_row *t = &c->rows[i];
        if (!is_listed(t, v, waba))
            continue;
        if (t->listing.n == 0 || t->category == CATEGORY_UNKNOWN || t->components_at > t->listed_at)
            return true;
        found++;
        named += is_named(v, t->language);
    }
    return found == 0 || named < v->n_languages;
}

static int read_list(struct check *c, struct err *e)
{
    return templates_list(c->reader, 0, c->a, &c->rows, &c->n_rows, e);
}

/* A list that was read seconds ago is not read again when a number is; here it has to be. */
static int read_rows(struct check *c, struct err *e)
{
    int rc = read_list(c, e);
    bool again = false;
    for (size_t n = 0; n < c->def->n_numbers && rc == 0; n++) {
        bool vague = false;
        if (!c->number[n].usable || seen_before(c, n))
            continue;
        for (size_t v = 0; v < c->def->n_variants; v++)
            vague = vague || is_vague(c, &c->def->variant[v], c->number[n].sender->waba);
        if (vague) {
            accounts_stale(c->g->accounts, c->number[n].sender->waba);
            read_again(c, n, true);
            again = true;
        }
    }
    if (!again || rc != 0)
        return rc;
    borrow_again(c);
    return read_list(c, e);
}

int check_templates(struct check *c, struct err *e)
{
    struct json_parser *parser = json_parser_create();
    c->listing = arena_new_array(c->a, struct check_listing, CHECK_LISTINGS);
    int rc = c->listing != NULL ? read_rows(c, e) : err_set(e, WL_ENOMEM, "out of memory");
    for (size_t n = 0; n < c->def->n_numbers && rc == 0; n++) {
        if (!c->number[n].usable || seen_before(c, n))
            continue;
        for (size_t v = 0; v < c->def->n_variants && rc == 0; v++)
            rc = look_at_account(c, parser, v, c->number[n].sender->waba, e);
    }
    json_parser_free(parser);
    return rc;
}

size_t check_languages(const struct check *c, size_t variant, size_t number, struct str *ret,
                       const struct check_listing **ret_listing)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_listings && n < CAMPAIGN_LANGUAGES_MAX; i++) {
        const struct check_listing *l = &c->listing[i];
        if (l->variant != variant || !l->usable || l->waba != c->number[number].sender->waba)
            continue;
        ret[n] = l->row->language;
        ret_listing[n++] = l;
    }
    return n;
}

/* --- texts like bad ones -------------------------------------------------------------------------------------------- */

static bool is_bad(const struct template_row *t)
{
    return t->status == TEMPLATE_PAUSED || t->status == TEMPLATE_DISABLED || t->status == TEMPLATE_REJECTED ||
           str_ieq(t->quality, STR("RED"));
}

/* grams 0: no text. */
static void sign(struct arena *a, struct json_parser *parser, struct str listing, struct signature *ret, struct err *e)
{
    struct json root;
    struct skeleton_text text;
    *ret = (struct signature){.grams = 0};
    if (listing.n == 0 || json_parse(parser, listing, false, &root, NULL) != 0 ||
        content_skeleton(a, root, &text, e) != 0)
        return;
    if (text.text.n > 0)
        similar_signature(text.text, ret);
}

static void compare(struct check *c, const struct check_listing *l, const struct signature *own,
                    const struct template_row *bad, const struct signature *s)
{
    int permille = own->grams > 0 && s->grams > 0 ? similar_fixed(own, s, SIMILAR_SAME) : 0;
    if (permille < SIMILAR_NEAR || l->row == bad || c->n_duplicates == sizeof c->duplicate / sizeof c->duplicate[0])
        return;
    c->duplicate[c->n_duplicates++] = (struct check_duplicate){l, bad, permille};
    const char *how = str_ieq(bad->quality, STR("RED")) && bad->status == TEMPLATE_APPROVED
                          ? "rated RED"
                          : template_status_name(bad->status);
    check_problem(c, false, "template_near_duplicate", check_field(c, "templates[%zu]", l->variant),
                  "the text of %.*s in %.*s is %s that of %.*s in %.*s, which is %s (%d %% alike)",
                  (int)str_clip(l->row->name, 60).n, l->row->name.p, (int)l->row->language.n, l->row->language.p,
                  permille >= SIMILAR_SAME ? "the same as" : "nearly", (int)str_clip(bad->name, 60).n, bad->name.p,
                  (int)bad->language.n, bad->language.p, how, permille / 10);
}

int check_near(struct check *c, struct err *e)
{
    struct json_parser *parser = json_parser_create();
    struct signature *own = arena_new_array(c->a, struct signature, c->n_listings + 1), bad;
    int rc = own != NULL ? 0 : err_set(e, WL_ENOMEM, "out of memory");
    for (size_t i = 0; i < c->n_listings && rc == 0; i++)
        sign(c->page, parser, c->listing[i].row->listing, &own[i], e);
    for (size_t i = 0; i < c->n_rows && rc == 0; i++) {
        if (!is_bad(&c->rows[i]))
            continue;
        arena_reset(c->page);
        sign(c->page, parser, c->rows[i].listing, &bad, e);
        for (size_t k = 0; k < c->n_listings; k++)
            if (c->listing[k].usable)
                compare(c, &c->listing[k], &own[k], &c->rows[i], &bad);
        rc = check_go_on(c, e);
    }
    arena_reset(c->page);
    json_parser_free(parser);
    return rc;
}

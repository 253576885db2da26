/* SPDX-License-Identifier: Apache-2.0
 * errand_body.c - texts, buttons and templates of what the gateway says by itself.
 *
 * What confirms or helps is a plain text in the language the person wrote in: it is no offer, and is never a template, so that it
 * can only be said inside an open window. A question is a text with two buttons while the window is surely open, else its
 * template. Whether it may be said at all is the door's to judge. */
#include "gateway/errand_body.h"

#include <string.h>

#include "base/json.h"
#include "core/optout.h"
#include "core/saying.h"
#include "gateway/business.h"
#include "gateway/gateway_impl.h"
#include "gateway/welcomes.h"
#include "store/people.h"

#define BODY_MAX   (64u << 10)
#define TEXT_MAX   4096
#define NAMES_MAX  16
#define BUTTON_MAX 20 /* characters of a button's title */
#define WINDOW_MS  INT64_C(86400000)
#define SURELY_MS  INT64_C(300000) /* a message that waits for its turn still leaves inside the window */

/* --- words ---------------------------------------------------------------------------------------------------------- */

static struct str fill_places(const struct gateway *g, int64_t sender, struct str text, struct arena *a)
{
    struct str business = business_name(g, sender, a);
    struct buf b;
    buf_init(&b, TEXT_MAX);
    for (size_t i = 0; i < text.n;) {
        struct str rest = {text.p + i, text.n - i};
        if (str_starts(rest, STR(SAYING_BUSINESS))) {
            buf_putstr(&b, business);
            i += sizeof SAYING_BUSINESS - 1;
        } else {
            buf_putc(&b, text.p[i++]);
        }
    }
    char *p = b.failed ? NULL : arena_strndup(a, buf_cstr(&b), b.len);
    struct str ret = {p, p != NULL ? b.len : 0};
    buf_done(&b);
    return ret;
}

static struct str says(const struct gateway *g, struct str language, const char *key)
{
    struct str found;
    return g->packs != NULL ? optout_says(g->packs, language, key, &found) : (struct str){NULL, 0};
}

struct str errand_words(const struct gateway *g, int64_t sender, struct str language, struct str text, const char *key,
                        struct arena *a)
{
    return fill_places(g, sender, text.n > 0 ? text : says(g, language, key), a);
}

/* As the configuration says it for those that ask nothing; empty: as the packs do. */
static struct str told(const struct gateway *g, enum errand_kind kind)
{
    const struct errand_options *o = &g->o.errand;
    const char *set = kind == ERRAND_STOPPED ? o->stopped : kind == ERRAND_STARTED ? o->started : o->help_text;
    return str_of(set);
}

/* Yes and no where no pack has labels of its own: of the language in front of a region ("pt_BR"). */
static const struct {
    const char *language, *yes, *no;
} labels[] = {
    {"ar", "نعم", "لا"},   {"cs", "Ano", "Ne"},   {"da", "Ja", "Nej"},      {"de", "Ja", "Nein"},
    {"el", "Ναι", "Όχι"},  {"es", "Sí", "No"},    {"fa", "بله", "خیر"},     {"fi", "Kyllä", "Ei"},
    {"fr", "Oui", "Non"},  {"he", "כן", "לא"},    {"hi", "हाँ", "नहीं"},      {"hu", "Igen", "Nem"},
    {"id", "Ya", "Tidak"}, {"it", "Sì", "No"},    {"ja", "はい", "いいえ"}, {"ko", "예", "아니요"},
    {"ms", "Ya", "Tidak"}, {"nb", "Ja", "Nei"},   {"nl", "Ja", "Nee"},      {"nn", "Ja", "Nei"},
    {"no", "Ja", "Nei"},   {"pl", "Tak", "Nie"},  {"pt", "Sim", "Não"},     {"ro", "Da", "Nu"},
    {"ru", "Да", "Нет"},   {"sv", "Ja", "Nej"},   {"th", "ใช่", "ไม่ใช่"},     {"tr", "Evet", "Hayır"},
    {"uk", "Так", "Ні"},   {"ur", "ہاں", "نہیں"}, {"vi", "Có", "Không"},    {"zh", "是", "否"},
};

static bool is_tongue(struct str language, const char *tongue)
{
    size_t n = strlen(tongue);
    return language.n >= n && str_ieq((struct str){language.p, n}, str_of(tongue)) &&
           (language.n == n || language.p[n] == '_' || language.p[n] == '-');
}

static struct str label(struct str language, bool yes)
{
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (is_tongue(language, labels[i].language))
            return str_of(yes ? labels[i].yes : labels[i].no);
    return yes ? STR("Yes") : STR("No");
}

/* A button's title: that of a pack in the language, as far as it fits. */
static struct str title(const struct gateway *g, struct str language, bool yes)
{
    struct str found = {NULL, 0}, s = {NULL, 0}, rest;
    size_t characters = 0;
    if (g->packs != NULL)
        s = optout_says(g->packs, language, yes ? "yes" : "no", &found);
    struct str tongue = str_cut(found, '_', &rest);
    if (s.n == 0 || language.n < tongue.n || !str_ieq((struct str){language.p, tongue.n}, tongue))
        return label(language, yes); /* said in another language, which it falls back on */
    for (size_t i = 0; i < s.n; i++)
        characters += (s.p[i] & 0xc0) != 0x80;
    return characters <= BUTTON_MAX ? s : label(language, yes);
}

/* --- bodies --------------------------------------------------------------------------------------------------------- */

static int write_to(struct json_out *o, struct store *reader, const struct errand *v, struct err *e)
{
    struct identity names[NAMES_MAX];
    struct person p;
    size_t n = 0;
    int rc = people_get(reader, v->bucket, v->contact, &p, e);
    if (rc == 0)
        rc = people_identities(reader, p.bucket, p.id, names, NAMES_MAX, &n, e);
    if (rc != 0)
        return rc == WL_ENOTFOUND ? err_set(e, WL_EINVAL, "the person is not known any more") : rc;
    for (int kind = IDENTITY_PHONE; kind <= IDENTITY_USER_ID; kind++)
        for (size_t i = 0; i < n; i++) {
            if ((int)names[i].kind != kind)
                continue;
            jo_kcstr(o, kind == IDENTITY_PHONE ? "to" : "recipient", names[i].value);
            return 0;
        }
    return err_set(e, WL_EINVAL, "the person has no name that can be written to");
}

static void write_text(struct json_out *o, struct str text)
{
    jo_kcstr(o, "type", "text");
    jo_key(o, "text");
    jo_object(o);
    jo_kstr(o, "body", text);
    jo_end(o);
}

static void write_reply(struct json_out *o, const char *id, struct str words)
{
    jo_object(o);
    jo_kcstr(o, "type", "reply");
    jo_key(o, "reply");
    jo_object(o);
    jo_kcstr(o, "id", id);
    jo_kstr(o, "title", words);
    jo_end(o);
    jo_end(o);
}

static void write_question(struct json_out *o, const struct gateway *g, const struct errand *v,
                           const struct welcome_row *row, struct str text)
{
    char id[WELCOME_BUTTON];
    jo_kcstr(o, "type", "interactive");
    jo_key(o, "interactive");
    jo_object(o);
    jo_kcstr(o, "type", "button");
    jo_key(o, "body");
    jo_object(o);
    jo_kstr(o, "text", text);
    jo_end(o);
    jo_key(o, "action");
    jo_object(o);
    jo_key(o, "buttons");
    jo_array(o);
    write_reply(o, welcome_button(v, true, id), title(g, row->language, true));
    write_reply(o, welcome_button(v, false, id), title(g, row->language, false));
    jo_end(o);
    jo_end(o);
    jo_end(o);
}

static void write_quick_reply(struct json_out *o, const char *index, const char *payload)
{
    jo_object(o);
    jo_kcstr(o, "type", "button");
    jo_kcstr(o, "sub_type", "quick_reply");
    jo_kcstr(o, "index", index);
    jo_key(o, "parameters");
    jo_array(o);
    jo_object(o);
    jo_kcstr(o, "type", "payload");
    jo_kcstr(o, "payload", payload);
    jo_end(o);
    jo_end(o);
    jo_end(o);
}

/* The components as they were given, and what its buttons answer. */
static void write_components(struct json_out *o, const struct errand *v, const struct welcome_row *row)
{
    char id[WELCOME_BUTTON];
    struct str given = row->components;
    if (given.n > 2 && !row->buttons) {
        jo_key(o, "components");
        jo_raw(o, given);
    }
    if (!row->buttons)
        return;
    jo_key(o, "components");
    jo_array(o);
    if (given.n > 2)
        jo_raw(o, (struct str){given.p + 1, given.n - 2}); /* one value after the other, without their brackets */
    write_quick_reply(o, "0", welcome_button(v, true, id));
    write_quick_reply(o, "1", welcome_button(v, false, id));
    jo_end(o);
}

static void write_template(struct json_out *o, const struct errand *v, const struct welcome_row *row)
{
    jo_kcstr(o, "type", "template");
    jo_key(o, "template");
    jo_object(o);
    jo_kstr(o, "name", row->template_name);
    jo_key(o, "language");
    jo_object(o);
    jo_kstr(o, "code", row->language);
    jo_end(o);
    write_components(o, v, row);
    jo_end(o);
}

static int window_open(struct store *reader, const struct errand *v, int64_t now, bool *ret, struct err *e)
{
    struct person p;
    int rc = people_get(reader, v->bucket, v->contact, &p, e);
    struct pair pair = {.bucket = v->bucket, .contact = rc == 0 ? p.id : 0, .sender = v->sender};
    if (rc == 0)
        rc = pairs_get(reader, &pair, 1, e);
    if (rc == 0)
        *ret = pair.last_inbound != 0 && now < pair.last_inbound + WINDOW_MS - SURELY_MS;
    return rc;
}

static int write_what(struct json_out *o, const struct gateway *g, struct store *reader, struct arena *a,
                      const struct errand *v, const struct welcome_row *row, int64_t now, struct err *e)
{
    bool asks = v->kind == ERRAND_WELCOME, open = false;
    bool template = asks && row->template_name.n > 0;
    int rc = template ? window_open(reader, v, now, &open, e) : 0;
    if (rc != 0)
        return rc;
    if (template && (!open || row->text.n == 0)) {
        write_template(o, v, row);
        return 0;
    }
    const char *key = !asks ? errand_kind_name(v->kind) : v->step > 0 ? "reminder" : "welcome";
    struct str text = errand_words(g, v->sender, row->language, asks ? row->text : told(g, v->kind), key, a);
    if (text.n == 0)
        return err_set(e, WL_EINVAL,
                       "nobody says what to say: there is no text for it in any pack or in the configuration");
    else if (asks)
        write_question(o, g, v, row, text);
    else
        write_text(o, text);
    return 0;
}

int errand_body(const struct gateway *g, struct store *reader, struct arena *a, const struct errand *v,
                const struct welcome_row *row, int64_t now, struct str *ret, struct err *e)
{
    struct buf b;
    struct json_out o;
    buf_init(&b, BODY_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kcstr(&o, "messaging_product", "whatsapp");
    jo_kcstr(&o, "recipient_type", "individual");
    int rc = write_to(&o, reader, v, e);
    if (rc == 0)
        rc = write_what(&o, g, reader, a, v, row, now, e);
    jo_end(&o);
    char *p = rc == 0 && !b.failed ? arena_strndup(a, buf_cstr(&b), b.len) : NULL;
    if (rc == 0 && p == NULL)
        rc = err_set(e, WL_EINVAL, "the message is too large");
    if (rc == 0)
        *ret = (struct str){p, b.len};
    buf_done(&b);
    return rc;
}

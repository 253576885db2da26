/* SPDX-License-Identifier: Apache-2.0
 * preference_html.c - writes the preference page.
 *
 * One form with a box for each category, and a button that stops everything. `was` says which boxes were ticked when the page
 * was made, so that a page that lay open for a month changes only what its reader changed. What has ended by itself is not
 * ticked, and ticking it is a new consent. */
#include "gateway/preference_html.h"

#include <string.h>

#include "base/clock.h"

const enum category preference_categories[PREFERENCE_LABELS] = {CATEGORY_MARKETING, CATEGORY_UTILITY,
                                                                CATEGORY_AUTHENTICATION, CATEGORY_CALLS};

static const struct preference_words all[] = {
#define WORDS(tag, direction, title, agree, marketing, utility, authentication, calls, given, stopped, save, stop_all, \
              saved, platform, gone)                                                                                   \
    {tag,      direction, title,    agree, {marketing, utility, authentication, calls}, given, stopped, save,          \
     stop_all, saved,     platform, gone},
#include "gateway/preference_words.def"
#undef WORDS
};

const char preference_style[] =
    ":root{color-scheme:light dark}"
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem}"
    "fieldset{border:1px solid #8888;border-radius:.5rem;padding:1rem;margin:1rem 0}"
    "label{display:block;padding:.4rem 0}small{display:block;padding-inline-start:1.9rem;opacity:.75}"
    "input{width:1.2rem;height:1.2rem;vertical-align:-.2rem;margin-inline-end:.5rem}"
    "button{font:inherit;padding:.5rem 1rem;margin-inline-end:.5rem;border-radius:.4rem;border:1px solid #8888}"
    "p.note{border-inline-start:.3rem solid #2a7;padding-inline-start:.7rem}";

/* "pt-BR" is "pt" where there is no better. */
static const struct preference_words *find(struct str tag)
{
    size_t n = 0;
    while (n < tag.n && tag.p[n] != '-' && tag.p[n] != '_' && tag.p[n] != ';')
        n++;
    for (size_t i = 0; n > 0 && i < sizeof all / sizeof all[0]; i++)
        if (str_ieq((struct str){tag.p, n}, str_of(all[i].tag)))
            return &all[i];
    return NULL;
}

const struct preference_words *preference_words(struct str language, struct str accept)
{
    const struct preference_words *w = find(language);
    for (struct str rest = accept; w == NULL && rest.n > 0;)
        w = find(str_trim(str_cut(rest, ',', &rest)));
    return w != NULL ? w : &all[0];
}

/* --- text ---------------------------------------------------------------------------------------------------------- */

static void escaped(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '&':
            buf_puts(out, "&amp;");
            break;
        case '<':
            buf_puts(out, "&lt;");
            break;
        case '>':
            buf_puts(out, "&gt;");
            break;
        case '"':
            buf_puts(out, "&quot;");
            break;
        case '\'':
            buf_puts(out, "&#39;");
            break;
        default:
            buf_putc(out, s.p[i]);
        }
    }
}

/* The text with the name of the business in the place of %s. */
static void named(struct buf *out, const char *text, struct str business, void (*put)(struct buf *out, struct str s))
{
    const char *hole = strstr(text, "%s");
    if (hole == NULL) {
        put(out, str_of(text));
        return;
    }
    put(out, (struct str){text, (size_t)(hole - text)});
    put(out, business);
    put(out, str_of(hole + 2));
}

static void as_it_is(struct buf *out, struct str s)
{
    buf_putstr(out, s);
}

void preference_wording(const struct preference_words *w, struct str business, int label, struct buf *out)
{
    named(out, w->agree, business, as_it_is);
    buf_puts(out, "\n");
    buf_puts(out, w->label[label]);
}

/* --- the page ------------------------------------------------------------------------------------------------------ */

static void page_begin(struct buf *out, const struct preference_words *w, struct str business)
{
    buf_printf(out,
               "<!doctype html>\n<html lang=\"%s\" dir=\"%s\">\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
               "<meta name=\"robots\" content=\"noindex\">\n<link rel=\"stylesheet\" href=\"style.css\">\n<title>",
               w->tag, w->direction);
    named(out, w->title, business, escaped);
    buf_puts(out, "</title>\n<main>\n<h1>");
    named(out, w->title, business, escaped);
    buf_puts(out, "</h1>\n");
}

static bool is_on(const struct consent_word *word, int64_t now)
{
    return word->status == CONSENT_GRANTED && (word->until == 0 || word->until > now);
}

/* When they agreed or stopped, as a date that reads the same everywhere; of what has ended nothing. */
static void since(struct buf *out, const struct preference_words *w, const struct consent_word *word, bool on)
{
    char at[TIME_TEXT];
    if (!on && word->status != CONSENT_WITHDRAWN)
        return;
    buf_printf(out, "<small>%s %.10s</small>", on ? w->given : w->stopped, time_text(word->at, at));
}

static void box(struct buf *out, const struct preference_words *w, int i, const struct consent_word *word, int64_t now)
{
    bool on = is_on(word, now);
    const char *name = category_name(preference_categories[i]);
    buf_printf(out, "<label><input type=\"checkbox\" name=\"on\" value=\"%s\"%s>%s</label>", name, on ? " checked" : "",
               w->label[i]);
    if (on)
        buf_printf(out, "<input type=\"hidden\" name=\"was\" value=\"%s\">", name);
    since(out, w, word, on);
    buf_puts(out, "\n");
}

void preference_page(const struct preference_words *w, struct str business, const struct consent_state *s, int64_t now,
                     bool saved, struct buf *out)
{
    page_begin(out, w, business);
    if (saved)
        buf_printf(out, "<p class=\"note\" role=\"status\">%s</p>\n", w->saved);
    if (s->platform_stop)
        buf_printf(out, "<p class=\"note\">%s</p>\n", w->platform);
    buf_puts(out, "<form method=\"post\">\n<fieldset><legend>");
    named(out, w->agree, business, escaped);
    buf_puts(out, "</legend>\n");
    for (int i = 0; i < PREFERENCE_LABELS; i++)
        box(out, w, i, &s->of[preference_categories[i]], now);
    buf_printf(out,
               "</fieldset>\n<button name=\"do\" value=\"save\">%s</button>\n"
               "<button name=\"do\" value=\"stop\">%s</button>\n</form>\n</main>\n",
               w->save, w->stop_all);
}

void preference_gone(const struct preference_words *w, struct buf *out)
{
    buf_printf(out,
               "<!doctype html>\n<html lang=\"%s\" dir=\"%s\">\n<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
               "<link rel=\"stylesheet\" href=\"style.css\">\n<title>%s</title>\n<main><p>%s</p></main>\n",
               w->tag, w->direction, w->gone, w->gone);
}

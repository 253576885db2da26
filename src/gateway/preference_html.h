/* SPDX-License-Identifier: Apache-2.0
 * preference_html.h - the preference page as HTML: plain forms, no script, in the person's language.
 *
 * Everything that is not ours is escaped. What the page knows of the person is little on purpose: a link can be passed on. */
#ifndef WL_GATEWAY_PREFERENCE_HTML_H
#define WL_GATEWAY_PREFERENCE_HTML_H

#include "base/buf.h"
#include "core/consent.h"

#define PREFERENCE_LABELS 4

struct preference_words {
    const char *tag, *direction, *title, *agree, *label[PREFERENCE_LABELS], *given, *stopped, *save, *stop_all, *saved,
        *platform, *gone;
};
/* The categories the labels are for, in their order. */
extern const enum category preference_categories[PREFERENCE_LABELS];

/* The person's language where it is known, else the first of the browser's (Accept-Language) that we have, else English. */
const struct preference_words *preference_words(struct str language, struct str accept);

/* What a person agrees to by ticking this box: the sentence and the label, in the page's words. */
void preference_wording(const struct preference_words *w, struct str business, int label, struct buf *out);

/* Ticked is what stands and has not ended by `now`. */
void preference_page(const struct preference_words *w, struct str business, const struct consent_state *s, int64_t now,
                     bool saved, struct buf *out);
void preference_gone(const struct preference_words *w, struct buf *out);
extern const char preference_style[];

#endif

/* SPDX-License-Identifier: Apache-2.0
 * sandbox_templates.h - a message template as the imitation keeps it: its text, and what a send must bring along.
 *
 * Templates are owned by the store in sandbox_templates.c and used under the state's lock; whoever needs one later keeps
 * its id and looks it up again. */
#ifndef WL_SANDBOX_TEMPLATES_H
#define WL_SANDBOX_TEMPLATES_H

#include "sandbox/sandbox_call.h"

#define SBX_TEMPLATE_NAMES   64 /* named variables counted, header and body each */
#define SBX_TEMPLATE_BUTTONS 10

enum sbx_header {
    SBX_HEADER_NONE,
    SBX_HEADER_TEXT,
    SBX_HEADER_IMAGE,
    SBX_HEADER_VIDEO,
    SBX_HEADER_DOCUMENT,
    SBX_HEADER_GIF,
    SBX_HEADER_LOCATION,
    SBX_HEADER_PRODUCT
};
extern const char *const sbx_header_names[8];

/* The variables of one text. */
struct sbx_variables {
    size_t n;                             /* how many a send must give */
    struct str names[SBX_TEMPLATE_NAMES]; /* named format only; inside `components` */
};

struct sbx_template {
    char id[24];
    struct str key, name, language; /* key "name|language"; behind the struct */
    const char *category, *status;  /* static text */
    char quality[16], reason[40];   /* reason: of a rejection */
    const char *correct_category;   /* announced, or NULL */
    bool named;
    char *components; /* JSON text, owned */
    size_t index;     /* in the list */
    int64_t ttl;      /* message_send_ttl_seconds, 0: not given */
    enum sbx_header header;
    struct sbx_variables header_vars, body_vars;
    size_t n_buttons;
    const char *button_needs[SBX_TEMPLATE_BUTTONS]; /* "Url", "Copy code", or NULL when it takes no parameter */
};

/* [lock] A new template in the list; components is valid JSON of an array. */
struct sbx_template *sbx_template_add(struct sandbox *sb, struct str name, struct str language, const char *category,
                                      bool named, struct json components);
void sbx_template_remove(struct sandbox *sb, struct sbx_template *t); /* [lock] frees it */
/* [lock] Replaces the components. */
void sbx_template_set(struct sbx_template *t, struct json components);
/* [lock] PENDING now, approved after the review time; or approved at once. */
void sbx_template_review(struct sandbox *sb, struct sbx_template *t);
/* The static spelling of a known word ("approved" -> "APPROVED"), or NULL. */
const char *sbx_template_category(struct str word);
const char *sbx_template_status(struct str word);

/* sandbox_template_check.c: whether the send's components fit; answers the error and returns false if not. */
bool sbx_template_check(struct call *c, const struct sbx_template *t, struct json components);

struct sbx_template *sbx_template_find(const struct sandbox *sb, struct str name, struct str language); /* [lock] */
/* [lock] What an event says of it, without telling anybody. reason may be {NULL,0}. */
void sbx_template_became(struct sandbox *sb, struct sbx_template *t, struct str event, struct str reason);
void sbx_templates_seed(struct sandbox *sb);  /* [lock] */
void sbx_templates_clear(struct sandbox *sb); /* [lock] */
/* [lock] Changes the status and announces it. event "APPROVED", "PAUSED", …; reason may be {NULL,0}. */
void sbx_template_event(struct sandbox *sb, struct sbx_template *t, struct str event, struct str reason);

#endif

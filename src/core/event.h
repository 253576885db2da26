/* SPDX-License-Identifier: Apache-2.0
 * event.h - what a webhook body says, one entry an event, with nothing applied yet.
 *
 * One POST carries up to 1,000 updates in nested arrays; this file flattens them. Liberal: missing or odd
 * fields leave an event's field empty, unknown fields become EVENT_OTHER and are kept raw; only a body that is not
 * JSON, not an object, or without an `entry` array is refused. Source: docs/platform.md §6. */
#ifndef WL_CORE_EVENT_H
#define WL_CORE_EVENT_H

#include "base/arena.h"
#include "base/json.h"
#include "core/account_word.h"
#include "core/consent.h"
#include "core/template.h"

enum event_kind {
    EVENT_OTHER = 0,
    EVENT_INBOUND,    /* a message from a person (also `standby`); opens the window */
    EVENT_CALL,       /* a call by the person; opens the window when user-initiated */
    EVENT_STATUS,     /* what became of a message of ours */
    EVENT_PREFERENCE, /* user_preferences stop/resume */
    EVENT_TEMPLATE_STATUS,
    EVENT_TEMPLATE_QUALITY,
    EVENT_TEMPLATE_CATEGORY,
    EVENT_NUMBER_CHANGED,      /* system: user_changed_number / user_changed_user_id */
    EVENT_ACCOUNT,             /* account_update and other account fields */
    EVENT_TEMPLATE_COMPONENTS, /* message_template_components_update: the listing is stale */
    EVENT_TEMPLATE_DETECTED,   /* template_correct_category_detection: what Meta takes a Direct Send text for */
    EVENT_FLOW,                /* flows */
    EVENT_GROUP,               /* group_*_update */
    EVENT_ECHO,    /* message_echoes, smb_message_echoes: sent by the business from its phone app or agent */
    EVENT_HANDOVER /* messaging_handovers */
};
const char *event_kind_name(enum event_kind k);

/* A message's life as bits: events only ever add bits, the view is the highest (docs/platform.md §6.5). */
enum message_seen {
    SEEN_SENT = 1,
    SEEN_DELIVERED = 2,
    SEEN_READ = 4,
    SEEN_PLAYED = 8,
    SEEN_FAILED = 16,
    SEEN_HELD = 32,
    SEEN_DELETED = 64
};

#define EVENTS_MAX       5000 /* per body; Meta says 1,000 */
#define EVENT_ERRORS_MAX 8    /* of `errors[]` that are read; Meta shows one */
#define EVENT_NOTICE_MAX 16384

struct event_error {
    int code;
    struct str title;
};

struct event {
    enum event_kind kind;
    struct str field;        /* the change's `field` */
    int64_t waba;            /* entry.id, 0 when not a number */
    int64_t phone_number_id; /* metadata.phone_number_id, 0 when absent */
    struct str display_phone;
    int64_t at; /* the event's own time in ms, else its entry's; 0 when both are absent */
    struct identity phone, user_id, parent_id; /* who; kind NONE where absent */
    struct identity previous; /* NUMBER_CHANGED: the id before (phone, else user id); phone/user_id hold the new ones */
    struct identity previous_user_id, previous_parent_id; /* NUMBER_CHANGED: the ids before, beside the phone */
    struct str group_id; /* INBOUND, STATUS, ECHO: the group it happened in; absent one to one. GROUP: the group */
    struct str profile_name;
    struct str wamid;    /* INBOUND, ECHO: its id; STATUS: the message's id; CALL: the call's; GROUP: the request's */
    struct str type;     /* INBOUND, ECHO: message type; STATUS: status word; ACCOUNT, FLOW, GROUP, HANDOVER: event */
    struct str text;     /* INBOUND, ECHO: text body, button text or caption; HANDOVER: the role of who had it */
    struct str payload;  /* INBOUND: the id behind what was tapped: a button's payload, a reply's id */
    struct str reply_to; /* INBOUND: the wamid of the message it answers; absent: it answers none in particular */
    bool opens;    /* INBOUND, CALL: the window. What is said in a group opens none, nor what only changes or takes back
                       * what was said (edit, revoke, a reaction taken off) */
    uint32_t seen; /* STATUS: message_seen bit, 0 for unknown words */
    int code;      /* STATUS failed: first error code */
    struct str error_title;
    const struct event_error *further; /* what errors[] names beside the first: other codes, each once */
    size_t n_further;
    struct str opaque;                           /* STATUS: biz_opaque_callback_data */
    enum consent_act act;                        /* PREFERENCE */
    struct str template_name, template_language; /* language with '_' */
    int64_t template_id;
    enum template_status template_status;
    struct str template_detail;  /* TEMPLATE_STATUS: reason, rejection_info, other_info, disable_info as JSON; may
                                         * be empty */
    struct str quality;          /* TEMPLATE_QUALITY: GREEN ... */
    enum category new_category;  /* TEMPLATE_CATEGORY: the category now in force, UNKNOWN when only announced */
    enum category next_category; /* TEMPLATE_CATEGORY: announced; TEMPLATE_DETECTED: what the text is taken for */
    int64_t next_category_at;    /* ms, when it comes into force; 0 not said */
    struct str flow_id;          /* FLOW */
    bool user_initiated;         /* CALL: the person called */
    const struct account_word *account; /* ACCOUNT: what a decision needs of it; NULL: nothing */
    /* The same event, heard again, has the same key, whatever body it came in: docs/platform.md §6.1; 0: nothing tells it from
     * another. */
    uint64_t key;
    struct json value; /* the change's value, valid while the parser is */
    /* The same as JSON text, of fields that speak of no person (event_is_notice()); else absent. {"cut":true} where it is longer
     * than EVENT_NOTICE_MAX, {"cut":true,"names_a_person":true} where somebody is named in it all the same. */
    struct str notice;
};

/* Whether docs/platform.md §6.3 names the field. */
bool event_field_known(struct str field);
/* Whether what is said under it is about accounts, numbers, templates or flows and about no person. */
bool event_is_notice(struct str field);

/* Flattens the body. Strings live in the arena. WL_EINVAL or WL_ETOOBIG with the reason. */
int events_parse(struct json body, struct arena *a, struct event **ret, size_t *ret_n, struct err *e);

#endif

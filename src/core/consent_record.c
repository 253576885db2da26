/* SPDX-License-Identifier: Apache-2.0
 * consent_record.c - writes a consent event as the record its leaf commits to.
 *
 * Every key is always there and in this order, null where nothing is known; times are RFC 3339 in UTC with milliseconds;
 * strings are escaped as base/json_out.c does. Nothing is in it that could be told otherwise later: the rank of a
 * grant follows from method and notice by rules that may change, so it is not. A wording is told by its SHA-256, its text
 * lies beside the record. Categories are named one by one, so that "all" does not grow when there are more of them. */
#include "core/consent_record.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"

#define SCHEMA_VERSION "wayleave-consent-1"

static void text_or_null(struct json_out *o, const char *key, struct str s)
{
    jo_key(o, key);
    if (s.n > 0)
        jo_str(o, s);
    else
        jo_null(o);
}

static void time_or_null(struct json_out *o, const char *key, int64_t at)
{
    char text[TIME_TEXT];
    jo_kcstr(o, key, at != 0 ? time_text(at, text) : NULL);
}

static void put_notice(struct json_out *o, const struct consent_record *r)
{
    char hex[SHA256_HEX];
    if (r->notice != NULL)
        hex_encode(r->notice, SHA256_BYTES, hex);
    jo_key(o, "privacy_notice");
    jo_object(o);
    jo_kcstr(o, "sha256", r->notice != NULL ? hex : NULL);
    text_or_null(o, "language", r->language);
    text_or_null(o, "policy_version", r->policy);
    jo_end(o);
}

static void put_purposes(struct json_out *o, consent_scope scope)
{
    jo_key(o, "purposes");
    jo_array(o);
    for (int c = 0; c < CATEGORY_COUNT; c++)
        if (scope & CONSENT_SCOPE(c))
            jo_cstr(o, category_name((enum category)c));
    jo_end(o);
}

/* The number as WhatsApp calls it: an id of digits, in quotes as Meta writes it. */
static void put_service(struct json_out *o, int64_t sender)
{
    char digits[20]; /* of 63 bits */
    size_t at = sizeof digits;
    for (int64_t left = sender; left > 0; left /= 10)
        digits[--at] = (char)('0' + left % 10);
    jo_key(o, "service");
    jo_object(o);
    jo_kcstr(o, "channel", "whatsapp");
    text_or_null(o, "phone_number_id", (struct str){digits + at, sizeof digits - at});
    jo_end(o);
}

/* The state the consent is in after the event, as ISO/IEC TS 27560 has it. */
static const char *state_after(enum consent_act act)
{
    return act == CONSENT_GRANT || act == CONSENT_RESUME ? "given" : "withdrawn";
}

static void put_event(struct json_out *o, const struct consent_record *r)
{
    char text[TIME_TEXT];
    jo_key(o, "event");
    jo_object(o);
    jo_kcstr(o, "event_type", consent_act_name(r->event.act));
    jo_kcstr(o, "event_state", state_after(r->event.act));
    jo_kcstr(o, "event_time", time_text(r->event.at, text));
    jo_kcstr(o, "recorded_time", time_text(r->recorded_at, text));
    time_or_null(o, "validity_until", r->event.until);
    text_or_null(o, "entity_id", r->actor);
    text_or_null(o, "method", r->method);
    text_or_null(o, "source", r->source);
    text_or_null(o, "evidence", r->evidence);
    jo_end(o);
}

int consent_record_write(const struct consent_record *r, struct buf *out, struct err *e)
{
    struct json_out o;
    size_t before = out->len;
    json_out_init(&o, out);
    jo_object(&o);
    jo_kcstr(&o, "schema_version", SCHEMA_VERSION);
    text_or_null(&o, "record_id", r->id);
    text_or_null(&o, "pii_principal_id", r->subject);
    text_or_null(&o, "pii_controller", r->business);
    put_notice(&o, r);
    put_purposes(&o, r->event.scope);
    put_service(&o, r->sender);
    text_or_null(&o, "jurisdiction", r->jurisdiction);
    put_event(&o, r);
    jo_end(&o);
    if (out->failed || out->len - before > CONSENT_RECORD_MAX)
        return err_set(e, WL_ETOOBIG, "the record of a consent event is larger than %d bytes", CONSENT_RECORD_MAX);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 * sandbox_errors.c - Graph's error answers: the published codes as a table, and the shapes they come in.
 *
 * Status, title and details follow Meta's error page where it gives them. Two families exist: messaging errors with
 * error_data, and Graph's own (parameter checks, unknown objects, tokens) without. Writing an error throws away
 * whatever the handler had written before. */
#include "sandbox/sandbox_call.h"

#include <stdarg.h>
#include <stdio.h>

static const struct row {
    int code, http;
    const char *title, *details;
} rows[] = {
    {0, 401, "AuthException", "We were unable to authenticate the app user."},
    {1, 400, "API Unknown", "Invalid request or possible server error."},
    {2, 503, "API Service", "Temporary due to downtime or due to being overloaded."},
    {3, 500, "API Method", "Capability or permissions issue."},
    {4, 400, "API Too Many Calls", "The app has reached its API call rate limit."},
    {10, 403, "API Permission Denied", "Permission is either not granted or has been removed."},
    {17, 429, "User request limit reached", "The user has reached its API call rate limit."},
    {33, 400, "Parameter value is not valid", "The business phone number has been deleted."},
    {100, 400, "Invalid parameter", "One or more parameters are not supported or are misspelled."},
    {190, 401, "Access token has expired", "Your access token has expired."},
    {200, 403, "API Permission", "Permission is either not granted or has been removed."},
    {368, 403, "Temporarily blocked for policies violations",
     "The WhatsApp Business Account has been restricted or disabled for violating a platform policy."},
    {613, 429, "Calls to this api have exceeded the rate limit", "Too many calls in a short period of time."},
    {80007, 400, "Rate limit issues", "The WhatsApp Business Account has reached its rate limit."},
    {80008, 400, "Rate limit issues", "There have been too many calls to this WhatsApp Business Account."},
    {130403, 400, "User is blocked", "The business has blocked this user."},
    {130429, 400, "Rate limit hit",
     "Message failed to send because there were too many messages sent from this phone number in a short period of "
     "time."},
    {130472, 400, "User's number is part of an experiment",
     "Failed to send message because this user's phone number is part of an experiment."},
    {130497, 403, "Business account is restricted from messaging users in this country.",
     "The WhatsApp Business Account is restricted from messaging to users in certain countries."},
    {131000, 500, "Something went wrong", "Message failed to send due to an unknown error."},
    {131005, 403, "Access denied", "Permission is either not granted or has been removed."},
    {131008, 400, "Required parameter is missing", "The request is missing a required parameter."},
    {131009, 400, "Parameter value is not valid", "One or more parameter values are invalid."},
    {131016, 500, "Service unavailable", "A service is temporarily unavailable."},
    {131021, 400, "Recipient cannot be sender", "Sender and recipient phone number is the same."},
    {131026, 400, "Message undeliverable",
     "Unable to deliver message. Reasons can include: the recipient phone number is not a WhatsApp phone number, the "
     "recipient has not accepted our new Terms of Service, or uses an old WhatsApp version."},
    {131030, 400, "Recipient phone number not in allowed list",
     "Recipient phone number not in allowed list: Add recipient phone number to recipient list and try again."},
    {131031, 403, "Account has been locked", "The account has been restricted or disabled for a policy violation."},
    {131037, 400, "Display name approval needed",
     "The 555 business phone number used to send the request does not have an approved display name."},
    {131042, 400, "Business eligibility payment issue",
     "Message failed to send because there were one or more errors related to your payment method."},
    {131045, 500, "Incorrect certificate", "Message failed to send due to a phone number registration error."},
    {131047, 400, "Re-engagement message",
     "Message failed to send because more than 24 hours have passed since the customer last replied to this number."},
    {131048, 400, "Spam rate limit hit",
     "Message failed to send because there are restrictions on how many messages can be sent from this phone number. "
     "This may be because too many previous messages were blocked or flagged as spam."},
    {131049, 400, "This message was not delivered to maintain healthy ecosystem engagement.",
     "In order to maintain a healthy ecosystem engagement, the message failed to be delivered."},
    {131050, 400, "Unable to deliver the message.",
     "This recipient has chosen to stop receiving marketing messages on WhatsApp from your business."},
    {131051, 400, "Message type unknown", "Message type is not currently supported."},
    {131052, 400, "Media download error", "Unable to download the media sent by the user."},
    {131053, 400, "Media upload error", "Unable to upload the media used in the message."},
    {131055, 400, "Method not allowed", "This message cannot be sent to this endpoint."},
    {131056, 400, "(Business Account, Consumer Account) pair rate limit hit",
     "Message failed to send because there were too many messages sent from this phone number to the same phone number "
     "in a short period of time."},
    {131057, 500, "Account in maintenance mode", "Business account is in maintenance mode."},
    {131059, 400, "Invalid cursor", "The paging cursor is not valid."},
    {131062, 400, "Recipient not supported",
     "Business-scoped user ids are not supported for this type of message. Use the phone number."},
    {131063, 400, "Marketing templates are disabled on Cloud API", "Use the marketing_messages endpoint."},
    {131064, 400, "Messaging limit exceeded", "Template classification violations have reduced the messaging limit."},
    {132000, 400, "Number of parameters does not match the expected number of params",
     "The number of variable parameter values does not match the number defined in the template."},
    {132001, 404, "Template name does not exist in the translation",
     "The template does not exist in the specified language or the template has not been approved."},
    {132005, 400, "Translated text too long", "Translated text is too long."},
    {132007, 400, "Template format character policy violated", "Template content violates a WhatsApp policy."},
    {132012, 400, "Parameter format does not match format in the created template",
     "Variable parameter values formatted incorrectly."},
    {132015, 400, "Template is Paused", "Template is paused due to low quality so it cannot be sent."},
    {132016, 400, "Template is Disabled",
     "Template has been paused too many times due to low quality and is now permanently disabled."},
    {132018, 400, "Template parameters are invalid", "One or more template parameters are invalid."},
    {132068, 400, "Flow is in blocked state", "Flow is in blocked state."},
    {132069, 400, "Flow is in throttled state", "Ten messages using this flow were already sent in the last hour."},
    {133000, 500, "Incomplete deregistration", "A previous deregistration attempt failed."},
    {133004, 503, "Server temporarily unavailable", "Server is temporarily unavailable."},
    {133005, 400, "Two step verification PIN mismatch", "Two-step verification PIN incorrect."},
    {133010, 400, "Phone number not registered", "Phone number not registered on the WhatsApp Business Platform."},
    {133016, 400, "Account register deregister rate limit exceeded", "Registration or deregistration failed."},
    {134100, 400, "Only marketing messages supported", "Only marketing templates can be sent to this endpoint."},
    {134101, 400, "Template is syncing", "The template is still syncing. Try again in ten minutes."},
    {134102, 400, "Template unavailable for use", "The template is not available for marketing messages."},
    {135000, 400, "Generic user error", "Message failed to send because of an unknown error with the parameters."},
    {137000, 400, "Identity key mismatch", "The recipient's identity key hash does not match."},
    {139100, 400, "Failed to block/unblock users", "Some users could not be blocked or unblocked."},
    {139200, 400, "Direct Send blocked", "This account may not use Direct Send."},
};

static const struct row *row_of(int code)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

const char *sbx_error_title(int code)
{
    const struct row *r = row_of(code);
    return r ? r->title : "Generic user error";
}

const char *sbx_error_details(int code)
{
    const struct row *r = row_of(code);
    return r ? r->details : "A failure was asked for by its code.";
}

/* The text also goes into a header: no quotes' mates, no control characters. */
static void keep_for_header(struct call *c, const char *message)
{
    snprintf(c->error_text, sizeof c->error_text, "%s", message);
    for (char *p = c->error_text; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e || *p == '"' || *p == '\\')
            *p = ' ';
}

static void open_answer(struct call *c, int http, const char *message)
{
    buf_clear(&c->out);
    json_out_init(&c->jo, &c->out);
    c->status = http;
    c->is_error = true;
    c->handshake = NULL;
    keep_for_header(c, message);
}

void sbx_error(struct call *c, const struct sbx_error *e)
{
    open_answer(c, e->http, e->message);
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_key(o, "error");
    jo_object(o);
    jo_kcstr(o, "message", e->message);
    jo_kcstr(o, "type", e->type ? e->type : "OAuthException");
    jo_kint(o, "code", e->code);
    if (e->subcode != 0)
        jo_kint(o, "error_subcode", e->subcode);
    if (e->transient)
        jo_kbool(o, "is_transient", true);
    if (e->user_title != NULL)
        jo_kcstr(o, "error_user_title", e->user_title);
    if (e->user_msg != NULL)
        jo_kcstr(o, "error_user_msg", e->user_msg);
    if (e->details != NULL) {
        jo_key(o, "error_data");
        jo_object(o);
        jo_kcstr(o, "messaging_product", "whatsapp");
        jo_kcstr(o, "details", e->details);
        jo_end(o);
    }
    jo_kcstr(o, "fbtrace_id", c->trace);
    jo_end(o);
    jo_end(o);
}

void sbx_fail(struct call *c, int code, const char *details, ...)
{
    char text[400], message[400];
    const struct row *r = row_of(code);
    snprintf(text, sizeof text, "%s", sbx_error_details(code));
    if (details != NULL) {
        va_list ap;
        va_start(ap, details);
        vsnprintf(text, sizeof text, details, ap);
        va_end(ap);
    }
    snprintf(message, sizeof message, "(#%d) %s", code, sbx_error_title(code));
    sbx_error(c, &(struct sbx_error){.http = r ? r->http : 400, .code = code, .message = message, .details = text});
}

void sbx_fail_param(struct call *c, const char *format, ...)
{
    char text[380], message[400];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    snprintf(message, sizeof message, "(#100) %s", text);
    sbx_error(c, &(struct sbx_error){.http = 400, .code = 100, .message = message});
}

static const char *method_word(const struct call *c)
{
    return str_eq(c->method, STR("GET")) ? "get" : str_eq(c->method, STR("DELETE")) ? "delete" : "post";
}

void sbx_fail_unsupported(struct call *c)
{
    char message[400];
    const char *read = "Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api";
    if (c->n_seg == 0) {
        snprintf(message, sizeof message, "Unsupported %s request. %s", method_word(c), read);
        sbx_error(c, &(struct sbx_error){.http = 400, .type = "GraphMethodException", .code = 100, .message = message});
        return;
    }
    snprintf(message, sizeof message,
             "Unsupported %s request. Object with ID '%.*s' does not exist, cannot be loaded due to missing "
             "permissions, or does not support this operation. %s",
             method_word(c), (int)(c->seg[0].n < 80 ? c->seg[0].n : 80), c->seg[0].p, read);
    sbx_error(c, &(struct sbx_error){
                     .http = 400, .type = "GraphMethodException", .code = 100, .subcode = 33, .message = message});
}

void sbx_fail_field(struct call *c)
{
    static const char *const kinds[] = {"Root",
                                        "WhatsAppBusinessPhoneNumber",
                                        "WhatsAppBusinessAccount",
                                        "Application",
                                        "WhatsAppMedia",
                                        "WhatsAppMessageTemplate",
                                        "User",
                                        "User"};
    if (!str_eq(c->method, STR("GET"))) {
        sbx_fail_unsupported(c);
        return;
    }
    sbx_fail_param(c, "Tried accessing nonexisting field (%.*s) on node type (%s)",
                   (int)(c->seg[1].n < 80 ? c->seg[1].n : 80), c->seg[1].p ? c->seg[1].p : "", kinds[c->object]);
}

void sbx_fail_path(struct call *c, struct str rest)
{
    char message[200];
    snprintf(message, sizeof message, "Unknown path components: %.*s", (int)(rest.n < 120 ? rest.n : 120),
             rest.p ? rest.p : "/");
    sbx_error(c, &(struct sbx_error){.http = 400, .code = 2500, .message = message});
}

void sbx_fail_status(struct call *c, int status)
{
    int code = status == 401 ? 190 : status == 403 ? 10 : status == 429 ? 4 : status == 503 ? 2 : 1;
    struct sbx_error e = {.http = status, .code = code, .message = "An unknown error has occurred."};
    e.message = status >= 500 ? "An unexpected error has occurred. Please retry your request later." : e.message;
    e.message = code == 4 ? "(#4) Application request limit reached" : e.message;
    e.transient = status >= 500 || status == 429;
    sbx_error(c, &e);
}

/* SPDX-License-Identifier: Apache-2.0
 * graph_error.c - writes the error bodies that clients of the Graph API expect.
 *
 * One function builds the body for every case, so that no refusal lacks `message`, `code` or `fbtrace_id`. The HTTP
 * status follows Meta's habit: 400 for a refused message, also when it is a rate (docs/platform.md §2.1). */
#include "gateway/graph_error.h"

#include <stdio.h>

#define GRAPH_ERROR_MAX (256u << 10)

/* Our internal results as Meta would say them. */
static const struct {
    int result, status, code;
    bool transient;
} problems[] = {
    {WL_EINVAL, 400, 100, false},    {WL_ETOOBIG, 413, 100, false}, {WL_EBUSY, 429, 130429, true},
    {WL_ENOTFOUND, 404, 803, false}, {WL_EDENIED, 401, 190, false}, {WL_EIO, 503, 2, true},
    {WL_ENOMEM, 413, 100, false},
};

static void trace_id(char out[24])
{
    uint8_t r[12];
    random_bytes(r, sizeof r);
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    out[0] = 'A';
    for (size_t i = 0; i < sizeof r; i++)
        out[i + 1] = alphabet[r[i] & 63];
    out[sizeof r + 1] = '\0';
}

void graph_error_body(struct buf *out, const struct graph_error *err, const struct decision *d,
                      const struct ruleset *rs, const struct facts *f)
{
    char message[512], trace[24];
    snprintf(message, sizeof message, "(#%d) %s", err->code, err->message);
    trace_id(trace);
    struct json_out o;
    json_out_init(&o, out);
    jo_object(&o);
    jo_key(&o, "error");
    jo_object(&o);
    jo_kcstr(&o, "message", message);
    jo_kcstr(&o, "type", err->type ? err->type : "OAuthException");
    jo_kint(&o, "code", err->code);
    if (err->transient)
        jo_kbool(&o, "is_transient", true);
    jo_key(&o, "error_data");
    jo_object(&o);
    jo_kcstr(&o, "messaging_product", "whatsapp");
    jo_kcstr(&o, "details", err->details ? err->details : err->message);
    if (err->message_id != NULL || d != NULL) {
        jo_key(&o, "wayleave");
        jo_object(&o);
        if (err->message_id != NULL)
            jo_kcstr(&o, "id", err->message_id);
        if (d != NULL) {
            jo_key(&o, "decision");
            decision_json(d, rs, f, &o);
        }
        jo_end(&o);
    }
    jo_end(&o);
    jo_kcstr(&o, "fbtrace_id", trace);
    jo_end(&o);
    jo_end(&o);
}

/* `retry_after`, `message_id`: NULL without. */
static void reply(struct http_req *rq, int status, const struct buf *body, const char *retry_after,
                  const char *message_id)
{
    struct http_header h[4] = {{STR("Content-Type"), STR("application/json; charset=UTF-8")},
                               {STR("Cache-Control"), STR("no-store")}};
    size_t n = 2;
    if (retry_after != NULL)
        h[n++] = (struct http_header){STR("Retry-After"), str_of(retry_after)};
    if (message_id != NULL)
        h[n++] = (struct http_header){STR("Wayleave-Message-Id"), str_of(message_id)};
    http_reply(rq, status, h, n, buf_str(body));
}

void graph_error_reply(struct http_req *rq, const struct graph_error *err)
{
    struct buf b;
    buf_init(&b, GRAPH_ERROR_MAX);
    graph_error_body(&b, err, NULL, NULL, NULL);
    reply(rq, err->status, &b, err->status == 429 || err->status == 503 ? "1" : NULL, err->message_id);
    buf_done(&b);
}

void graph_refusal_body(struct buf *out, const struct decision *d, const struct ruleset *rs, const struct facts *f,
                        const char *message_id)
{
    const struct finding *main = decision_main(d);
    struct buf details;
    buf_init(&details, 4096);
    decision_details(d, rs, f, &details);
    struct graph_error err = {.status = 400,
                              .code = rule_code(main->rule),
                              .message = rule_reason(main->rule),
                              .details = buf_cstr(&details),
                              .message_id = message_id};
    graph_error_body(out, &err, d, rs, f);
    buf_done(&details);
}

int64_t graph_retry_after(const struct decision *d, int64_t now)
{
    return d->until > now ? (d->until - now + 999) / 1000 : 1;
}

void graph_refusal_reply(struct http_req *rq, const struct decision *d, const struct ruleset *rs, const struct facts *f,
                         const char *message_id, int64_t now)
{
    struct buf b;
    buf_init(&b, GRAPH_ERROR_MAX);
    graph_refusal_body(&b, d, rs, f, message_id);
    char retry[24];
    snprintf(retry, sizeof retry, "%lld", (long long)graph_retry_after(d, now));
    reply(rq, 400, &b, d->verdict == VERDICT_HOLD ? retry : NULL, message_id);
    buf_done(&b);
}

void graph_problem_reply(struct http_req *rq, const struct err *e)
{
    struct graph_error g = {.status = 500, .code = 131000, .message = e->text};
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
        if (problems[i].result == e->code) {
            g.status = problems[i].status;
            g.code = problems[i].code;
            g.transient = problems[i].transient;
        }
    }
    graph_error_reply(rq, &g);
}

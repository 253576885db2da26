/* SPDX-License-Identifier: Apache-2.0
 * test_sandbox.c - calls as client libraries make them, and the answers those libraries rely on.
 *
 * Every test talks HTTP to a sandbox on a free port. Shapes are compared where clients read them: ids, error codes,
 * the fields of a success. The shared collection of real sends is posted as it is. */
#include "rig.h"

/* --- accepted ----------------------------------------------------------------------------------------- */

static const struct {
    const char *path, *type, *body;
    const char *input, *wa_id; /* wa_id NULL: user_id instead */
    bool status;               /* message_status present */
} sends[] = {
    {"/v23.0/111/messages", "application/json", HELLO("+1 555 000-1111"), "+1 555 000-1111", "15550001111", true},
    {"/111/messages", "application/json", HELLO("15550001111"), "15550001111", "15550001111", true},
    {"/v13.0/112/messages", "application/json; charset=utf-8", TEXT_TO("1 555 0001111"), "1 555 0001111", "15550001111",
     false},
    {"/v23.0/111/messages", "application/json",
     "{\"messaging_product\":\"whatsapp\",\"recipient\":\"US.13491208655302741918\",\"type\":\"text\",\"text\":{"
     "\"body\":"
     "\"x\"}}",
     "US.13491208655302741918", NULL, false},
    {"/v23.0/111/messages", "application/json", /* both: to wins */
     "{\"messaging_product\":\"whatsapp\",\"recipient\":\"US.1\",\"to\":\"15550001111\",\"text\":{\"body\":\"x\"}}",
     "15550001111", "15550001111", false},
    {"/v23.0/111/messages", "application/x-www-form-urlencoded",
     "messaging_product=whatsapp&to=%2B15550001111&type=text&text=%7B%22body%22%3A%22a+b%22%7D", "+15550001111",
     "15550001111", false},
    {"/v23.0/111/messages?messaging_product=whatsapp&to=15550001111&text=%7B%22body%22%3A%22q%22%7D",
     "application/json", "", "15550001111", "15550001111", false},
    {"/v23.0/111/messages?to=15550001111", "application/json",
     "{\"messaging_product\":\"whatsapp\",\"text\":{\"body\":\"x\"}}", "15550001111", "15550001111", false},
    {"/v23.0/111/messages", "application/json",
     "{\"messaging_product\":\"whatsapp\",\"to\":15550001111,\"text\":{\"body\":\"x\"}}", "15550001111", "15550001111",
     false},
    {"/v23.0/111/messages", "multipart/form-data; boundary=XX",
     "--XX\r\nContent-Disposition: form-data; "
     "name=\"messaging_product\"\r\n\r\nwhatsapp\r\n--XX\r\nContent-Disposition: "
     "form-data; name=\"to\"\r\n\r\n15550001111\r\n--XX\r\nContent-Disposition: form-data; "
     "name=\"text\"\r\n\r\n{\"body\":"
     "\"m\"}\r\n--XX--\r\n",
     "15550001111", "15550001111", false},
};

TEST(accepts_every_coat)
{
    up();
    for (size_t i = 0; i < sizeof sends / sizeof *sends; i++) {
        ask_typed("POST", sends[i].path, sends[i].type, str_of(sends[i].body), NULL);
        expect(200);
        assert_str(str_at("messaging_product"), "whatsapp");
        assert_str(str_at("contacts.0.input"), sends[i].input);
        if (sends[i].wa_id != NULL)
            assert_str(str_at("contacts.0.wa_id"), sends[i].wa_id);
        else
            assert_str(str_at("contacts.0.user_id"), sends[i].input);
        assert_int_equal(json_type(at("contacts.0.wa_id")) == JSON_STRING, sends[i].wa_id != NULL);
        assert_true(str_starts(str_at("messages.0.id"), STR("wamid.HBg")));
        assert_int_equal(json_type(at("messages.0.message_status")) == JSON_STRING, sends[i].status);
    }
    down();
}

TEST(read_receipts_are_no_messages)
{
    up();
    post("/v23.0/111/messages", "{\"messaging_product\":\"whatsapp\",\"status\":\"read\",\"message_id\":\"wamid.x\","
                                "\"typing_indicator\":{\"type\":\"text\"}}");
    expect(200);
    bool success = false;
    assert_true(json_bool(at("success"), &success) && success);
    get("/_sandbox/ledger");
    assert_int_equal(json_count(at("data")), 0);
    down();
}

/* --- refused ------------------------------------------------------------------------------------------ */

#define SEND(rest) "{\"messaging_product\":\"whatsapp\",\"to\":\"15550001111\"," rest "}"
#define TEMPLATE(name, language, rest)                                                                                 \
    SEND("\"type\":\"template\",\"template\":{\"name\":\"" name "\",\"language\":{\"code\":\"" language "\"}" rest "}")
#define BODY_PARAM(text)                                                                                               \
    ",\"components\":[{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"text\":\"" text "\"}]}]"

static const struct {
    const char *path, *body;
    int status, code;
} refusals[] = {
    {"/v23.0/111/messages", "{}", 400, 100},
    {"/v23.0/111/messages", "{not json", 400, 100},
    {"/v23.0/111/messages", "[1]", 400, 100},
    {"/v23.0/111/messages", "{\"messaging_product\":\"whatsapp\",\"text\":{\"body\":\"x\"}}", 400, 100},
    {"/v23.0/111/messages", "{\"messaging_product\":\"fax\",\"to\":\"1555\"}", 400, 100},
    {"/v23.0/111/messages", SEND("\"type\":\"telegram\""), 400, 100},
    {"/v23.0/111/messages", SEND("\"type\":\"text\""), 400, 131008},
    {"/v23.0/111/messages", SEND("\"type\":\"text\",\"text\":\"Hello\""), 400, 100},
    {"/v23.0/111/messages", SEND("\"type\":\"text\",\"text\":{}"), 400, 131008},
    {"/v23.0/111/messages", SEND("\"type\":\"image\",\"image\":{}"), 400, 131008},
    {"/v23.0/111/messages", SEND("\"type\":\"image\",\"image\":{\"id\":\"1\",\"link\":\"https://a.example/\"}"), 400,
     131009},
    {"/v23.0/111/messages", SEND("\"type\":\"location\",\"location\":{\"latitude\":1}"), 400, 131008},
    {"/v23.0/111/messages", SEND("\"type\":\"reaction\",\"reaction\":{\"emoji\":\"\"}"), 400, 131008},
    {"/v23.0/111/messages",
     SEND("\"type\":\"interactive\",\"interactive\":{\"type\":\"button\",\"body\":{\"text\":\"a\"},"
          "\"action\":{\"buttons\":[]}}"),
     400, 131009},
    {"/v23.0/111/messages", "{\"messaging_product\":\"whatsapp\",\"to\":\"PHONE\",\"text\":{\"body\":\"x\"}}", 400,
     131009},
    {"/v23.0/111/messages", TEXT_TO("+15550001000"), 400, 131021},
    {"/v23.0/111/messages", TEMPLATE("nope", "en_US", ""), 404, 132001},
    {"/v23.0/111/messages", TEMPLATE("hello_world", "de", ""), 404, 132001},
    {"/v23.0/111/messages", TEMPLATE("hello_world", "en_US", BODY_PARAM("x")), 400, 132000},
    {"/v23.0/111/messages", TEMPLATE("order_ready", "en_US", ""), 400, 132000},
    {"/v23.0/111/messages", TEMPLATE("order_ready", "en_US", BODY_PARAM("a\\nb")), 400, 100},
    {"/v23.0/111/messages", TEMPLATE("order_update", "en_US", BODY_PARAM("x")), 400, 132000},
    {"/v23.0/111/messages", TEMPLATE("spring_sale_image", "en_US", BODY_PARAM("x")), 400, 132012},
    {"/v23.0/111/messages", TEMPLATE("login_code", "en_US", BODY_PARAM("123456")), 400, 131008},
    {"/v23.0/111/messages", TEMPLATE("paused_promo", "en_US", ""), 400, 132015},
    {"/v23.0/111/marketing_messages", HELLO("15550001111"), 400, 134100},
    {"/v23.0/111/marketing_messages", TEXT_TO("15550001111"), 400, 100},
    {"/v23.0/999/messages", HELLO("15550001111"), 400, 100},
    {"/v23.0/111/no_such_edge", "{}", 400, 100},
    {"/v99.0/111/messages", HELLO("15550001111"), 400, 2500},
    {"/v23.0/111/messages/more/and/more", "{}", 400, 2500},
};

TEST(refuses_in_metas_words)
{
    up();
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        post(refusals[i].path, refusals[i].body);
        expect_error(refusals[i].status, refusals[i].code);
    }
    get("/_sandbox/ledger");
    assert_int_equal(json_count(at("data")), 0); /* nothing refused was remembered as accepted */
    down();
}

TEST(tokens)
{
    up();
    char url[200];
    struct http_header bad = {STR("Authorization"), STR("Bearer wrong")};
    struct http_header oauth = {STR("Authorization"), STR("OAuth sandbox-token")};
    snprintf(url, sizeof url, "%s/v13.0/111", base);
    fetch("GET", url, NULL, 0, STR(""));
    expect_error(400, 2500);
    fetch("GET", url, &bad, 1, STR(""));
    expect_error(401, 190);
    assert_true(str_starts(http_call_header(&got.call, "WWW-Authenticate"),
                           STR("OAuth \"Facebook Platform\" \"invalid_token\"")));
    fetch("GET", url, &oauth, 1, STR(""));
    expect(200);
    snprintf(url, sizeof url, "%s/v13.0/111?access_token=sandbox-token", base);
    fetch("GET", url, NULL, 0, STR(""));
    expect(200);
    snprintf(url, sizeof url, "%s/v13.0/111?access_token=1000%%7Csandbox-secret", base);
    fetch("GET", url, NULL, 0, STR(""));
    expect(200);
    snprintf(url, sizeof url, "%s/v13.0/111/messages", base);
    fetch("POST", url, NULL, 0,
          STR("access_token=sandbox-token&messaging_product=whatsapp&to=15550001111&text={\"body\":\"x\"}"));
    expect(200);
    /* n8n's credential test: a good token is told by error.type */
    get("/v13.0/");
    expect_error(400, 100);
    assert_str(str_at("error.type"), "GraphMethodException");
    assert_str(http_call_header(&got.call, "X-Wayleave-Sandbox"), "true");
    down();
}

/* --- everything around messages ------------------------------------------------------------------------ */

static const struct {
    const char *method, *path, *body, *value, *want;
} reads[] = {
    {"GET", "/v23.0/111?fields=id,display_phone_number,status", NULL, "status", "CONNECTED"},
    {"GET", "/v23.0/111", NULL, "display_phone_number", "+15550001000"},
    {"GET", "/v17.0/2000/phone_numbers", NULL, "data.1.id", "112"},
    {"GET", "/v23.0/2000?fields=name", NULL, "id", "2000"},
    {"GET", "/v17.0/debug_token?input_token=sandbox-token", NULL, "data.granular_scopes.0.target_ids.0", "2000"},
    {"GET", "/v17.0/debug_token?input_token=sandbox-token", NULL, "data.app_id", "1000"},
    {"GET", "/v17.0/debug_token?input_token=other", NULL, "data.error.message",
     "Invalid OAuth access token - Cannot parse access token"},
    {"GET", "/oauth/access_token?client_id=1000&client_secret=sandbox-secret", NULL, "access_token", "sandbox-token"},
    {"GET", "/v17.0/2000/subscribed_apps", NULL, "data.0.whatsapp_business_api_data.id", "1000"},
    {"GET", "/v17.0/111/whatsapp_business_profile?fields=vertical", NULL, "data.0.vertical", "UNDEFINED"},
    {"POST", "/v17.0/111/whatsapp_business_profile", "{\"messaging_product\":\"whatsapp\",\"about\":\"caf\xc3\xa9\"}",
     NULL, NULL},
    {"GET", "/v17.0/111/whatsapp_business_profile?fields=about", NULL, "data.0.about", "caf\xc3\xa9"},
    {"POST", "/v17.0/111/deregister", "{}", NULL, NULL},
    {"GET", "/v17.0/111?fields=status", NULL, "status", "DISCONNECTED"},
    {"POST", "/v17.0/111/register", "{\"messaging_product\":\"whatsapp\",\"pin\":\"123456\"}", NULL, NULL},
    {"GET", "/v17.0/111?fields=status", NULL, "status", "CONNECTED"},
};

TEST(account_and_number)
{
    up();
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        ask(reads[i].method, reads[i].path, reads[i].body);
        expect(200);
        if (reads[i].value != NULL)
            assert_str(str_at(reads[i].value), reads[i].want);
    }
    down();
}

TEST(a_batch_is_judged_by_parts)
{
    up();
    post("/v23.0/",
         "{\"batch\":[{\"method\":\"POST\",\"relative_url\":\"111/messages\",\"body\":\"messaging_product=whatsapp&"
         "to=15550001111&text=%7B%22body%22%3A%22x%22%7D\"},{\"method\":\"POST\",\"relative_url\":\"v23.0/111/"
         "messages\",\"body\":\"to=1\"},{\"relative_url\":\"111?fields=status\"}]}");
    expect(200);
    assert_int_equal(json_count(got.json), 3);
    assert_int_equal(int_at("0.code"), 200);
    assert_int_equal(int_at("1.code"), 400);
    assert_int_equal(int_at("2.code"), 200);
    assert_non_null(strstr(str_at("0.body").p, "wamid."));
    assert_non_null(strstr(str_at("1.body").p, "messaging_product is required"));
    get("/_sandbox/ledger");
    assert_int_equal(json_count(at("data")), 1);
    post("/", "{\"batch\":\"not an array\"}");
    expect_error(400, 100);
    down();
}

TEST(blocking)
{
    up();
    const char *body = "{\"messaging_product\":\"whatsapp\",\"block_users\":[{\"user\":\"+15550001111\"}]}";
    post("/v23.0/111/block_users", body); /* never wrote */
    expect_error(400, 139100);
    post("/_sandbox/inbound", "{\"from\":\"15550001111\",\"phone_number_id\":\"111\",\"text\":\"hello\"}");
    post("/v23.0/111/block_users", body);
    expect(200);
    assert_str(str_at("block_users.added_users.0.wa_id"), "15550001111");
    get("/v23.0/111/block_users");
    assert_str(str_at("data.0.wa_id"), "15550001111");
    post("/v23.0/111/messages", TEXT_TO("15550001111"));
    expect(200);
    ear_wait(2);
    assert_int_equal(ear_with("130403"), 1);
    ask("DELETE", "/v23.0/111/block_users", body);
    expect(200);
    get("/v23.0/111/block_users");
    assert_int_equal(json_count(at("data")), 0);
    down();
}

/* --- the ledger --------------------------------------------------------------------------------------- */

TEST(the_ledger_keeps_the_bytes)
{
    static const char odd[] =
        "{ \"to\":\"15550001111\" ,\n\"messaging_product\":\"whatsapp\",\"unknown\":[1.50,\"\\u00e9\"],"
        "\"text\":{\"body\":\"\xf0\x9f\x98\x80\"},\"biz_opaque_callback_data\":\"cb-1\"}";
    up();
    post("/v23.0/111/messages?a=b%20c", odd);
    expect(200);
    get("/_sandbox/ledger");
    assert_int_equal(json_count(at("data")), 1);
    assert_str(str_at("data.0.body"), odd);
    assert_str(str_at("data.0.path"), "/v23.0/111/messages");
    assert_str(str_at("data.0.query"), "a=b%20c");
    assert_str(str_at("data.0.headers.Authorization"), "Bearer sandbox-token");
    assert_str(str_at("data.0.biz_opaque_callback_data"), "cb-1");
    down();
}

TEST(the_ledger_is_bounded_and_paged)
{
    ear.server = NULL;
    struct sandbox_options o = quick();
    o.ledger_messages = 10;
    up_with(&o);
    for (int i = 0; i < 25; i++)
        post("/v23.0/111/messages", HELLO("15550001111"));
    get("/_sandbox/ledger?limit=4");
    assert_int_equal(json_count(at("data")), 4);
    assert_int_equal(int_at("data.0.seq"), 16);
    assert_int_equal(int_at("dropped"), 15);
    assert_int_equal(int_at("accepted"), 25);
    get("/_sandbox/ledger?limit=100&after=19");
    assert_int_equal(json_count(at("data")), 6);
    assert_int_equal(int_at("data.0.seq"), 20);
    post("/_sandbox/reset", "{}");
    get("/_sandbox/ledger");
    assert_int_equal(json_count(at("data")), 0);
    assert_int_equal(int_at("accepted"), 0);
    down();
}

TEST(limits_when_switched_on)
{
    ear.server = NULL;
    struct sandbox_options o = quick();
    o.pair_limit = true;
    up_with(&o);
    int ok = 0;
    for (int i = 0; i < 50; i++) {
        post("/v23.0/111/messages", HELLO("15550001111"));
        ok += got.status == 200;
    }
    expect_error(400, 131056);
    assert_in_range(ok, 45, 46);
    post("/v23.0/111/messages", HELLO("15550002222")); /* another user is not affected */
    expect(200);
    down();
    o.pair_limit = false;
    o.mps_limit = 5;
    up_with(&o);
    for (int i = 0; i < 20; i++)
        post("/v23.0/111/messages", HELLO("15550001111"));
    expect_error(400, 130429);
    post("/v23.0/112/messages", HELLO("15550001111"));
    expect(200);
    down();
}

static void inbound_from(const char *who)
{
    char body[200];
    snprintf(body, sizeof body, "{\"from\":\"%s\",\"phone_number_id\":\"112\",\"text\":\"hello\"}", who);
    post("/_sandbox/inbound", body);
    expect(200);
}

TEST(limits_are_set_by_a_call_and_count_what_comes_in)
{
    ear.server = NULL;
    struct sandbox_options o = quick();
    up_with(&o);
    post("/_sandbox/limits", "{\"rate\":1,\"burst_ms\":4000}");
    expect(200);
    for (int i = 0; i < 4; i++) {
        post("/v23.0/111/messages", HELLO("15550001111"));
        expect(200);
    }
    post("/v23.0/111/messages", HELLO("15550001111"));
    expect_error(400, 130429);
    inbound_from("15550002222"); /* two came in: two of the four are gone */
    inbound_from("15550002222");
    for (int i = 0; i < 2; i++) {
        post("/v23.0/112/messages", HELLO("15550001111"));
        expect(200);
    }
    post("/v23.0/112/messages", HELLO("15550001111"));
    expect_error(400, 130429);
    get("/_sandbox/limits");
    expect(200);
    assert_non_null(strstr(buf_cstr(&got.call.answer), "\"slowed\":2"));
    post("/_sandbox/limits", "{\"rate\":0}");
    post("/v23.0/112/messages", HELLO("15550001111"));
    expect(200);
    down();
}

TEST(the_ledger_can_be_read_as_lines)
{
    ear.server = NULL;
    struct sandbox_options o = quick();
    up_with(&o);
    post("/v23.0/111/messages",
         "{\"messaging_product\":\"whatsapp\",\"to\":\"+15550001111\",\"type\":\"text\",\"text\":{"
         "\"body\":\"a\"},\"biz_opaque_callback_data\":\"two\\nlines\"}");
    expect(200);
    post("/v23.0/112/messages", HELLO("15550002222"));
    expect(200);
    long long at;
    get("/_sandbox/ledger_lines");
    expect(200);
    assert_int_equal(sscanf(buf_cstr(&got.call.answer), "1 %lld ", &at), 1);
    assert_true(at > 1700000000000);
    assert_non_null(strstr(buf_cstr(&got.call.answer), " 111 15550001111 two?lines\n2 "));
    get("/_sandbox/ledger_lines?after=1&limit=1");
    expect(200);
    assert_int_equal(strncmp(buf_cstr(&got.call.answer), "2 ", 2), 0);
    assert_non_null(strstr(buf_cstr(&got.call.answer), " 112 15550002222 \n"));
    get("/_sandbox/ledger_lines?after=2");
    assert_string_equal(buf_cstr(&got.call.answer), "");
    down();
}

/* --- many at once ------------------------------------------------------------------------------------- */

#define SENDERS 8
#define EACH    50

static void *sender(void *arg)
{
    size_t *ok = arg;
    char url[200];
    struct http_header h[] = {{STR("Authorization"), STR("Bearer sandbox-token")},
                              {STR("Content-Type"), STR("application/json")}};
    snprintf(url, sizeof url, "%s/v23.0/111/messages", base);
    for (int i = 0; i < EACH; i++) {
        struct err e = {0};
        struct http_call c = {.method = STR("POST"),
                              .url = str_of(url),
                              .headers = h,
                              .n_headers = 2,
                              .body = STR(HELLO("15550001111")),
                              .timeout_ms = WAIT_MS,
                              .max_answer = 65536};
        *ok += http_fetch(&c, NULL, &e) == 0 && c.status == 200;
        http_call_done(&c);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

TEST(many_at_once)
{
    pthread_t threads[SENDERS];
    size_t ok[SENDERS] = {0}, n = 0, total = SENDERS * EACH;
    char **ids = calloc(total, sizeof *ids);
    up();
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sender, &ok[i]), 0);
    for (int i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(ok[i], EACH);
    }
    get("/_sandbox/ledger?limit=1000");
    for (struct json_iter it = json_iter(at("data")); json_next(&it);) {
        struct str id = json_str_or(json_get(it.value, "wamid"), STR(""));
        ids[n++] = strndup(id.p, id.n);
    }
    assert_int_equal(n, total);
    qsort(ids, n, sizeof *ids, compare);
    for (size_t i = 1; i < n; i++)
        assert_string_not_equal(ids[i - 1], ids[i]);
    ear_wait(3 * total); /* every status arrives */
    assert_int_equal(ear_with("\"status\":\"read\""), total);
    for (size_t i = 0; i < n; i++)
        free(ids[i]);
    free(ids);
    down();
}

/* --- what the world sends ------------------------------------------------------------------------------ */

/* The body with {{Recipient…}} made a number. */
static void fill_in(struct buf *out, struct json request)
{
    struct buf body;
    buf_init(&body, 1u << 20);
    json_write_value(&body, request);
    const char *at = buf_cstr(&body), *hole, *end;
    while ((hole = strstr(at, "\"{{Recipient")) != NULL && (end = strstr(hole, "}}\"")) != NULL) {
        buf_put(out, at, (size_t)(hole - at));
        buf_puts(out, "\"+15550001111\"");
        at = end + 3;
    }
    buf_puts(out, at);
    buf_done(&body);
}

static void post_case(struct json row, size_t *accepted)
{
    struct buf body;
    buf_init(&body, 1u << 20);
    fill_in(&body, json_get(row, "request"));
    ask_typed("POST", "/v23.0/111/messages", "application/json", buf_str(&body), NULL);
    buf_done(&body);
    struct str type = json_str_or(json_get(row, "type"), STR(""));
    bool mock = json_type(json_at(row, "request", "text")) == JSON_STRING; /* an SDK's test of itself, no real body */
    *accepted += got.status == 200;
    if (got.status != 200 && type.n > 0 && !str_eq(type, STR("template")) &&
        !mock) /* no type, or a template of another account */
        fail_msg("%.*s refused: %s", (int)type.n, type.p, buf_cstr(&got.call.answer));
}

TEST(the_shared_sends)
{
    const char *path = case_file("sends/sends.jsonl");
    if (path == NULL)
        skip_loudly("the shared case sets are not there");
    ear.server = NULL;
    struct sandbox_options o = quick();
    up_with(&o);
    struct json_parser *p = json_parser_create();
    size_t accepted = 0;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while ((n = getline(&line, &cap, f)) > 0) {
        struct json row;
        if (json_parse(p, (struct str){line, (size_t)n}, false, &row, NULL) == 0)
            post_case(row, &accepted);
    }
    fclose(f);
    free(line);
    json_parser_free(p);
    assert_true(accepted >= 50);
    down();
}

TESTS(T(accepts_every_coat), T(read_receipts_are_no_messages), T(refuses_in_metas_words), T(tokens),
      T(account_and_number), T(a_batch_is_judged_by_parts), T(blocking), T(the_ledger_keeps_the_bytes),
      T(the_ledger_is_bounded_and_paged), T(limits_when_switched_on),
      T(limits_are_set_by_a_call_and_count_what_comes_in), T(the_ledger_can_be_read_as_lines), T(many_at_once),
      T(the_shared_sends))

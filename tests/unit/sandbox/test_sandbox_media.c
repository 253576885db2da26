/* SPDX-License-Identifier: Apache-2.0
 * test_sandbox_media.c - files up and down: the same bytes, the right hash, and limits that hold.
 *
 * Small files are kept in memory and large ones in a temporary file, so both are tested, with a boundary-like text
 * inside the large one. */
#include "rig.h"

#define BOUNDARY "----WebKitFormBoundary7MA4YWxkTrZu0gW"

static struct buf multipart(const char *fields, const char *type, struct str content)
{
    struct buf b;
    buf_init(&b, 64u << 20);
    buf_puts(&b, fields);
    buf_printf(&b,
               "--" BOUNDARY
               "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b.bin\"\r\nContent-Type: %s\r\n\r\n",
               type);
    buf_putstr(&b, content);
    buf_puts(&b, "\r\n--" BOUNDARY "--\r\n");
    assert_false(b.failed);
    return b;
}

#define FIELD(name, value) "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"

static void upload(const char *path, const char *fields, const char *type, struct str content)
{
    struct buf b = multipart(fields, type, content);
    ask_typed("POST", path, "multipart/form-data; boundary=" BOUNDARY, buf_str(&b), NULL);
    buf_done(&b);
}

static char *filled(size_t n)
{
    char *p = malloc(n);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 31 + i / 251);
    if (n > 1000)
        memcpy(p + 500, "\r\n--" BOUNDARY "x", strlen(BOUNDARY) + 5 - 0);
    return p;
}

static void round_trip(const char *path, const char *fields, const char *type, const char *want_type, size_t n)
{
    char *content = malloc(n + 1), id[32], url[600], name[64], hex[SHA256_HEX];
    uint8_t sum[SHA256_BYTES];
    for (size_t i = 0; i < n; i++)
        content[i] = (char)(i * 31 + i / 251);
    upload(path, fields, type, (struct str){content, n});
    expect(200);
    snprintf(id, sizeof id, "%.*s", (int)str_at("id").n, str_at("id").p);
    snprintf(name, sizeof name, "/v23.0/%s", id);
    get(name);
    expect(200);
    sha256(content, n, sum);
    hex_encode(sum, sizeof sum, hex);
    assert_str(str_at("sha256"), hex);
    assert_str(str_at("mime_type"), want_type);
    assert_str(str_at("messaging_product"), "whatsapp");
    assert_int_equal(int_at("file_size"), n);
    assert_true(str_starts(str_at("url"), str_of(base)));
    snprintf(url, sizeof url, "%.*s", (int)str_at("url").n, str_at("url").p);
    fetch("GET", url, NULL, 0, STR("")); /* needs the token */
    expect_error(400, 2500);
    ask("GET", url, NULL);
    expect(200);
    assert_int_equal(got.call.answer.len, n);
    assert_memory_equal(buf_cstr(&got.call.answer), content, n);
    assert_str(http_call_header(&got.call, "Content-Type"), want_type);
    url[strlen(url) - 1] ^= 1; /* a forged address */
    ask("GET", url, NULL);
    expect(404);
    ask("DELETE", name, NULL);
    expect(200);
    get(name);
    expect_error(400, 100);
    free(content);
}

TEST(the_same_bytes_come_back)
{
    const char *product = FIELD("messaging_product", "whatsapp");
    up();
    round_trip("/v23.0/111/media", product, "image/png", "image/png", 1000);
    round_trip("/111/media?messaging_product=whatsapp", "", "image/jpeg", "image/jpeg", 1);
    round_trip("/v23.0/111/media", FIELD("messaging_product", "whatsapp") FIELD("type", "image/png"),
               "application/octet-stream", "image/png", 70000);
    round_trip("/v23.0/111/media", FIELD("messaging_product", "whatsapp") FIELD("typeFile", "video/mp4"), "video/mp4",
               "video/mp4", 3u << 20);
    down();
}

TEST(a_boundary_inside_does_not_end_the_file)
{
    size_t n = 200000;
    char *content = filled(n);
    up();
    memcpy(content + 500, "\r\n----WebKitFormBoundary7MA4YWxkTrZu0g", 39);
    upload("/v23.0/111/media", FIELD("messaging_product", "whatsapp"), "application/pdf", (struct str){content, n});
    expect(200);
    char path[64];
    snprintf(path, sizeof path, "/v23.0/%.*s", (int)str_at("id").n, str_at("id").p);
    get(path);
    assert_int_equal(int_at("file_size"), n);
    free(content);
    down();
}

TEST(uploads_refused)
{
    ear.server = NULL;
    struct sandbox_options o = quick();
    o.media_limit = 8u << 20;
    up_with(&o);
    char *content = filled(10u << 20);
    struct str small = {content, 100};
    upload("/v23.0/111/media", "", "image/png", small);
    expect_error(400, 100); /* no messaging_product */
    upload("/v23.0/111/media", FIELD("messaging_product", "whatsapp"), "application/x-msdownload", small);
    expect_error(400, 100);
    memset(content, 'x', 10u << 20);
    upload("/v23.0/111/media", FIELD("messaging_product", "whatsapp"), "image/png", (struct str){content, 6u << 20});
    expect_error(400, 131053);
    ask_typed("POST", "/v23.0/111/media", "application/json", STR("{\"messaging_product\":\"whatsapp\"}"), NULL);
    expect_error(400, 100);
    ask_typed("POST", "/v23.0/111/media", "multipart/form-data; boundary=" BOUNDARY, STR("rubbish"), NULL);
    expect_error(400, 100);
    upload("/v23.0/111/media", FIELD("messaging_product", "whatsapp"), "application/pdf",
           (struct str){content, 10u << 20});
    if (got.fate == HTTP_ANSWERED) /* the server may also close while we still send */
        assert_int_equal(got.status, 413);
    get("/_sandbox/stats");
    assert_int_equal(int_at("media"), 0);
    free(content);
    down();
}

TEST(the_oldest_file_makes_room)
{
    ear.server = NULL;
    struct sandbox_options o = quick();
    o.media_total = 250000;
    up_with(&o);
    char *content = calloc(1, 100000), first[64];
    for (int i = 0; i < 4; i++) {
        upload("/v23.0/111/media", FIELD("messaging_product", "whatsapp"), "image/png", (struct str){content, 100000});
        expect(200);
        if (i == 0)
            snprintf(first, sizeof first, "/%.*s", (int)str_at("id").n, str_at("id").p);
    }
    get("/_sandbox/stats");
    assert_int_equal(int_at("media"), 2);
    get(first);
    expect_error(400, 100);
    free(content);
    down();
}

TEST(a_send_with_unknown_media_fails_later)
{
    up();
    post("/_sandbox/inbound", "{\"from\":\"15550001111\",\"phone_number_id\":\"111\",\"text\":\"hi\"}");
    post("/v23.0/111/messages",
         "{\"messaging_product\":\"whatsapp\",\"to\":\"15550001111\",\"type\":\"image\",\"image\":{\"id\":\"123\"}}");
    expect(200);
    ear_wait(2);
    assert_int_equal(ear_with("131053"), 1);
    upload("/v23.0/111/media", FIELD("messaging_product", "whatsapp"), "image/png", STR("\x89PNG"));
    expect(200);
    char body[300];
    snprintf(
        body, sizeof body,
        "{\"messaging_product\":\"whatsapp\",\"to\":\"15550001111\",\"type\":\"image\",\"image\":{\"id\":\"%.*s\"}}",
        (int)str_at("id").n, str_at("id").p);
    post("/v23.0/111/messages", body);
    expect(200);
    ear_wait(5);
    assert_int_equal(ear_with("131053"), 1);
    down();
}

TESTS(T(the_same_bytes_come_back), T(a_boundary_inside_does_not_end_the_file), T(uploads_refused),
      T(the_oldest_file_makes_room), T(a_send_with_unknown_media_fails_later))

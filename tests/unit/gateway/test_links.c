/* SPDX-License-Identifier: Apache-2.0
 * test_links.c - only the bytes of our links change, and only our own signatures open media.
 *
 * An answer that passes through keeps every other byte; the media route must not become an open proxy. */
#include "t.h"

#include "gateway/links.h"

static const uint8_t key[32] = "0123456789abcdef0123456789abcde";
static const struct link_rewrite to_ours = {.upstream = {"https://graph.facebook.com", 26},
                                            .ours = {"http://gw:8080", 14},
                                            .link_key = key};

static bool rewrite(struct str text, struct buf *out)
{
    struct json_parser *parser = json_parser_create();
    struct json root;
    assert_int_equal(json_parse(parser, text, false, &root, NULL), 0);
    bool changed = links_rewrite(&to_ours, root, text, out);
    json_parser_free(parser);
    return changed;
}

static void check(const char *text, const char *want)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    bool changed = rewrite(str_of(text), &out);
    assert_str(buf_str(&out), want);
    assert_int_equal(changed, strcmp(text, want) != 0);
    buf_done(&out);
}

TEST(paging_comes_back_to_us)
{
    check("{\"data\":[],\"paging\":{\"next\":\"https://graph.facebook.com/v14.0/2000/"
          "message_templates?after=A\\u0026limit=2\"}}",
          "{\"data\":[],\"paging\":{\"next\":\"http://gw:8080/v14.0/2000/message_templates?after=A&limit=2\"}}");
    check("{ \"paging\" : { \"previous\" :\n \"https:\\/\\/graph.facebook.com\\/v1.0\\/x\" , \"z\": 1.50 } }",
          "{ \"paging\" : { \"previous\" :\n \"http://gw:8080/v1.0/x\" , \"z\": 1.50 } }");
}

TEST(everything_else_keeps_its_bytes)
{
    check("{\"next\":\"https://graph.facebook.com.evil.example/x\"}",
          "{\"next\":\"https://graph.facebook.com.evil.example/x\"}");
    check("{\"url\":\"https://shop.example/a.jpg\",\"n\":1e5}", "{\"url\":\"https://shop.example/a.jpg\",\"n\":1e5}");
    check("{\"text\":\"url\",\"list\":[\"next\",\"https://graph.facebook.com/x\"]}",
          "{\"text\":\"url\",\"list\":[\"next\",\"https://graph.facebook.com/x\"]}");
    check("{\"next\":\"\\\"https://graph.facebook.com/x\"}", "{\"next\":\"\\\"https://graph.facebook.com/x\"}");
    check("\"next\"", "\"next\"");
    check("{\"next\":null,\"url\":7}", "{\"next\":null,\"url\":7}");
}

TEST(addresses_that_are_content_are_left_alone)
{
    /* A button of a template, a page behind paging-like names, a link in a list. */
    check("{\"data\":[{\"type\":\"URL\",\"url\":\"https://www.facebook.com/ourshop\"}]}",
          "{\"data\":[{\"type\":\"URL\",\"url\":\"https://www.facebook.com/ourshop\"}]}");
    check("{\"url\":\"https://graph.facebook.com/v1/111/messages?to=1\"}",
          "{\"url\":\"https://graph.facebook.com/v1/111/messages?to=1\"}");
    check("{\"next\":\"https://graph.facebook.com/v1/x\"}", "{\"next\":\"https://graph.facebook.com/v1/x\"}");
    check("{\"mime_type\":\"a/b\",\"file_size\":1,\"more\":{\"url\":\"https://x.fbsbx.com/1\"},\"url\":\"https://"
          "other.example/\"}",
          "{\"mime_type\":\"a/b\",\"file_size\":1,\"more\":{\"url\":\"https://x.fbsbx.com/1\"},\"url\":\"https://"
          "other.example/\"}");
}

TEST(media_opens_only_with_our_signature)
{
    struct buf out, url;
    buf_init(&out, 1 << 16);
    assert_true(rewrite(STR("{\"url\":\"https:\\/\\/lookaside.fbsbx.com\\/whatsapp?mid=1\",\"mime_type\":\"image/"
                            "png\",\"sha256\":\"x\"}"),
                        &out));
    const char *token = strstr(buf_cstr(&out), MEDIA_LINK_PREFIX) + strlen(MEDIA_LINK_PREFIX);
    struct str t = {token, strcspn(token, "\"")};
    assert_true(links_open(key, t, &url));
    assert_str(buf_str(&url), "https://lookaside.fbsbx.com/whatsapp?mid=1");
    buf_done(&url);
    char forged[512];
    snprintf(forged, sizeof forged, "%.*s", (int)t.n, t.p);
    forged[0] = forged[0] == 'a' ? 'b' : 'a';
    assert_false(links_open(key, str_of(forged), &url));
    assert_false(links_open(key, STR(""), &url));
    assert_false(links_open(key, STR("."), &url));
    assert_false(links_open((const uint8_t *)"another key of thirty-two bytes!", t, &url));
    buf_done(&out);
}

TEST(media_hosts_are_metas)
{
    static const struct {
        const char *url;
        bool ok;
    } rows[] = {
        {"https://lookaside.fbsbx.com/x", true},
        {"https://scontent.xx.fbcdn.net/x", true},
        {"https://mmg.whatsapp.net/x", true},
        {"http://lookaside.fbsbx.com/x", false},
        {"https://graph.facebook.com/x", true},
        {"http://graph.facebook.com/x", false},
        {"https://evilfbsbx.com/x", false},
        {"https://x@lookaside.fbsbx.com/x", false},
        {"https://127.0.0.1/x", false},
        {"https://lookaside.fbsbx.com.evil.example/x", false},
        {"https://evil.example?.fbsbx.com/", false},
        {"https://evil.example#.fbsbx.com/", false},
        {"file:///etc/passwd", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (links_media_host(str_of(rows[i].url), to_ours.upstream) != rows[i].ok)
            fail_msg("%s", rows[i].url);
}

TESTS(T(paging_comes_back_to_us), T(everything_else_keeps_its_bytes), T(addresses_that_are_content_are_left_alone),
      T(media_opens_only_with_our_signature), T(media_hosts_are_metas))

/* SPDX-License-Identifier: Apache-2.0
 * ruleset_text.c - the texts of a rule file: sentences, ids, areas, words of a list, citations.
 *
 * What people are shown is one line of visible characters: line breaks and control characters, also those Unicode adds,
 * are refused, so that a text reads back from the canonical form exactly as it was. Ids are lower-case ASCII. Everything
 * accepted is copied into the book's arena; every refusal names file, line and key. */
#include "core/ruleset_build.h"

#include "core/country.h"

#define CITE_TITLE_MAX 100
#define CITE_URL_MAX   150

int text_no_memory(struct err *e)
{
    return err_set(e, WL_ENOMEM, "the rules do not fit in their memory");
}

const char *text_copy(struct builder *b, struct str s)
{
    return arena_strndup(b->rs->arena, s.p ? s.p : "", s.n);
}

/* C0 and C1 controls, U+2028 and U+2029 (line breaks to YAML), U+FEFF, U+FFFE, U+FFFF (not allowed bare in YAML). */
static bool invisible(const unsigned char *p, size_t left)
{
    static const char three[][4] = {"\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf", "\xef\xbf\xbe", "\xef\xbf\xbf"};
    if (p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && left > 1 && p[1] < 0xa0))
        return true;
    for (size_t i = 0; i < sizeof three / sizeof three[0]; i++)
        if (left >= 3 && memcmp(p, three[i], 3) == 0)
            return true;
    return false;
}

int text_line(struct builder *b, const struct yaml *n, size_t max, const char **ret, struct err *e)
{
    struct str s;
    int rc = yaml_str(n, &s, e);
    if (rc != 0)
        return rc;
    s = str_trim(s);
    if (s.n == 0 || s.n > max)
        return yaml_error(n, e, "must be 1 to %zu bytes long, has %zu", max, s.n);
    for (size_t i = 0; i < s.n; i++)
        if (invisible((const unsigned char *)s.p + i, s.n - i))
            return yaml_error(n, e, "must be one line without control characters");
    const char *text = text_copy(b, s);
    if (text == NULL)
        return text_no_memory(e);
    *ret = text;
    return 0;
}

int text_id(struct builder *b, const struct yaml *n, const char **ret, struct err *e)
{
    const char *id = NULL;
    int rc = text_line(b, n, ID_MAX, &id, e);
    if (rc != 0)
        return rc;
    if (id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789._-")] != '\0' || id[0] < 'a' || id[0] > 'z')
        return yaml_error(n, e, "an id is lower-case letters, digits, '.', '_' and '-', beginning with a letter");
    *ret = id;
    return 0;
}

/* "CO", "US-TX", and "EU", which ISO reserves for the European Union */
int text_area(struct builder *b, const struct yaml *n, struct str text, const char **ret, struct err *e)
{
    static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const char *area = text_copy(b, text);
    if (area == NULL)
        return text_no_memory(e);
    size_t left = text.n > 3 ? text.n - 3 : 0;
    bool ok = text.n >= 2 && text.n <= 6 && strspn(area, upper) == 2;
    if (!ok || (text.n > 2 && (area[2] != '-' || left == 0 || strspn(area + 3, more) != left)))
        return yaml_error(n, e, "must be an ISO country or region, such as CO or US-TX");
    struct err why = {0};
    if (!b->proven && !str_eq(text, STR("EU")) && country_check(text, PLACE_EITHER, &why) != 0)
        return yaml_error(n, e, "%s", why.text);
    *ret = area;
    return 0;
}

int text_word(const struct yaml *n, const char *const *words, uint8_t *ret, struct err *e)
{
    struct str s;
    int rc = yaml_str(n, &s, e);
    if (rc != 0)
        return rc;
    for (uint8_t i = 0; words[i] != NULL; i++) {
        if (str_eq(s, str_of(words[i]))) {
            *ret = i;
            return 0;
        }
    }
    const char *near = nearest_word(s, words);
    int shown = (int)(s.n > 60 ? 60 : s.n);
    struct buf list;
    buf_init(&list, 512);
    for (size_t i = 0; words[i] != NULL; i++)
        buf_printf(&list, "%s%s", i == 0 ? "" : words[i + 1] != NULL ? ", " : " or ", words[i]);
    if (near != NULL)
        rc = yaml_error(n, e, "cannot be %.*s: did you mean %s?", shown, s.p, near);
    else
        rc = yaml_error(n, e, "cannot be %.*s; it is %s", shown, s.p, buf_cstr(&list));
    buf_done(&list);
    return rc;
}

static int read_citation(struct builder *b, const struct yaml *n, struct cite *ret, struct err *e)
{
    static const char *const keys[] = {"title", "url", "read", "source", NULL};
    static const struct {
        const char *key;
        size_t max;
    } parts[] = {{"title", CITE_TITLE_MAX}, {"url", CITE_URL_MAX}, {"read", 10}, {"source", TITLE_MAX}};
    const char *text[4] = {NULL};
    int64_t day;
    int rc = yaml_known_keys(n, keys, "citation", e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < 4; i++) {
        const struct yaml *part = yaml_get(n, parts[i].key);
        if (part == NULL && i == 3)
            break;
        if (part == NULL)
            return yaml_error(n, e, "a citation needs `%s`", parts[i].key);
        if ((rc = text_line(b, part, parts[i].max, &text[i], e)) != 0)
            return rc;
    }
    if (strncmp(text[1], "https://", 8) != 0 || strpbrk(text[1], " <>\"") != NULL)
        return yaml_error(yaml_get(n, "url"), e, "must be an https address");
    if ((rc = yaml_date(yaml_get(n, "read"), &day, e)) != 0)
        return rc;
    *ret = (struct cite){{text[0], text[1], text[2]}, text[3]};
    return 0;
}

int text_citations(struct builder *b, const struct yaml *n, const struct cite **ret, size_t *ret_n, struct err *e)
{
    int rc = 0;
    size_t i = 0;
    if (n->kind != YAML_SEQUENCE || n->child == NULL)
        return yaml_error(n, e, "must be a list of at least one citation");
    struct cite *list = arena_new_array(b->rs->arena, struct cite, (size_t)n->children);
    if (list == NULL)
        return text_no_memory(e);
    for (const struct yaml *c = n->child; c != NULL && rc == 0; c = c->next)
        rc = read_citation(b, c, &list[i++], e);
    if (rc == 0) {
        *ret = list;
        *ret_n = i;
    }
    return rc;
}

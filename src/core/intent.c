/* SPDX-License-Identifier: Apache-2.0
 * intent.c - from the JSON a client posts to /messages to what it asks for.
 *
 * Reads only what a decision depends on. A member that is null counts as absent, as clients that serialise empty
 * fields expect. Whatever could make this reading differ from Meta's is refused instead of guessed: duplicate
 * keys, and wrong types of the fields read. A read receipt is never judged by rules, so a body is one only
 * when it holds no message at all; a send that also carries status "read" is judged as a send. */
#include "core/intent.h"

#include <string.h>

/* category */

static const struct category_word {
    const char *word;
    enum category category;
} category_words[] = {
    {"service", CATEGORY_SERVICE},
    {"marketing", CATEGORY_MARKETING},
    {"utility", CATEGORY_UTILITY},
    {"authentication", CATEGORY_AUTHENTICATION},
    {"calls", CATEGORY_CALLS},
    /* other names of the same, old or in prices */
    {"transactional", CATEGORY_UTILITY},
    {"otp", CATEGORY_AUTHENTICATION},
    {"marketing_lite", CATEGORY_MARKETING},
    {"authentication-international", CATEGORY_AUTHENTICATION},
    {"authentication_international", CATEGORY_AUTHENTICATION},
};

const char *category_name(enum category c)
{
    for (size_t i = 0; i < sizeof category_words / sizeof category_words[0]; i++)
        if (category_words[i].category == c)
            return category_words[i].word;
    return "unknown";
}

enum category category_parse(struct str s)
{
    for (size_t i = 0; i < sizeof category_words / sizeof category_words[0]; i++)
        if (str_ieq(s, str_of(category_words[i].word)))
            return category_words[i].category;
    return CATEGORY_UNKNOWN;
}

/* reading members */

/* The member, absent also when null. */
static struct json member(struct json object, const char *key)
{
    struct json v = json_get(object, key);
    return json_type(v) == JSON_NULL ? (struct json){0} : v;
}

/* An optional string: 0 and *ret (untouched when absent), or WL_EINVAL naming the field. */
static int string_member(struct json object, const char *key, const char *name, struct str *ret, struct err *e)
{
    struct json v = member(object, key);
    if (json_type(v) == JSON_ABSENT || json_str(v, ret))
        return 0;
    return err_set(e, WL_EINVAL, "%s must be a string", name);
}

static int copy(struct arena *a, struct str s, struct str *ret, struct err *e)
{
    char *p = arena_strndup(a, s.p ? s.p : "", s.n);
    if (p == NULL)
        return err_set(e, WL_ENOMEM, "the request does not fit its memory");
    *ret = (struct str){p, s.n};
    return 0;
}

/* Lower-case copy of at most max - 1 bytes. */
static void put_lower(char *out, size_t max, size_t at, struct str s)
{
    for (size_t i = 0; i < s.n && at < max - 1; i++, at++)
        out[at] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] - 'A' + 'a') : s.p[i];
    out[at] = '\0';
}

static int no_duplicates(struct json object, const char *where, struct err *e)
{
    struct str key = json_duplicate_key(object);
    if (key.p == NULL)
        return 0;
    return err_set(e, WL_EINVAL, "%s has the key \"%.*s\" twice", where, key.n > 60 ? 60 : (int)key.n, key.p);
}

/* recipient */

/* `to` as text: a string, or a whole number as some clients send it. */
static int to_member(struct json body, struct arena *a, struct str *ret, struct err *e)
{
    struct json v = member(body, "to");
    int64_t n;
    if (json_i64(v, &n)) {
        char *p = arena_printf(a, "%lld", (long long)n);
        if (p == NULL)
            return err_set(e, WL_ENOMEM, "the request does not fit its memory");
        *ret = str_of(p);
        return 0;
    }
    struct str s = {NULL, 0};
    int rc = string_member(body, "to", "to", &s, e);
    return rc != 0 || s.p == NULL ? rc : copy(a, s, ret, e);
}

/* The number without anything but ASCII: what a server that keeps only 0-9 would dial. */
static bool same_in_ascii(struct str text, const struct identity *id)
{
    char ascii[IDENTITY_MAX];
    struct identity other;
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < sizeof ascii; i++)
        if ((unsigned char)text.p[i] < 0x80)
            ascii[n++] = text.p[i];
    return identity_phone((struct str){ascii, n}, &other, NULL) == 0 && strcmp(other.value, id->value) == 0;
}

static void read_phone(struct intent *it)
{
    struct identity id;
    if (identity_user_id(it->to_text, &id, NULL) == 0)
        err_set(&it->to_problem, WL_EINVAL, "to holds a business-scoped user id; a user id goes into recipient");
    else if (identity_phone(it->to_text, &id, &it->to_problem) != 0)
        err_prefix(&it->to_problem, "to");
    else if (!same_in_ascii(it->to_text, &id))
        err_set(&it->to_problem, WL_EINVAL, "to: write the number with the digits 0 to 9");
    else
        it->to = id;
}

/* A recipient_type other than the two known ones says nothing we could rely on. */
static bool known_recipient_type(struct str kind)
{
    return kind.n == 0 || str_ieq(kind, STR("individual")) || str_ieq(kind, STR("group"));
}

/* What reads as a number or a user id names a person, whatever recipient_type says: a group has other rules. */
static void read_group(struct intent *it)
{
    struct identity person;
    if (identity_phone(it->to_text, &person, NULL) == 0 || identity_user_id(it->to_text, &person, NULL) == 0)
        err_set(&it->to_problem, WL_EINVAL, "to names a person, but recipient_type says group");
    else if (identity_group(it->to_text, &it->to, &it->to_problem) != 0)
        err_prefix(&it->to_problem, "to");
}

static int read_recipient(struct json body, struct arena *a, struct intent *it, struct err *e)
{
    struct str kind = {NULL, 0}, text = {NULL, 0};
    int rc = string_member(body, "recipient_type", "recipient_type", &kind, e);
    if (rc == 0)
        rc = to_member(body, a, &it->to_text, e);
    if (rc != 0)
        return rc;
    bool group = str_ieq(kind, STR("group"));
    if (!known_recipient_type(kind)) {
        err_set(&it->to_problem, WL_EINVAL, "recipient_type must be individual or group");
        return 0;
    }
    if (it->to_text.n > 0) {
        if (group)
            read_group(it);
        else
            read_phone(it);
        return 0;
    }
    rc = string_member(body, "recipient", "recipient", &text, e);
    if (rc != 0)
        return rc;
    if (text.n == 0) {
        err_set(&it->to_problem, WL_EINVAL, "there is neither to nor recipient");
        return 0;
    }
    if (identity_user_id(text, &it->to, &it->to_problem) != 0)
        err_prefix(&it->to_problem, "recipient");
    else if (group) {
        memset(&it->to, 0, sizeof it->to);
        err_set(&it->to_problem, WL_EINVAL, "a group is named by to, not by recipient");
    }
    return copy(a, text, &it->to_text, e);
}

/* kinds */

/* Members that make a body a message of that type, beyond the one named by `type` itself. */
static const char *const contents[] = {"text",    "template", "image",    "video",       "audio",    "document",
                                       "sticker", "location", "contacts", "interactive", "reaction", "pin"};

static bool holds_message(struct json body, struct str type)
{
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++)
        if (json_type(member(body, contents[i])) != JSON_ABSENT)
            return true;
    char key[INTENT_TYPE_MAX];
    if (type.n == 0 || type.n >= sizeof key)
        return type.n > 0;
    memcpy(key, type.p, type.n);
    key[type.n] = '\0';
    return json_type(member(body, key)) != JSON_ABSENT;
}

static bool is_receipt(struct json body, struct str type)
{
    struct str status = json_str_or(member(body, "status"), (struct str){NULL, 0});
    bool asks = str_ieq(str_trim(status), STR("read")) || json_type(member(body, "typing_indicator")) == JSON_OBJECT;
    return asks && json_type(member(body, "message_id")) == JSON_STRING && !holds_message(body, type);
}

static int read_language(struct json template, struct intent *it, struct err *e)
{
    struct json v = member(template, "language");
    struct str code = {NULL, 0};
    if (json_type(v) == JSON_OBJECT) {
        int rc = no_duplicates(v, "template.language", e);
        if (rc == 0)
            rc = string_member(v, "code", "template.language.code", &code, e);
        if (rc != 0)
            return rc;
    } else if (json_type(v) != JSON_ABSENT && !json_str(v, &code)) {
        return err_set(e, WL_EINVAL, "template.language must be an object with a code, or a string");
    }
    /* Cut when too long: the longest language code Meta knows has 6 bytes, so the rest names nothing either. */
    for (size_t i = 0; i < code.n && i < sizeof it->language - 1; i++)
        it->language[i] = code.p[i] == '-' ? '_' : code.p[i];
    return 0;
}

static int read_template(struct json body, struct arena *a, struct intent *it, struct err *e)
{
    struct json t = member(body, "template");
    struct str name = {NULL, 0};
    if (json_type(t) != JSON_OBJECT)
        return err_set(e, WL_EINVAL, "template %s", json_type(t) == JSON_ABSENT ? "is missing" : "must be an object");
    int rc = no_duplicates(t, "template", e);
    if (rc == 0)
        rc = string_member(t, "name", "template.name", &name, e);
    if (rc == 0 && name.n == 0)
        rc = err_set(e, WL_EINVAL, "template.name is missing");
    if (rc == 0 && name.n >= TEMPLATE_NAME_MAX)
        rc = err_set(e, WL_EINVAL, "template.name has more than %d characters", TEMPLATE_NAME_MAX - 1);
    if (rc == 0)
        rc = read_language(t, it, e);
    if (rc == 0)
        rc = copy(a, name, &it->template_name, e);
    it->components = member(t, "components");
    return rc;
}

/* Free-form or Direct Send, which differ by the category alone. */
static int read_freeform(struct json body, struct str type, struct intent *it, struct err *e)
{
    struct str category = {NULL, 0};
    int rc = string_member(body, "category", "category", &category, e);
    if (rc != 0)
        return rc;
    it->kind = category.p != NULL ? INTENT_DIRECT : INTENT_FREEFORM;
    it->category = category.p != NULL ? category_parse(str_trim(category)) : CATEGORY_SERVICE;
    put_lower(it->type, sizeof it->type, 0, type);
    if (strcmp(it->type, "interactive") == 0) {
        struct str kind = json_str_or(json_at(body, "interactive", "type"), (struct str){NULL, 0});
        if (kind.n > 0) {
            it->type[strlen("interactive")] = ':';
            put_lower(it->type, sizeof it->type, strlen("interactive:"), kind);
        }
    }
    return 0;
}

/* What a body without `type` is: text is Meta's default; a lone template is judged as what it holds. */
static struct str default_type(struct json body)
{
    if (json_type(member(body, "text")) != JSON_ABSENT)
        return STR("text");
    if (json_type(member(body, "template")) != JSON_ABSENT)
        return STR("template");
    return (struct str){NULL, 0};
}

static int read_kind(struct json body, struct arena *a, struct intent *it, struct err *e)
{
    struct str type = {NULL, 0};
    int rc = string_member(body, "type", "type", &type, e);
    if (rc != 0)
        return rc;
    type = str_trim(type);
    if (type.n >= INTENT_TYPE_MAX)
        return err_set(e, WL_EINVAL, "type has more than %d characters", INTENT_TYPE_MAX - 1);
    if (it->path == PATH_ENCRYPTED) {
        it->kind = INTENT_ENCRYPTED;
        return 0;
    }
    if (is_receipt(body, type)) {
        it->kind = INTENT_RECEIPT;
        return 0;
    }
    if (type.n == 0)
        type = default_type(body);
    if (!str_ieq(type, STR("template")))
        return read_freeform(body, type, it, e);
    it->kind = INTENT_TEMPLATE;
    memcpy(it->type, "template", sizeof "template");
    return read_template(body, a, it, e);
}

int intent_parse(struct json body, enum intent_path path, struct arena *a, struct intent *ret, struct err *e)
{
    if (json_type(body) != JSON_OBJECT)
        return err_set(e, WL_EINVAL, "the body must be a JSON object");
    struct intent it;
    memset(&it, 0, sizeof it);
    it.path = path;
    it.to_text = it.template_name = STR("");
    int rc = no_duplicates(body, "the body", e);
    if (rc == 0)
        rc = read_kind(body, a, &it, e);
    if (rc == 0)
        rc = read_recipient(body, a, &it, e);
    struct str opaque;
    if (rc == 0 && json_str(member(body, "biz_opaque_callback_data"), &opaque))
        rc = copy(a, opaque, &it.opaque, e);
    if (rc == 0)
        *ret = it;
    return rc;
}

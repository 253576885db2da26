/* SPDX-License-Identifier: Apache-2.0
 * identity.c - reading the names a person or group goes by into canonical keys.
 *
 * A user id is a country code, a dot and letters and digits; a parent id has ENT in between. The prefix is
 * stored in upper case, the rest as sent because it may be case-sensitive. A phone number is stored as its
 * digits. Nothing is guessed: text that is neither form is refused, and letters are never dropped to make a
 * number out of an id. */
#include "core/identity.h"

#include <string.h>

#include "core/phone.h"

#define ID_TAIL_MAX 128 /* docs/platform.md §6.9 */
#define GROUP_MAX   128

static bool is_alpha(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_alnum(char c)
{
    return is_alpha(c) || (c >= '0' && c <= '9');
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static void set_phone(uint64_t e164, struct identity *ret)
{
    char reversed[20];
    size_t n = 0;
    for (e164 = phone_canonical(e164); e164 > 0; e164 /= 10)
        reversed[n++] = (char)('0' + e164 % 10);
    memset(ret, 0, sizeof *ret);
    ret->kind = IDENTITY_PHONE;
    for (size_t i = 0; i < n; i++)
        ret->value[i] = reversed[n - 1 - i];
}

int identity_phone(struct str text, struct identity *ret, struct err *e)
{
    uint64_t e164;
    int rc = phone_parse(text, &e164, e);
    if (rc == 0)
        set_phone(e164, ret);
    return rc;
}

int identity_phone_written(const struct phone_data *d, struct str text, struct identity *ret, struct err *e)
{
    uint64_t e164;
    int rc = phone_parse_written(d, text, &e164, e);
    if (rc == 0)
        set_phone(e164, ret);
    return rc;
}

/* "CC." or "CC.ENT." at the front; its length, 0 when it is neither. */
static size_t user_id_prefix(struct str t)
{
    if (t.n < 4 || !is_alpha(t.p[0]) || !is_alpha(t.p[1]) || t.p[2] != '.')
        return 0;
    if (t.n > 7 && str_ieq((struct str){t.p + 3, 4}, STR("ENT.")))
        return 7;
    return 3;
}

int identity_user_id(struct str text, struct identity *ret, struct err *e)
{
    struct str t = str_trim(text);
    size_t head = user_id_prefix(t);
    if (head == 0 || t.n - head > ID_TAIL_MAX)
        return err_set(e, WL_EINVAL, "a user id looks like US.13491208655302741918 or US.ENT.11815799212886844830");
    for (size_t i = head; i < t.n; i++)
        if (!is_alnum(t.p[i]))
            return err_set(e, WL_EINVAL, "a user id has only letters and digits after its country code");
    memset(ret, 0, sizeof *ret);
    ret->kind = head == 7 ? IDENTITY_PARENT_ID : IDENTITY_USER_ID;
    for (size_t i = 0; i < t.n; i++)
        ret->value[i] = i < head ? upper(t.p[i]) : t.p[i];
    return 0;
}

int identity_group(struct str text, struct identity *ret, struct err *e)
{
    if (text.n == 0 || text.n > GROUP_MAX)
        return err_set(e, WL_EINVAL, "a group id has 1 to %d characters", GROUP_MAX);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~')
            return err_set(e, WL_EINVAL, "a group id has printable ASCII characters only, and no spaces");
    memset(ret, 0, sizeof *ret);
    ret->kind = IDENTITY_GROUP;
    memcpy(ret->value, text.p, text.n);
    return 0;
}

int identity_parse(struct str text, struct identity *ret, struct err *e)
{
    if (user_id_prefix(str_trim(text)) > 0)
        return identity_user_id(text, ret, e);
    return identity_phone(text, ret, e);
}

int identity_written(const struct phone_data *d, struct str text, struct identity *ret, struct err *e)
{
    if (user_id_prefix(str_trim(text)) > 0)
        return identity_user_id(text, ret, e);
    return identity_phone_written(d, text, ret, e);
}

const char *identity_kind_name(enum identity_kind k)
{
    static const char *const names[] = {"none", "phone", "user_id", "parent_user_id", "group"};
    return (size_t)k < sizeof names / sizeof names[0] ? names[k] : "none";
}

struct str identity_text(const struct identity *who, char out[IDENTITY_TEXT_MAX])
{
    const char *kind = identity_kind_name(who->kind);
    size_t n = 0, kind_n = strlen(kind), value_n = strlen(who->value);
    if (who->kind != IDENTITY_NONE) {
        memcpy(out, kind, kind_n);
        out[kind_n] = ':';
        memcpy(out + kind_n + 1, who->value, value_n);
        n = kind_n + 1 + value_n;
    }
    out[n] = '\0';
    return (struct str){out, n};
}

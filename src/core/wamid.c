/* SPDX-License-Identifier: Apache-2.0
 * wamid.c - base64 read as far as it goes, and names looked for in the bytes.
 *
 * A name that is found is taken for the person's. A number that is by chance among the bytes of somebody else's id would need
 * eight digits or more between two bytes that are none. */
#include "core/wamid.h"

#include <string.h>

#define BYTES_MAX    512
#define SHORTEST     7 /* digits; shorter ones would be found by chance */
#define PREFIX       "wamid."
#define PREFIX_BYTES (sizeof PREFIX - 1)

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static size_t decode(struct str text, char out[BYTES_MAX])
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < BYTES_MAX; i++) {
        int d = digit(text.p[i]);
        if (d < 0)
            break;
        bits = (bits << 6 | (uint32_t)d) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have & 0xff);
        }
    }
    return n;
}

static bool is_part(char c, bool phone)
{
    bool number = c >= '0' && c <= '9';
    return number || (!phone && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.'));
}

static bool has(const char *bytes, size_t n, const struct identity *name)
{
    size_t length = strlen(name->value);
    bool phone = name->kind == IDENTITY_PHONE;
    if (length < SHORTEST)
        return false;
    for (size_t i = 0; i + length <= n; i++) {
        bool starts = i == 0 || !is_part(bytes[i - 1], phone),
             ends = i + length == n || !is_part(bytes[i + length], phone);
        if (starts && ends && memcmp(bytes + i, name->value, length) == 0)
            return true;
    }
    return false;
}

bool wamid_names(struct str wamid, const struct identity *name, size_t n)
{
    char bytes[BYTES_MAX];
    if (!str_starts(wamid, STR(PREFIX)))
        return false;
    size_t length = decode((struct str){wamid.p + PREFIX_BYTES, wamid.n - PREFIX_BYTES}, bytes);
    for (size_t i = 0; i < n; i++)
        if (has(bytes, length, &name[i]))
            return true;
    return false;
}

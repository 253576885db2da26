/* SPDX-License-Identifier: Apache-2.0
 * webhook_who.c - the names in an element of a webhook body.
 *
 * One walk over the members notes where the values with names stand; then they are read in the order of the keys, and the
 * first of a kind counts. Ids are strings, or phone numbers written as JSON numbers. Text that is no id names nobody. */
#include "core/webhook_who.h"

#include "base/json_walk.h"

#define TEXT_MAX 256 /* as long as a phone number with its separators may be */

const struct who_keys who_of_contact = {.usual = {"wa_id", "user_id"}};
const struct who_keys who_of_message = {.usual = {"from", "from_user_id"}};
const struct who_keys who_of_status = {.usual = {"recipient_id", "recipient_user_id"},
                                       .other = {"recipient_participant_id", "participant_recipient_id",
                                                 "recipient_participant_user_id", "participant_recipient_user_id"},
                                       .when = "recipient_type",
                                       .is = "group"};
const struct who_keys who_of_call = {.usual = {"to", "to_user_id"},
                                     .other = {"from", "from_user_id"},
                                     .when = "direction",
                                     .is = "user_initiated"};
const struct who_keys who_of_preference = {.usual = {"wa_id", "user_id"}};
const struct who_keys who_of_echo = {.usual = {"to", "to_user_id"}};

bool who_word_is(struct str written, const char *word)
{
    for (; *word != '\0'; word++) {
        int c = json_walk_ascii(&written);
        if (c != *word && (c < 'A' || c > 'Z' || (c | 0x20) != *word))
            return false;
    }
    return written.n == 0;
}

/* The text of an id: between quotes, or the digits of a number. */
static void put_id(struct str value, struct who *who)
{
    char text[TEXT_MAX];
    size_t n = 0;
    struct identity id;
    struct json_walk w = {.text = value};
    struct str written;
    if (json_walk_string(&w, &written)) {
        if (!json_walk_text(written, text, sizeof text, &n) || n == 0)
            return;
    } else {
        for (n = 0; n < value.n && n < 19; n++) {
            if (value.p[n] < '0' || value.p[n] > '9')
                return;
            text[n] = value.p[n];
        }
        if (n == 0 || n < value.n)
            return;
    }
    if (identity_parse((struct str){text, n}, &id, NULL) != 0 || id.kind == IDENTITY_PARENT_ID)
        return;
    struct identity *at = &who->id[id.kind == IDENTITY_USER_ID];
    if (at->kind == IDENTITY_NONE)
        *at = id;
}

static void note(const char *const *keys, struct str name, struct str value, struct str *ret)
{
    for (size_t i = 0; i < WHO_KEYS_MAX && keys[i] != NULL; i++)
        if (ret[i].p == NULL && json_walk_is(name, keys[i]))
            ret[i] = value;
}

static bool value_is(struct str value, const char *word)
{
    struct json_walk w = {.text = value};
    struct str written;
    return json_walk_string(&w, &written) && who_word_is(written, word);
}

void who_read(struct str element, const struct who_keys *keys, struct who *ret)
{
    struct json_walk w = json_walk(element);
    struct json_items in;
    struct json_item item;
    struct str usual[WHO_KEYS_MAX] = {{NULL, 0}}, other[WHO_KEYS_MAX] = {{NULL, 0}}, *mine = usual;
    *ret = (struct who){{{.kind = IDENTITY_NONE}}};
    if (!json_walk_open(&w, '{', &in))
        return;
    while (json_walk_next(&w, &in, &item) && json_walk_skip(&w)) {
        struct str value = {element.p + item.value, w.at - item.value};
        note(keys->usual, item.name, value, usual);
        note(keys->other, item.name, value, other);
        if (keys->when != NULL && json_walk_is(item.name, keys->when))
            mine = value_is(value, keys->is) ? other : usual;
    }
    for (size_t i = 0; i < WHO_KEYS_MAX; i++)
        if (mine[i].p != NULL)
            put_id(mine[i], ret);
}

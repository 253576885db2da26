/* SPDX-License-Identifier: Apache-2.0
 * show_activity.c - what a contact did with messages, and what the business says of them.
 *
 * Parts of `wayleave contacts show`, laid out for a person. What is absent is left out. */
#include "cmd/show.h"

#include <stdio.h>

static void delay_line(const char *word, struct json v)
{
    int64_t seconds;
    char text[48];
    if (!json_i64(v, &seconds))
        return;
    snprintf(text, sizeof text, "%lld s", (long long)seconds);
    show_line(2, word, str_of(text));
}

void show_activity(struct json activity)
{
    struct str class = show_text(activity, "class");
    struct buf score;
    char text[96];
    if (class.n == 0)
        return;
    buf_init(&score, 64);
    json_write_value(&score, json_get(activity, "score"));
    snprintf(text, sizeof text, "%.*s, score %s%s", (int)class.n, class.p, buf_cstr(&score),
             show_flag(activity, "stopped") ? " (refused marketing)" : "");
    buf_done(&score);
    show_line(0, "activity", str_of(text));
    show_time_line(2, "sent", json_get(activity, "last_sent"));
    show_time_line(2, "delivered", json_get(activity, "last_delivered"));
    show_time_line(2, "read", json_get(activity, "last_read"));
    show_time_line(2, "replied", json_get(activity, "last_replied"));
    show_time_line(2, "tapped", json_get(activity, "last_clicked"));
    show_time_line(2, "failed", json_get(activity, "last_failed"));
    delay_line("to the phone", json_get(activity, "delay_typical"));
}

void show_said(struct json contact)
{
    char word[72];
    for (struct json_iter it = json_iter(json_get(contact, "attributes")); json_next(&it);) {
        snprintf(word, sizeof word, "%.*s", (int)it.key.n, it.key.p);
        show_line(0, word, show_text(it.value, "value"));
    }
    for (struct json_iter it = json_iter(json_get(contact, "tags")); json_next(&it);)
        show_line(0, "tag", json_str_or(it.value, STR("")));
    for (struct json_iter it = json_iter(json_get(contact, "imports")); json_next(&it);)
        show_line(0, "came with", show_text(it.value, "name"));
}

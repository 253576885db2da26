/* SPDX-License-Identifier: Apache-2.0
 * sandbox_state.c - numbers, pairs, the ledger of accepted messages, ids, and starting again from the seed.
 *
 * The ledger is a ring of pointers indexed by sequence number, so appending, dropping the oldest and paging cost the
 * same at any length; a second index finds messages by wamid. Pairs come into being with the first thing worth
 * remembering about them. It refuses to grow without end: the ledger by its options, pairs at PAIRS_MAX. */
#include "sandbox/sandbox_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

#define PAIRS_MAX 1000000

static struct str message_key(const void *m)
{
    return ((const struct sbx_message *)m)->wamid;
}

static struct str pair_key(const void *p)
{
    return ((const struct sbx_pair *)p)->key;
}

static char *own(struct sandbox *sb, const char *text)
{
    char *copy = arena_strdup(sb->own, text);
    if (copy == NULL)
        abort();
    return copy;
}

static void add_number(struct sandbox *sb, struct sbx_number *n, const struct sandbox_number *from)
{
    n->id = own(sb, from->id);
    n->display = own(sb, from->display);
    n->digits = own(sb, from->display);
    char *out = n->digits;
    for (const char *p = from->display; *p; p++)
        if (*p >= '0' && *p <= '9')
            *out++ = *p;
    *out = '\0';
    n->registered = true;
}

void sbx_set_text(char **field, struct str text)
{
    char *copy = strndup(text.p ? text.p : "", text.n);
    if (copy == NULL)
        abort();
    free(*field);
    *field = copy;
}

void sbx_state_init(struct sandbox *sb)
{
    random_bytes(&sb->seed, sizeof sb->seed);
    sbx_table_init(&sb->pairs, pair_key);
    sbx_table_init(&sb->by_wamid, message_key);
    sb->n_numbers = sb->o.n_numbers;
    sb->numbers = calloc(sb->n_numbers, sizeof *sb->numbers);
    sb->ledger = calloc(sb->o.ledger_messages, sizeof *sb->ledger);
    if (sb->numbers == NULL || sb->ledger == NULL)
        abort();
    for (size_t i = 0; i < sb->n_numbers; i++)
        add_number(sb, &sb->numbers[i], &sb->o.numbers[i]);
    sbx_standing_reset(sb);
    sbx_answers_reset(sb);
    sb->first_seq = sb->next_seq = 1;
}

struct sbx_message *sbx_ledger_at(const struct sandbox *sb, uint64_t seq)
{
    if (seq < sb->first_seq || seq >= sb->next_seq)
        return NULL;
    return sb->ledger[seq % sb->o.ledger_messages];
}

void sbx_message_unref(struct sbx_message *m)
{
    if (m != NULL && --m->refs == 0)
        free(m);
}

static void drop_oldest(struct sandbox *sb)
{
    struct sbx_message *m = sbx_ledger_at(sb, sb->first_seq);
    sb->ledger[sb->first_seq++ % sb->o.ledger_messages] = NULL;
    sb->ledger_bytes -= m->bytes;
    sbx_table_del(&sb->by_wamid, m->wamid);
    sbx_message_unref(m);
}

void sbx_ledger_add(struct sandbox *sb, struct sbx_message *m)
{
    while (sb->first_seq < sb->next_seq && (sb->next_seq - sb->first_seq >= sb->o.ledger_messages ||
                                            sb->ledger_bytes + m->bytes > sb->o.ledger_bytes)) {
        drop_oldest(sb);
        sb->dropped++;
    }
    m->seq = sb->next_seq++;
    sb->ledger[m->seq % sb->o.ledger_messages] = m;
    sb->ledger_bytes += m->bytes;
    sbx_table_put(&sb->by_wamid, m);
}

static void clear_pairs(struct sandbox *sb)
{
    size_t pos = 0;
    struct sbx_pair *p;
    while ((p = sbx_table_next(&sb->pairs, &pos)) != NULL)
        free(p);
    sbx_table_done(&sb->pairs);
}

static void clear_ledger(struct sandbox *sb)
{
    while (sb->first_seq < sb->next_seq)
        drop_oldest(sb);
    sb->first_seq = sb->next_seq = 1;
    sb->dropped = sb->calls = sb->refused = sb->slowed = 0;
}

static void clear_profiles(struct sandbox *sb)
{
    for (size_t i = 0; i < sb->n_numbers; i++) {
        for (int f = 0; f < SBX_PROFILE_FIELDS; f++) {
            free(sb->numbers[i].profile[f]);
            sb->numbers[i].profile[f] = NULL;
        }
        sb->numbers[i].registered = true;
        sb->numbers[i].tat_us = 0;
    }
}

void sbx_state_reset(struct sandbox *sb)
{
    clear_ledger(sb);
    clear_pairs(sb);
    clear_profiles(sb);
    sbx_standing_reset(sb);
    sbx_answers_reset(sb);
}

void sbx_state_done(struct sandbox *sb)
{
    clear_ledger(sb);
    clear_pairs(sb);
    clear_profiles(sb);
    sbx_table_done(&sb->by_wamid);
    free(sb->ledger);
    for (size_t i = 0; i < sb->n_numbers; i++) {
        free(sb->numbers[i].name);
        free(sb->numbers[i].next_name);
        free(sb->numbers[i].username);
    }
    free(sb->numbers);
    for (size_t i = 0; i < sb->n_parsers; i++)
        json_parser_free(sb->parsers[i]);
}

struct sbx_number *sbx_number_find(struct sandbox *sb, struct str id)
{
    for (size_t i = 0; i < sb->n_numbers; i++)
        if (str_eq(str_of(sb->numbers[i].id), id))
            return &sb->numbers[i];
    return NULL;
}

struct sbx_number *sbx_number_by_digits(struct sandbox *sb, struct str display)
{
    for (size_t i = 0; i < sb->n_numbers; i++) {
        const char *want = sb->numbers[i].digits;
        for (size_t p = 0; p < display.n && want != NULL; p++)
            if (display.p[p] >= '0' && display.p[p] <= '9')
                want = *want == display.p[p] ? want + 1 : NULL;
        if (want != NULL && *want == '\0')
            return &sb->numbers[i];
    }
    return NULL;
}

struct sbx_pair *sbx_pair(struct sandbox *sb, struct str number_id, struct str user, bool create)
{
    char key[256];
    int n = snprintf(key, sizeof key, "%.*s|%.*s", (int)number_id.n, number_id.p, (int)user.n, user.p);
    if (n < 0 || (size_t)n >= sizeof key)
        return NULL;
    struct sbx_pair *p = sbx_table_get(&sb->pairs, (struct str){key, (size_t)n});
    if (p != NULL || !create || sb->pairs.n >= PAIRS_MAX)
        return p;
    p = calloc(1, sizeof *p + (size_t)n + 1);
    if (p == NULL)
        abort();
    char *text = (char *)(p + 1);
    memcpy(text, key, (size_t)n);
    p->key = (struct str){text, (size_t)n};
    p->user = (struct str){text + number_id.n + 1, user.n};
    sbx_table_put(&sb->pairs, p);
    return p;
}

uint64_t sbx_random(struct sandbox *sb)
{
    uint64_t in[2] = {sb->seed, atomic_fetch_add(&sb->counter, 1)};
    return hash64(in, sizeof in);
}

char *sbx_new_id(struct sandbox *sb, char *out)
{
    snprintf(out, 24, "%llu", (unsigned long long)(100000000000000ULL + sbx_random(sb) % 9000000000000000ULL));
    return out;
}

void sbx_base64(struct buf *b, const void *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *in = p;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16;
        v |= i + 1 < n ? (uint32_t)in[i + 1] << 8 : 0;
        v |= i + 2 < n ? (uint32_t)in[i + 2] : 0;
        char four[4] = {digits[v >> 18], digits[v >> 12 & 63], i + 1 < n ? digits[v >> 6 & 63] : '=',
                        i + 2 < n ? digits[v & 63] : '='};
        buf_put(b, four, 4);
    }
}

/* The real ones are base64 of a small record that holds the digits and eighteen hex digits. */
char *sbx_new_wamid(struct sandbox *sb, struct str digits, char *out)
{
    uint8_t raw[80];
    size_t n = 0, len = digits.n < 40 ? digits.n : 40;
    raw[n++] = 0x1c;
    raw[n++] = 0x18;
    raw[n++] = (uint8_t)len;
    memcpy(raw + n, digits.p, len);
    n += len;
    memcpy(raw + n, "\x15\x02\x00\x11\x18\x12", 6);
    n += 6;
    char hex[24];
    uint64_t r = sbx_random(sb);
    snprintf(hex, sizeof hex, "%016llX%02X", (unsigned long long)r, (unsigned)(r >> 7 & 0xff));
    memcpy(raw + n, hex, 18);
    n += 18;
    raw[n++] = 0;
    struct buf b;
    buf_init(&b, SBX_WAMID);
    buf_puts(&b, "wamid.");
    sbx_base64(&b, raw, n);
    snprintf(out, SBX_WAMID, "%s", buf_cstr(&b));
    buf_done(&b);
    return out;
}

struct json_parser *sbx_parser_take(struct sandbox *sb)
{
    struct json_parser *p = NULL;
    pthread_mutex_lock(&sb->parser_lock);
    if (sb->n_parsers > 0)
        p = sb->parsers[--sb->n_parsers];
    pthread_mutex_unlock(&sb->parser_lock);
    return p ? p : json_parser_create();
}

void sbx_parser_give(struct sandbox *sb, struct json_parser *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&sb->parser_lock);
    if (sb->n_parsers < sizeof sb->parsers / sizeof *sb->parsers) {
        sb->parsers[sb->n_parsers++] = p;
        p = NULL;
    }
    pthread_mutex_unlock(&sb->parser_lock);
    json_parser_free(p);
}

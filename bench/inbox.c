/* SPDX-License-Identifier: Apache-2.0
 * inbox.c - what a webhook body costs in the inbox: its size, packing and unpacking it, storing and reading it.
 *
 * Makes up bodies with random ids, names and texts: statuses as they come when a message was answered (with pricing alone),
 * statuses with all that one may carry, inbound texts, and POSTs of a hundred statuses. Each is packed and unpacked alone in memory;
 * then they are appended to a database, 100 a commit, read back from the first to the last, and the file is measured. Times
 * are of the processor. Usage: inbox [DIRECTORY [BODIES]] */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/inbox.h"
#include "store/inbox_pack.h"

#define NOW INT64_C(1790000000000)

enum kind { PLAIN, FULL, INBOUND, HUNDRED, KINDS };
static const char *const kind_names[KINDS] = {"status", "status with all", "inbound text", "100 statuses"};

static uint64_t seed = 1;

static void must(int rc, const struct err *e)
{
    if (rc != 0) {
        fprintf(stderr, "inbox: %d: %s\n", rc, e->text);
        exit(1);
    }
}

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static unsigned dice(unsigned sides)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(seed >> 33) % sides;
}

static void some(struct buf *b, const char *of, int n)
{
    for (int i = 0; i < n; i++)
        buf_putc(b, of[dice((unsigned)strlen(of))]);
}

static void digits(struct buf *b, int n)
{
    some(b, "0123456789", n);
}

/* As Meta makes them: the number and some random digits in base 64. */
static void wamid(struct buf *b)
{
    buf_puts(b, "wamid.HBgL");
    some(b, "MTNODU2zjyIQk5", 16);
    buf_puts(b, "FQIAERgS");
    some(b, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 24);
    buf_puts(b, "AA==");
}

static void words(struct buf *b, unsigned n)
{
    static const char *const word[] = {"hello ", "my ",  "order ", "please ", "when ", "is ",  "the ",    "delivery ",
                                       "price ", "of ",  "this ",  "thanks ", "can ",  "I ",   "change ", "size ",
                                       "blue ",  "two ", "no ",    "it ",     "was ",  "not ", "what ",   "ordered "};
    for (; n > 0; n--)
        buf_puts(b, word[dice(24)]);
}

static void status(struct buf *b, bool all)
{
    static const char *const word[] = {"sent", "delivered", "read"};
    buf_puts(b, "{\"id\":\"");
    wamid(b);
    buf_printf(b, "\",\"status\":\"%s\",\"timestamp\":\"17", word[dice(3)]);
    digits(b, 8);
    buf_puts(b, "\",\"recipient_id\":\"55119");
    digits(b, 8);
    buf_puts(b, "\",\"recipient_user_id\":\"BR.");
    digits(b, 20);
    if (all) {
        buf_puts(b, "\",\"biz_opaque_callback_data\":\"wl1.0.");
        some(b, "0123456789abcdefghjkmnpqrstvwxyz", 26);
        buf_puts(b, "\",\"conversation\":{\"id\":\"");
        some(b, "0123456789abcdef", 32);
        buf_puts(b, "\",\"origin\":{\"type\":\"marketing\"}},\"pricing\":");
    } else {
        buf_puts(b, "\",\"pricing\":");
    }
    buf_puts(b, "{\"billable\":true,\"pricing_model\":\"PMP\",\"category\":\"marketing\",\"type\":\"regular\"}}");
}

static void contact(struct buf *b)
{
    buf_puts(b, "\"contacts\":[{\"profile\":{\"name\":\"");
    words(b, 2);
    buf_puts(b, "\"},\"wa_id\":\"55119");
    digits(b, 8);
    buf_puts(b, "\",\"user_id\":\"BR.");
    digits(b, 20);
    buf_puts(b, "\"}],");
}

static void body(struct buf *b, enum kind kind)
{
    buf_clear(b);
    buf_puts(
        b, "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"102290129340398\",\"changes\":[{\"value\":{"
           "\"messaging_product\":\"whatsapp\",\"metadata\":{\"display_phone_number\":\"15550783881\","
           "\"phone_number_id\":\"106540352242922\"},");
    if (kind == FULL || kind == INBOUND)
        contact(b);
    if (kind == INBOUND) {
        buf_puts(b, "\"messages\":[{\"from\":\"55119");
        digits(b, 8);
        buf_puts(b, "\",\"from_user_id\":\"BR.");
        digits(b, 20);
        buf_puts(b, "\",\"id\":\"");
        wamid(b);
        buf_puts(b, "\",\"timestamp\":\"17");
        digits(b, 8);
        buf_puts(b, "\",\"text\":{\"body\":\"");
        words(b, 3 + dice(15));
        buf_puts(b, "\"},\"type\":\"text\"}]");
    } else {
        buf_puts(b, "\"statuses\":[");
        for (int i = 0; i < (kind == HUNDRED ? 100 : 1); i++) {
            buf_puts(b, i > 0 ? "," : "");
            status(b, kind == FULL);
        }
        buf_puts(b, "]");
    }
    buf_puts(b, "},\"field\":\"messages\"}]}]}");
}

/* All bodies of a kind, one after another in `all`. */
static struct inbox_row *make(struct buf *all, enum kind kind, size_t n)
{
    struct inbox_row *rows = calloc(n, sizeof *rows);
    size_t *at = calloc(n + 1, sizeof *at);
    struct buf b;
    if (rows == NULL || at == NULL)
        exit(1);
    buf_init(&b, 1u << 20);
    for (size_t i = 0; i < n; i++) {
        body(&b, kind);
        buf_putstr(all, buf_str(&b));
        at[i + 1] = all->len;
    }
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct inbox_row){.at = NOW, .body = {all->data + at[i], at[i + 1] - at[i]}};
    buf_done(&b);
    free(at);
    return rows;
}

static void in_memory(const struct inbox_row *rows, size_t n, struct arena *a)
{
    struct body_packer *p = NULL;
    struct err e = {0};
    struct buf kept;
    size_t raw = 0, small = 0;
    size_t *end = calloc(n + 1, sizeof *end);
    buf_init(&kept, 1u << 30);
    double begun = cpu_us();
    for (size_t i = 0; i < n; i++) {
        struct str packed;
        enum body_form form;
        must(body_pack(&p, rows[i].body, &packed, &form, &e), &e);
        buf_putstr(&kept, packed);
        end[i + 1] = kept.len;
        raw += rows[i].body.n;
        small += packed.n;
    }
    double packed_at = cpu_us();
    for (size_t i = 0; i < n; i++) {
        struct str back;
        must(body_unpack(&p, BODY_PACKED, (struct str){kept.data + end[i], end[i + 1] - end[i]}, a, &back, &e), &e);
        if (i % 64 == 63)
            arena_reset(a);
    }
    double end_at = cpu_us();
    printf("%8.0f -> %6.0f bytes  pack %6.2f us  unpack %6.2f us", (double)raw / (double)n, (double)small / (double)n,
           (packed_at - begun) / (double)n, (end_at - packed_at) / (double)n);
    body_packer_free(p);
    buf_done(&kept);
    free(end);
}

static void in_a_database(const char *path, struct inbox_row *rows, size_t n, struct arena *a)
{
    struct store *s = NULL;
    struct err e = {0};
    struct stat file;
    int64_t after = 0;
    must(store_open(&s, path, NULL, &e), &e);
    double begun = cpu_us();
    for (size_t i = 0; i < n; i += 100) {
        for (size_t k = i; k < i + 100; k++)
            rows[k].seq = store_id(s, NOW);
        must(store_begin(s, &e), &e);
        must(inbox_append(s, rows + i, 100, &e), &e);
        must(store_commit(s, &e), &e);
    }
    double stored = cpu_us();
    for (;;) {
        struct inbox_row *got;
        size_t n_got;
        arena_reset(a);
        must(inbox_read(s, after, 500, 1u << 20, a, &got, &n_got, &e), &e);
        if (n_got == 0)
            break;
        after = got[n_got - 1].seq;
    }
    double read = cpu_us();
    store_free(s);
    if (stat(path, &file) != 0)
        exit(1);
    printf("  store %6.2f us  read %6.2f us  %6.0f bytes of file a body\n", (stored - begun) / (double)n,
           (read - stored) / (double)n, (double)file.st_size / (double)n);
    unlink(path);
}

int main(int argc, char **argv)
{
    char dir[200], path[240];
    size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) / 100 * 100 : 50000;
    struct arena *a = arena_create(64u << 20);
    snprintf(dir, sizeof dir, "%s/bench_inbox_XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (a == NULL || n == 0 || mkdtemp(dir) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/store.db", dir);
    for (enum kind k = PLAIN; k < KINDS; k++) {
        size_t of_kind = k == HUNDRED ? (n + 9900) / 10000 * 100 : n;
        struct buf all;
        buf_init(&all, 1u << 30);
        struct inbox_row *rows = make(&all, k, of_kind);
        printf("%-16s", kind_names[k]);
        in_memory(rows, of_kind, a);
        in_a_database(path, rows, of_kind, a);
        free(rows);
        buf_done(&all);
    }
    arena_free(a);
    rmdir(dir);
    return 0;
}

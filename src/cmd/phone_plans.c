/* SPDX-License-Identifier: Apache-2.0
 * phone_plans.c - `wayleave phone data` and `wayleave phone compile`: which numbering plans are in use, and making others.
 *
 * What is compiled is opened and checked like any file from elsewhere before it takes the name that was asked for, so that a gateway
 * which looks at that moment sees the old tables or the new ones, whole. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cmd/phone_tables.h"
#include "cmd/show.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "core/phone_compile.h"

const struct option phone_compile_options[] = {
    {.name = "output", .value = "FILE", .help = "the file to write", .letter = 'o'},
    {0},
};

#define ANSWER_MAX (1u << 20)
#define TEXT_MAX   (32u << 20) /* of one .tsv */
#define DAY_MS     86400000LL
#define DAY_TEXT   11

/* ---- data ---- */

static const char *released(const struct phone_data *d, char out[TIME_TEXT])
{
    time_text((int64_t)d->head->released * DAY_MS, out);
    out[DAY_TEXT - 1] = '\0';
    return out;
}

static uint32_t section_bytes(const struct phone_data *d, unsigned id)
{
    const struct phone_section_row *row = (const struct phone_section_row *)(const void *)(d->head + 1);
    for (unsigned i = 0; i < d->head->sections; i++)
        if (row[i].id == id)
            return row[i].count * row[i].size;
    return 0;
}

/* What it takes to read, judge and write numbers: all but the tables of places and the examples. */
static uint32_t plan_bytes(const struct phone_data *d)
{
    uint32_t n = 0;
    for (unsigned id = PHONE_SECTION_NODE; id < PHONE_SECTION_TEXT; id++)
        n += section_bytes(d, id);
    return n;
}

struct plans {
    const struct phone_data *d;
    const char *from;
    int days;
};

static void put_sources(struct json_out *o, const struct phone_data *d)
{
    jo_key(o, "sources");
    jo_array(o);
    for (uint32_t i = 0; i < d->count[PHONE_SECTION_SOURCE]; i++)
        jo_cstr(o, d->text + d->source[i]);
    jo_end(o);
}

static int print_json(const struct plans *p)
{
    char day[TIME_TEXT];
    struct buf b;
    struct json_out o;
    buf_init(&b, ANSWER_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kcstr(&o, "name", phone_data_name(p->d));
    jo_kcstr(&o, "file", p->from);
    jo_kcstr(&o, "released", released(p->d, day));
    jo_kint(&o, "age_days", p->days);
    jo_kbool(&o, "stale", p->days > PHONE_DATA_STALE_DAYS);
    jo_kint(&o, "unicode", p->d->head->unicode);
    jo_kint(&o, "bytes", p->d->head->size);
    jo_kint(&o, "plan_bytes", plan_bytes(p->d));
    jo_kint(&o, "codes", p->d->count[PHONE_SECTION_PLAN] - 1);
    jo_kint(&o, "regions", p->d->count[PHONE_SECTION_REGION] - 1);
    jo_kint(&o, "nodes", p->d->count[PHONE_SECTION_NODE]);
    jo_kbool(&o, "zones", p->d->count[PHONE_SECTION_ZONE_NAME] > 0);
    jo_kbool(&o, "networks", p->d->count[PHONE_SECTION_CARRIER_NAME] > 0);
    put_sources(&o, p->d);
    jo_end(&o);
    int rc = cmd_print_json(&b);
    buf_done(&b);
    return rc;
}

static void line(const char *word, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void line(const char *word, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    show_line(2, word, str_of(text));
}

static void show(const struct plans *p)
{
    const struct phone_data *d = p->d;
    char day[TIME_TEXT];
    term_text(stdout, TONE_BOLD, str_of(phone_data_name(d)));
    putchar('\n');
    line("from", "%s", p->from != NULL ? p->from : "built in");
    line("released", "%s, %d days ago%s", released(d, day), p->days,
         p->days > PHONE_DATA_STALE_DAYS ? ": old, see docs/phone.md" : "");
    line("plans", "%u country codes, %u regions", d->count[PHONE_SECTION_PLAN] - 1, d->count[PHONE_SECTION_REGION] - 1);
    line("places", "%u sets of time zones, %u networks", d->count[PHONE_SECTION_ZONE_NAME],
         d->count[PHONE_SECTION_CARRIER_NAME]);
    line("size", "%u bytes, %u of them to read and write numbers", d->head->size, plan_bytes(d));
    line("unicode", "%u", d->head->unicode);
    for (uint32_t i = 0; i < d->count[PHONE_SECTION_SOURCE]; i++)
        line(i == 0 ? "made of" : "", "%s", d->text + d->source[i]);
}

int phone_plans_run(const struct args *a)
{
    struct phone_tables t;
    int rc = phone_tables_open(a, &t);
    if (rc != CMD_OK)
        return rc;
    struct plans p = {&t.data, t.from, phone_data_age_days(&t.data, clock_now_ms())};
    if (args_has(a, "json"))
        rc = print_json(&p);
    else
        show(&p);
    phone_tables_close(&t);
    return rc;
}

/* ---- compile ---- */

static const char *const file_names[] = {"numbers.tsv", "zones.tsv", "carriers.tsv"};
enum { FILES = sizeof file_names / sizeof file_names[0] };

/* The first must be there. */
static int read_text(const char *folder, const char *name, bool needed, struct buf *ret)
{
    char path[PATH_MAX], bytes[65536];
    size_t n;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return cmd_fail(CMD_FAILED, NULL, "the path of %s is too long", name);
    FILE *f = fopen(path, "re");
    if (f == NULL && errno == ENOENT && !needed)
        return CMD_OK;
    if (f == NULL)
        return cmd_fail(CMD_FAILED, "tools/phone-data of the source tree writes such a folder", "%s cannot be read: %s",
                        path, strerror(errno));
    while ((n = fread(bytes, 1, sizeof bytes, f)) > 0)
        buf_put(ret, bytes, n);
    bool broken = ferror(f) != 0;
    int why = errno;
    fclose(f);
    if (broken)
        return cmd_fail(CMD_FAILED, NULL, "%s cannot be read: %s", path, strerror(why));
    return ret->failed ? cmd_fail(CMD_FAILED, NULL, "%s is larger than %u bytes", path, TEXT_MAX) : CMD_OK;
}

static bool put_all(int fd, struct str s)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        s.p += n;
        s.n -= (size_t)n;
    }
    return true;
}

/* As a whole or not at all: written beside it, then renamed. */
static int write_file(const char *path, struct str bytes)
{
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside)
        return cmd_fail(CMD_FAILED, NULL, "the path %s is too long", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool good = fd >= 0 && put_all(fd, bytes) && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0 && close(fd) != 0 && good) {
        good = false;
        why = errno;
    }
    if (good && rename(beside, path) == 0)
        return CMD_OK;
    why = good ? errno : why;
    if (fd >= 0)
        unlink(beside);
    return cmd_fail(CMD_FAILED, NULL, "%s cannot be written: %s", path, strerror(why));
}

static int compile(const struct buf text[FILES], struct buf *out, struct phone_data *ret, struct err *e)
{
    struct phone_text in[FILES];
    for (size_t i = 0; i < FILES; i++)
        in[i] = (struct phone_text){file_names[i], buf_str(&text[i])};
    int rc = phone_compile(&in[0], text[1].len > 0 ? &in[1] : NULL, text[2].len > 0 ? &in[2] : NULL, out, e);
    return rc == 0 ? phone_data_open(ret, out->data, out->len, e) : rc;
}

static int compile_to(const struct args *a, const struct buf text[FILES], const char *path)
{
    struct phone_data d;
    struct buf out;
    struct err e = {0};
    int rc = CMD_OK;
    buf_init(&out, PHONE_FILE_MAX);
    if (compile(text, &out, &d, &e) != 0)
        rc = cmd_fail(CMD_FAILED, NULL, "%s/%s", a->word[0], e.text);
    else
        rc = write_file(path, buf_str(&out));
    if (rc == CMD_OK && !args_has(a, "quiet"))
        printf("%s: %s, %zu bytes\n", path, phone_data_name(&d), out.len);
    buf_done(&out);
    return rc;
}

int phone_plans_compile_run(const struct args *a)
{
    const char *path = args_get(a, "output");
    struct buf text[FILES];
    int rc = CMD_OK;
    if (path == NULL)
        return cmd_fail(CMD_USAGE, "wayleave help phone compile", "-o says which file to write");
    for (size_t i = 0; i < FILES; i++)
        buf_init(&text[i], TEXT_MAX);
    for (size_t i = 0; i < FILES && rc == CMD_OK; i++)
        rc = read_text(a->word[0], file_names[i], i == 0, &text[i]);
    if (rc == CMD_OK)
        rc = compile_to(a, text, path);
    for (size_t i = 0; i < FILES; i++)
        buf_done(&text[i]);
    return rc;
}

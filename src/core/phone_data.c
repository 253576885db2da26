/* SPDX-License-Identifier: Apache-2.0
 * phone_data.c - opens a file of numbering plans where it lies in memory.
 *
 * First the frame: magic, version, size, digest, a directory whose sections lie inside the file, each known and there once. Then
 * phone_data_check() follows every reference. A file that passes can be read without a further question, whoever wrote it; it may
 * still tell nonsense about numbers, which no check can see. The digest is against accidents, not against people. */
#include "core/phone_data.h"

#include "base/digest.h"
#include "core/phone_data_impl.h"

#define DAY_MS 86400000

static const struct section {
    const char *name;
    uint32_t size;
    uint32_t least, most; /* elements; 0 least: may be missing */
} sections[PHONE_SECTIONS] = {
    [PHONE_SECTION_NODE] = {"nodes", sizeof(struct phone_node), 0, UINT16_MAX},
    [PHONE_SECTION_ROOT] = {"roots", sizeof(uint16_t[PHONE_ROOTS]), 1, UINT16_MAX},
    [PHONE_SECTION_PAYLOAD] = {"payloads", sizeof(struct phone_payload), 1, UINT16_MAX},
    [PHONE_SECTION_CODE] = {"codes", sizeof(uint16_t), PHONE_CODES, PHONE_CODES},
    [PHONE_SECTION_PLAN] = {"plans", sizeof(struct phone_plan), 1, PHONE_CODES},
    [PHONE_SECTION_REGION] = {"regions", sizeof(struct phone_region_row), 1, PHONE_REGIONS},
    [PHONE_SECTION_LENGTH] = {"lengths", sizeof(struct phone_lengths), 1, UINT16_MAX},
    [PHONE_SECTION_PROGRAM] = {"programs", sizeof(struct phone_step), 1, UINT16_MAX},
    [PHONE_SECTION_LAYOUT] = {"layouts", sizeof(struct phone_layout), 1, UINT16_MAX},
    [PHONE_SECTION_TEXT] = {"texts", 1, 1, PHONE_FILE_MAX},
    [PHONE_SECTION_EXAMPLE] = {"examples", sizeof(struct phone_example), 0, UINT16_MAX},
    [PHONE_SECTION_ZONE_NODE] = {"zone nodes", sizeof(struct phone_prefix_node), 0, UINT16_MAX},
    [PHONE_SECTION_ZONE_NAME] = {"zone names", sizeof(uint32_t), 0, UINT16_MAX},
    [PHONE_SECTION_CARRIER_NODE] = {"network nodes", sizeof(struct phone_prefix_node), 0, UINT16_MAX},
    [PHONE_SECTION_CARRIER_NAME] = {"network names", sizeof(uint32_t), 0, UINT16_MAX},
    [PHONE_SECTION_SOURCE] = {"sources", sizeof(uint32_t), 0, UINT16_MAX},
    [PHONE_SECTION_MASK] = {"sets of lengths", sizeof(uint32_t), 1, UINT8_MAX + 1},
};

static bool digest_holds(const uint8_t *p, size_t n)
{
    static const uint8_t none[sizeof((struct phone_file_header *)0)->digest];
    const size_t at = offsetof(struct phone_file_header, digest);
    uint8_t digest[SHA256_BYTES];
    struct sha256_state *s = sha256_begin();
    sha256_add(s, p, at);
    sha256_add(s, none, sizeof none);
    sha256_add(s, p + at + sizeof none, n - at - sizeof none);
    sha256_end(s, digest);
    return memcmp(digest, p + at, sizeof none) == 0;
}

static int frame(const uint8_t *p, size_t n, struct err *e)
{
    const struct phone_file_header *h = (const void *)p;
    if (n < sizeof *h || memcmp(h->magic, PHONE_FILE_MAGIC, sizeof h->magic) != 0)
        return err_set(e, WL_EINVAL, "this is no phone data: it does not begin with " PHONE_FILE_MAGIC);
    if (h->version != PHONE_FILE_VERSION)
        return err_set(e, WL_EINVAL, "phone data of version %u; this program reads version %d", h->version,
                       PHONE_FILE_VERSION);
    if (h->size != n || n > PHONE_FILE_MAX || (uintptr_t)p % 8 != 0)
        return err_set(e, WL_EINVAL, "phone data is %zu bytes long and says %u", n, h->size);
    if (h->sections >= PHONE_SECTIONS || sizeof *h + h->sections * sizeof(struct phone_section_row) > n)
        return err_set(e, WL_EINVAL, "phone data has %u sections", h->sections);
    if (!digest_holds(p, n))
        return err_set(e, WL_EINVAL, "phone data is damaged: its digest does not match");
    return 0;
}

/* Puts every section's place into at[] and its elements into d->count[]. */
static int directory(struct phone_data *d, const uint8_t *p, size_t n, const uint8_t *at[PHONE_SECTIONS], struct err *e)
{
    const struct phone_section_row *row = (const void *)(p + sizeof *d->head);
    for (uint32_t i = 0; i < d->head->sections; i++, row++) {
        if (row->id == 0 || row->id >= PHONE_SECTIONS || at[row->id])
            return err_set(e, WL_EINVAL, "phone data: section %u is unknown or there twice", row->id);
        const struct section *s = &sections[row->id];
        if (row->size != s->size || row->at % 8 != 0 || row->at > n || row->count > (n - row->at) / s->size)
            return err_set(e, WL_EINVAL, "phone data: the %s are not inside the file", s->name);
        at[row->id] = p + row->at;
        d->count[row->id] = row->count;
    }
    for (uint32_t i = 1; i < PHONE_SECTIONS; i++)
        if (d->count[i] < sections[i].least || d->count[i] > sections[i].most)
            return err_set(e, WL_EINVAL, "phone data: %u %s, from %u to %u are possible", d->count[i], sections[i].name,
                           sections[i].least, sections[i].most);
    return 0;
}

static void point(struct phone_data *d, const uint8_t *at[PHONE_SECTIONS])
{
    d->node = (const void *)at[PHONE_SECTION_NODE];
    d->root = (const uint16_t(*)[PHONE_ROOTS])(const void *)at[PHONE_SECTION_ROOT];
    d->payload = (const void *)at[PHONE_SECTION_PAYLOAD];
    d->code = (const void *)at[PHONE_SECTION_CODE];
    d->plan = (const void *)at[PHONE_SECTION_PLAN];
    d->region = (const void *)at[PHONE_SECTION_REGION];
    d->lengths = (const void *)at[PHONE_SECTION_LENGTH];
    d->mask = (const void *)at[PHONE_SECTION_MASK];
    d->program = (const void *)at[PHONE_SECTION_PROGRAM];
    d->layout = (const void *)at[PHONE_SECTION_LAYOUT];
    d->text = (const void *)at[PHONE_SECTION_TEXT];
    d->example = (const void *)at[PHONE_SECTION_EXAMPLE];
    d->zone = (const void *)at[PHONE_SECTION_ZONE_NODE];
    d->zone_name = (const void *)at[PHONE_SECTION_ZONE_NAME];
    d->carrier = (const void *)at[PHONE_SECTION_CARRIER_NODE];
    d->carrier_name = (const void *)at[PHONE_SECTION_CARRIER_NAME];
    d->source = (const void *)at[PHONE_SECTION_SOURCE];
}

/* Digits that a program can ask for after `skip` others; all where it may be done by then. */
static unsigned digits_at(const struct phone_data *d, uint32_t step, unsigned skip)
{
    struct phone_step s = d->program[step];
    switch (s.op) {
    case PHONE_FAIL:
        return 0;
    case PHONE_DIGIT:
        return skip == 0 || s.arg == 0 ? s.arg : digits_at(d, step + 1, skip - 1);
    case PHONE_SPLIT:
        return digits_at(d, step + 1, skip) | digits_at(d, step + s.arg, skip);
    case PHONE_JUMP:
        return digits_at(d, step + s.arg, skip);
    case PHONE_SAVE:
        return digits_at(d, step + 1, skip);
    default:
        return 0x3ff;
    }
}

/* The indexes. Of calling codes that begin one another the shortest is meant, as libphonenumber tries them. */
static void fill_indexes(struct phone_data *d)
{
    for (uint32_t i = 1; i < d->count[PHONE_SECTION_REGION]; i++) {
        const char *id = d->region[i].id;
        for (unsigned k = 0; k < 2 && d->region[i].idd_program; k++)
            d->idd_first[i][k] = (uint16_t)digits_at(d, d->region[i].idd_program, k);
        if (id[0] >= 'A')
            d->by_letters[(id[0] - 'A') * 26 + id[1] - 'A'] = (int16_t)i;
    }
    for (unsigned i = 100; i < 1000; i++) {
        unsigned code[] = {i / 100, i / 10, i};
        for (unsigned digits = 1; digits <= 3 && d->by_digits[i] == 0; digits++)
            if (d->code[code[digits - 1]])
                d->by_digits[i] = (uint16_t)(4 * d->code[code[digits - 1]] + digits);
    }
}

int phone_data_open(struct phone_data *ret, const void *bytes, size_t n, struct err *e)
{
    const uint8_t *at[PHONE_SECTIONS] = {NULL};
    struct phone_data d = {.head = bytes};
    int rc = frame(bytes, n, e);
    if (rc == 0)
        rc = directory(&d, bytes, n, at, e);
    if (rc != 0)
        return rc;
    point(&d, at);
    rc = phone_data_check(&d, e);
    if (rc != 0)
        return rc;
    fill_indexes(&d);
    *ret = d;
    return 0;
}

/* ---- looking things up ---- */

static int letter(char c)
{
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'z' ? c - 'a' : -1;
}

int phone_region(const struct phone_data *d, struct str iso2)
{
    if (iso2.n != 2)
        return 0;
    int a = letter(iso2.p[0]), b = letter(iso2.p[1]);
    return a < 0 || b < 0 ? 0 : d->by_letters[a * 26 + b];
}

const char *phone_region_id(const struct phone_data *d, int region)
{
    return d->region[region].id;
}

int phone_region_of_code(const struct phone_data *d, unsigned code)
{
    return code < PHONE_CODES ? d->plan[d->code[code]].main : 0;
}

const char *phone_data_name(const struct phone_data *d)
{
    return d->text + d->head->name;
}

int phone_data_age_days(const struct phone_data *d, int64_t now)
{
    int64_t days = now / DAY_MS - d->head->released;
    return days > 0 ? (int)(days < INT32_MAX ? days : INT32_MAX) : 0;
}

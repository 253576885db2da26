/* SPDX-License-Identifier: Apache-2.0
 * zone.c - the time zone database in memory: every zone by its name, and those of each country.
 *
 * All compiled files below the folder are read at once (600 files, some hundred KB kept): what is asked later never waits
 * for a disk and never finds a half-replaced database. Zones are found by binary search, offsets by binary search in
 * the zone's table or, after its end, by the rule of its footer. A change is a moment before which the offset was
 * another one; entries that only rename the time are none.
 *
 * Names that could not be a zone's are passed over, among them what lies beside the zones (posix, right, localtime and
 * the lists, all in lower case). A file that is not sound is counted and left out. A country of whose zones one is
 * missing is unknown, because with the others alone we would believe to know where its people are. Bounded: depth,
 * files, bytes of each and of all. */
#include "base/zone.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/zone_impl.h"

#define FOLDER       "/usr/share/zoneinfo"
#define ZONES_MAX    4096
#define PLACES_MAX   2048 /* lines of zone.tab */
#define MEMORY_MAX   (32u << 20)
#define LIST_MAX     (1u << 20)
#define DEPTH_MAX    3 /* America/Argentina/Salta */
#define VERSION_MAX  16
#define NAMED_MAX    8 /* damaged zones whose names are kept */
#define SECOND_MS    1000
#define YEAR_SECONDS 31556952 /* mean Gregorian year */
#define CYCLE_YEARS  400      /* after that a rule repeats */

struct place {
    char country[3];
    const struct zone *zone; /* NULL: the folder does not have it */
};

struct zones {
    struct arena *arena;
    size_t n, n_places, damaged;
    struct zone *zone;   /* by name */
    struct place *place; /* by country, then as listed */
    char version[VERSION_MAX];
    char named[NAMED_MAX][ZONE_NAME_MAX]; /* the first of the damaged */
};

/* ---- reading the folder ---- */

/* WL_ENOTFOUND when there is none, WL_ETOOBIG beyond `max`. */
static int read_file(const char *path, size_t max, struct buf *ret, struct err *e)
{
    char piece[8192];
    size_t n;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return err_set(e, errno == ENOENT ? WL_ENOTFOUND : WL_EIO, "%s: %s", path, strerror(errno));
    buf_init(ret, max);
    while (!ret->failed && (n = fread(piece, 1, sizeof piece, f)) > 0)
        buf_put(ret, piece, n);
    int broken = ferror(f) ? errno : 0;
    fclose(f);
    if (broken == 0 && !ret->failed)
        return 0;
    buf_done(ret);
    return broken ? err_set(e, WL_EIO, "%s: %s", path, strerror(broken))
                  : err_set(e, WL_ETOOBIG, "%s: more than %zu bytes", path, max);
}

/* "America/Port-au-Prince": each part begins with a capital letter and has no dots. */
static bool could_be_zone(const char *part)
{
    if (part[0] < 'A' || part[0] > 'Z')
        return false;
    for (const char *p = part; *p != '\0'; p++)
        if (!((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_' ||
              *p == '-' || *p == '+'))
            return false;
    return true;
}

/* Counts a zone that is not there; one that is found missing a second time (by zone.tab) is counted once if it was named. */
static void note_damaged(struct zones *z, struct str name)
{
    char text[ZONE_NAME_MAX];
    snprintf(text, sizeof text, "%.*s", (int)(name.n < sizeof text ? name.n : sizeof text - 1), name.p);
    for (size_t i = 0; i < z->damaged && i < NAMED_MAX; i++)
        if (strcmp(z->named[i], text) == 0)
            return;
    if (z->damaged < NAMED_MAX)
        memcpy(z->named[z->damaged], text, sizeof text);
    z->damaged++;
}

static int add_zone(struct zones *z, const char *path, const char *name, struct err *e)
{
    struct buf bytes;
    if (z->n == ZONES_MAX)
        return err_set(e, WL_ETOOBIG, "%s: more than %d time zones", path, ZONES_MAX);
    int rc = read_file(path, ZONE_FILE_MAX, &bytes, NULL);
    if (rc == 0) {
        rc = zone_read(buf_str(&bytes), z->arena, &z->zone[z->n], e);
        buf_done(&bytes);
    }
    if (rc == WL_ENOMEM)
        return rc;
    if (rc == 0 && (z->zone[z->n].name = arena_strdup(z->arena, name)) == NULL)
        return err_set(e, WL_ENOMEM, "no memory for the time zones");
    if (rc == 0)
        z->n++;
    else
        note_damaged(z, str_of(name));
    return 0;
}

static int add_folder(struct zones *z, const char *root, const char *below, int depth, struct err *e);

/* A file or a folder; its name below the root. What is neither is no zone. */
static int add_entry(struct zones *z, const char *root, const char *name, int depth, struct err *e)
{
    char path[PATH_MAX];
    struct stat st;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", root, name) >= sizeof path)
        return err_set(e, WL_ETOOBIG, "%s: the path is too long", root);
    if (stat(path, &st) != 0) {
        note_damaged(z, str_of(name));
        return 0;
    }
    if (S_ISREG(st.st_mode))
        return add_zone(z, path, name, e);
    return S_ISDIR(st.st_mode) && depth < DEPTH_MAX ? add_folder(z, root, name, depth + 1, e) : 0;
}

static int add_folder(struct zones *z, const char *root, const char *below, int depth, struct err *e)
{
    char path[PATH_MAX], name[ZONE_NAME_MAX];
    const char *slash = below[0] ? "/" : "";
    int rc = 0;
    if ((size_t)snprintf(path, sizeof path, "%s%s%s", root, slash, below) >= sizeof path)
        return err_set(e, WL_ETOOBIG, "%s: the path is too long", root);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return err_set(e, errno == ENOENT ? WL_ENOTFOUND : WL_EIO, "%s: %s", path, strerror(errno));
    for (struct dirent *entry; rc == 0 && (entry = readdir(folder)) != NULL;)
        if (could_be_zone(entry->d_name) &&
            (size_t)snprintf(name, sizeof name, "%s%s%s", below, slash, entry->d_name) < sizeof name)
            rc = add_entry(z, root, name, depth, e);
    closedir(folder);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct zone *)a)->name, ((const struct zone *)b)->name);
}

/* ---- the lists beside the zones ---- */

static struct str field(struct str line, int at)
{
    struct str rest = line, value = {NULL, 0};
    for (int i = 0; i <= at; i++)
        value = str_cut(rest, '\t', &rest);
    return value;
}

/* One line of zone.tab: country, coordinates, zone. In its place by country. */
static void add_place(struct zones *z, struct str line)
{
    struct str country = field(line, 0), name = field(line, 2);
    if (country.n != 2 || name.n == 0 || z->n_places == PLACES_MAX)
        return;
    const struct zone *zone = zone_find(z, name);
    if (zone == NULL)
        note_damaged(z, name);
    size_t at = z->n_places++;
    for (; at > 0 && memcmp(z->place[at - 1].country, country.p, 2) > 0; at--)
        z->place[at] = z->place[at - 1];
    z->place[at] = (struct place){{country.p[0], country.p[1], '\0'}, zone};
}

static int read_places(struct zones *z, const char *folder, struct err *e)
{
    char path[PATH_MAX];
    struct buf text;
    snprintf(path, sizeof path, "%s/zone.tab", folder);
    int rc = read_file(path, LIST_MAX, &text, e);
    if (rc != 0)
        return rc;
    for (struct str rest = buf_str(&text); rest.p != NULL;) {
        struct str line = str_cut(rest, '\n', &rest);
        if (line.n > 0 && line.p[0] != '#')
            add_place(z, line);
    }
    buf_done(&text);
    return 0;
}

/* The word after "# version " in tzdata.zi, or what +VERSION says. */
static void read_version(struct zones *z, const char *folder)
{
    static const struct {
        const char *file, *before;
    } sources[] = {{"tzdata.zi", "# version "}, {"+VERSION", ""}};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0] && z->version[0] == '\0'; i++) {
        char path[PATH_MAX];
        struct buf text;
        struct str before = str_of(sources[i].before), rest;
        snprintf(path, sizeof path, "%s/%s", folder, sources[i].file);
        if (read_file(path, LIST_MAX, &text, NULL) != 0)
            continue;
        struct str line = str_trim(str_cut(buf_str(&text), '\n', &rest));
        if (str_starts(line, before) && line.n - before.n < VERSION_MAX)
            memcpy(z->version, line.p + before.n, line.n - before.n);
        buf_done(&text);
    }
}

int zones_load(struct zones **ret, const char *folder, struct err *e)
{
    const char *root = folder ? folder : FOLDER;
    struct arena *a = arena_create(MEMORY_MAX);
    struct zones *z = a ? arena_new(a, struct zones) : NULL;
    if (z != NULL) {
        z->arena = a;
        z->zone = arena_new_array(a, struct zone, ZONES_MAX);
        z->place = arena_new_array(a, struct place, PLACES_MAX);
    }
    if (z == NULL || z->zone == NULL || z->place == NULL) {
        arena_free(a);
        return err_set(e, WL_ENOMEM, "no memory for the time zones");
    }
    int rc = add_folder(z, root, "", 1, e);
    if (rc == 0 && z->n == 0)
        rc = err_set(e, WL_ENOTFOUND, "%s: no time zones there", root);
    if (rc == 0) {
        qsort(z->zone, z->n, sizeof *z->zone, by_name);
        rc = read_places(z, root, e);
    }
    if (rc != 0) {
        arena_free(a);
        return rc;
    }
    read_version(z, root);
    *ret = z;
    return 0;
}

void zones_free(struct zones *z)
{
    if (z != NULL)
        arena_free(z->arena);
}

const char *zones_version(const struct zones *z)
{
    return z->version;
}

size_t zones_damaged(const struct zones *z)
{
    return z->damaged;
}

const char *zones_damaged_name(const struct zones *z, size_t i)
{
    return i < z->damaged && i < NAMED_MAX ? z->named[i] : "";
}

/* ---- asking ---- */

const struct zone *zone_find(const struct zones *z, struct str name)
{
    char key[ZONE_NAME_MAX];
    if (name.n == 0 || name.n >= sizeof key || memchr(name.p, '\0', name.n) != NULL)
        return NULL;
    memcpy(key, name.p, name.n);
    key[name.n] = '\0';
    return bsearch(&(struct zone){.name = key}, z->zone, z->n, sizeof *z->zone, by_name);
}

const char *zone_name(const struct zone *zone)
{
    return zone->name;
}

size_t zones_of_country(const struct zones *z, const char *country, const struct zone **ret, size_t max)
{
    size_t low = 0, high = z->n_places, n = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(z->place[middle].country, country) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < z->n_places && n < max && strcmp(z->place[low].country, country) == 0; low++) {
        if (z->place[low].zone == NULL)
            return 0;
        ret[n++] = z->place[low].zone;
    }
    return n;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* About the year of a time; one off near its ends. */
static int64_t year_of(int64_t seconds)
{
    return 1970 + floor_div(seconds, YEAR_SECONDS);
}

/* The latest of the rule's changes decides; of two at one moment the one of the later year, so that summer time from one
 * New Year to the next never ends. */
static int32_t offset_by_rule(const struct zone *zone, int64_t seconds)
{
    int64_t last = INT64_MIN, year = year_of(seconds);
    int32_t offset = zone->standard;
    for (int64_t y = year - 2; zone->has_summer && y <= year + 1; y++) {
        int64_t begins = zone_summer_begins(zone, y), ends = zone_summer_ends(zone, y);
        if (begins <= seconds && begins >= last) {
            last = begins;
            offset = zone->summer;
        }
        if (ends <= seconds && ends >= last) {
            last = ends;
            offset = zone->standard;
        }
    }
    return offset;
}

/* How many entries of the table are not later. */
static size_t entries_until(const struct zone *zone, int64_t seconds)
{
    size_t low = 0, high = zone->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= seconds)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t offset_at(const struct zone *zone, int64_t seconds)
{
    size_t n = entries_until(zone, seconds);
    if (n == zone->n && zone->has_rule)
        return offset_by_rule(zone, seconds);
    return n == 0 ? zone->first_offset : zone->offset[n - 1];
}

int32_t zone_offset(const struct zone *zone, int64_t t)
{
    return offset_at(zone, floor_div(t, SECOND_MS));
}

static bool is_change(const struct zone *zone, int64_t seconds)
{
    return offset_at(zone, seconds) != offset_at(zone, seconds - 1);
}

/* The rule's first change later than `seconds` and than the table, before `until`; INT64_MAX when there is none. */
static int64_t change_by_rule(const struct zone *zone, int64_t seconds, int64_t until)
{
    int64_t from = zone->n > 0 && zone->at[zone->n - 1] > seconds ? zone->at[zone->n - 1] : seconds;
    int64_t year = year_of(from) - 1, last = year_of(until) + 1, best = INT64_MAX;
    last = last < year + CYCLE_YEARS ? last : year + CYCLE_YEARS;
    for (int64_t y = year; y <= last; y++) {
        const int64_t of_year[] = {zone_summer_begins(zone, y), zone_summer_ends(zone, y)};
        for (size_t i = 0; i < 2; i++)
            if (of_year[i] > from && of_year[i] < best && is_change(zone, of_year[i]))
                best = of_year[i];
        if (best != INT64_MAX && y + 1 < last)
            last = y + 1; /* the next year's may come before this year's */
    }
    return best;
}

int64_t zone_next_change(const struct zone *zone, int64_t t, int64_t until)
{
    if (until <= t)
        return 0;
    int64_t seconds = floor_div(t, SECOND_MS), end = floor_div(until - 1, SECOND_MS), at = INT64_MAX;
    for (size_t i = entries_until(zone, seconds); i < zone->n && at == INT64_MAX; i++)
        if (is_change(zone, zone->at[i]))
            at = zone->at[i];
    if (at == INT64_MAX && zone->has_rule && zone->has_summer)
        at = change_by_rule(zone, seconds, end);
    return at <= end ? at * SECOND_MS : 0;
}

/* SPDX-License-Identifier: Apache-2.0
 * doctor_here.c - this machine: the state directory and its disk, the database, descriptors, time zones, certificates.
 *
 * Beside a gateway that runs: the database is opened for reading, and what is written to try the disk is a small file that
 * is gone before it had a name. Looking a large file through is left to people. */
#include "gateway/doctor_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/zone.h"
#include "core/phone_data.h"
#include "net/http_probe.h"
#include "store/inbox.h"
#include "store/messages.h"

#define MIB            (1024 * 1024)
#define CHECK_MAX      (256ll * MIB) /* a larger database is not looked through */
#define SPACE_WARN     (1024ll * MIB)
#define SPACE_FAIL     (100ll * MIB)
#define SYNCS          9
#define SYNC_WARN_US   20000
#define SYNC_FAIL_US   250000
#define DAY_MS         86400000ll
#define CERT_WARN_DAYS 14

/* --- state directory and disk ------------------------------------------------------------------------------------- */

static bool state_dir(struct round *r)
{
    const char *dir = r->d->o->state_dir;
    struct stat st;
    if (stat(dir, &st) != 0 && errno == ENOENT) {
        doctor_say(r, "state_dir", DOCTOR_WARN, "start the gateway once, or correct state_dir",
                   "%s is not there; it is made when the gateway starts for the first time", dir);
        return false;
    }
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        doctor_say(r, "state_dir", DOCTOR_FAIL, "correct state_dir, or run this as the user the gateway runs as",
                   "%s is no folder that can be looked into: %s", dir, strerror(errno));
        return false;
    }
    if (access(dir, W_OK | X_OK) != 0)
        doctor_advise(doctor_say(r, "state_dir", DOCTOR_FAIL, NULL, "%s cannot be written to: %s", dir,
                                 strerror(errno)),
                      "run this as the user the gateway runs as, or give the folder to that user: chown -R USER %s",
                      dir);
    else if (st.st_mode & 077)
        doctor_advise(doctor_say(r, "state_dir", DOCTOR_WARN, NULL, "%s is open to other users (mode %03o)", dir,
                                 (unsigned)st.st_mode & 0777),
                      "close it: chmod 700 %s", dir);
    else
        doctor_say(r, "state_dir", DOCTOR_OK, NULL, "%s, mode %03o, writable", dir, (unsigned)st.st_mode & 0777);
    return true;
}

static void file_system(struct round *r)
{
    static const struct {
        unsigned long magic;
        const char *name;
        enum doctor_result result;
    } kinds[] = {
        {0x01021994, "a memory file system: all is gone after a restart of the machine", DOCTOR_WARN},
        {0x858458f6, "a memory file system: all is gone after a restart of the machine", DOCTOR_WARN},
        {0x6969, "a network file system (NFS), on which a database can be damaged", DOCTOR_FAIL},
        {0xff534d42, "a network file system (CIFS), on which a database can be damaged", DOCTOR_FAIL},
        {0xfe534d42, "a network file system (SMB), on which a database can be damaged", DOCTOR_FAIL},
        {0x01021997, "a network file system (9P), on which a database can be damaged", DOCTOR_FAIL},
        {0x65735546, "a file system in user space, which may not keep what it says it keeps", DOCTOR_WARN},
    };
    struct statfs fs;
    if (statfs(r->d->o->state_dir, &fs) != 0)
        return;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (((unsigned long)fs.f_type & 0xffffffffu) == kinds[i].magic)
            doctor_say(r, "disk.kind", kinds[i].result, "put state_dir on a disk of this machine", "state_dir is on %s",
                       kinds[i].name);
}

static void free_space(struct round *r)
{
    struct statvfs v;
    if (statvfs(r->d->o->state_dir, &v) != 0)
        return;
    long long left = (long long)v.f_bavail * (long long)v.f_frsize;
    enum doctor_result result = left < SPACE_FAIL ? DOCTOR_FAIL : left < SPACE_WARN ? DOCTOR_WARN : DOCTOR_OK;
    doctor_say(r, "disk.space", result,
               result == DOCTOR_OK ? NULL
                                   : "make room: when the disk is full no message is sent and no webhook is taken",
               "%lld MB are free", left / 1000000);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* How long the disk takes to keep a page, as every message makes it do. */
static void disk_speed(struct round *r)
{
    char page[4096] = {0};
    int64_t took[SYNCS];
    int fd = open(r->d->o->state_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    for (int i = 0; i < SYNCS && fd >= 0; i++) {
        int64_t began = clock_mono_ns();
        if (pwrite(fd, page, sizeof page, 0) != sizeof page || fdatasync(fd) != 0) {
            doctor_say(r, "disk.sync", DOCTOR_FAIL, "look into the system's log for errors of the disk",
                       "the disk does not keep what is written: %s", strerror(errno));
            close(fd);
            return;
        }
        took[i] = (clock_mono_ns() - began) / 1000;
    }
    if (fd < 0)
        return; /* not writable, which was said, or a file system without such files */
    close(fd);
    qsort(took, SYNCS, sizeof took[0], by_size);
    int64_t us = took[SYNCS / 2];
    enum doctor_result result = us > SYNC_FAIL_US ? DOCTOR_FAIL : us > SYNC_WARN_US ? DOCTOR_WARN : DOCTOR_OK;
    doctor_say(r, "disk.sync", result,
               result == DOCTOR_OK ? NULL : "use a faster disk for state_dir: each message waits for it",
               "a write is kept after %lld.%lld ms", (long long)(us / 1000), (long long)(us % 1000 / 100));
}

/* --- database ------------------------------------------------------------------------------------------------------ */

/* The database's file and its size, -1 when there is none. */
static int64_t database(const struct doctor *d, char *path, size_t size)
{
    struct stat st;
    const char *url = d->o->store_url;
    if (url == NULL)
        snprintf(path, size, "%s/wayleave.db", d->o->state_dir);
    else
        snprintf(path, size, "%s", strncmp(url, "sqlite:", 7) == 0 ? url + 7 : url);
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

static struct store *open_database(struct round *r, const char *path, struct err *e)
{
    struct store *s = NULL;
    (void)r;
    return store_open(&s, path, &(struct store_options){.read_only = true}, e) == 0 ? s : NULL;
}

static void look_through(struct round *r)
{
    char path[4200], why[200] = "";
    struct err e = {0};
    bool sound = true;
    int64_t size = database(r->d, path, sizeof path);
    if (size < 0) {
        doctor_say(r, "database", DOCTOR_WARN, "start the gateway once, or correct state_dir", "%s is not there yet",
                   path);
        return;
    }
    struct store *s = open_database(r, path, &e);
    if (s == NULL) {
        doctor_say(r, "database", DOCTOR_FAIL, "stop the gateway and put a backup in its place, or update the program",
                   "%s cannot be used: %s", path, e.text);
        return;
    }
    if (size <= CHECK_MAX && store_check(s, &sound, why, &e) != 0) {
        sound = false;
        snprintf(why, sizeof why, "%.*s", (int)sizeof why - 1, e.text);
    }
    if (!sound)
        doctor_say(r, "database", DOCTOR_FAIL,
                   "stop the gateway, keep a copy of the folder, and put a backup in its place", "%s is damaged: %s",
                   path, why);
    else
        doctor_say(r, "database", DOCTOR_OK, NULL, "%lld MB, %s", (long long)((size + 999999) / 1000000),
                   size <= CHECK_MAX
                       ? "opened and looked through"
                       : "opened; too large to be looked through here (sqlite3 FILE 'PRAGMA quick_check')");
    store_free(s);
}

/* What a start makes anew when it is missing, and what is lost then. */
static void keys(struct round *r)
{
    static const struct {
        const char *name, *lost;
        enum doctor_result missing;
    } all[] = {{"link.key", "links to media that clients were given are no longer good", DOCTOR_WARN},
               {"mark.key", "statuses of what is under way no longer say whose they are", DOCTOR_WARN},
               {"ledger.key", "the gateway does not start: it cannot sign the ledger it has signed before",
                DOCTOR_FAIL},
               {"seal.key", "subscribers' own secrets cannot be read, and those with one are handed nothing",
                DOCTOR_FAIL}};
    char path[4200];
    struct stat st;
    size_t well = 0;
    if (database(r->d, path, sizeof path) < 0)
        return; /* the gateway was never started here */
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", r->d->o->state_dir, all[i].name);
        bool there = stat(path, &st) == 0;
        if (!there)
            doctor_say(r, "state_dir.keys", all[i].missing,
                       "put it back from the backup before the gateway is started again: it makes a new one otherwise",
                       "%s is missing: without it %s", path, all[i].lost);
        else if (st.st_mode & 077)
            doctor_advise(doctor_say(r, "state_dir.keys", DOCTOR_FAIL, NULL, "%s may be read by others (mode %03o)",
                                     path, (unsigned)st.st_mode & 0777),
                          "close it: chmod 600 %s", path);
        else
            well++;
    }
    if (well == sizeof all / sizeof all[0])
        doctor_say(r, "state_dir.keys", DOCTOR_OK, NULL, "its keys are there, for their owner only");
}

void doctor_state(struct round *r)
{
    if (!state_dir(r))
        return;
    keys(r);
    file_system(r);
    free_space(r);
    disk_speed(r);
    look_through(r);
}

/* --- machine ------------------------------------------------------------------------------------------------------- */

static void descriptors(struct round *r)
{
    struct rlimit limit;
    unsigned long long wanted = (unsigned long long)r->d->o->max_connections * 2 + 256;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted)
        doctor_advise(
            doctor_say(r, "descriptors", DOCTOR_WARN, NULL,
                       "a program started from here may have %llu files open, and limits.connections wants %llu",
                       (unsigned long long)limit.rlim_max, wanted),
            "set LimitNOFILE=%llu in the service's unit, or lower limits.connections", wanted);
    else
        doctor_say(r, "descriptors", DOCTOR_OK, NULL, "%llu files may be open, which is enough for limits.connections",
                   (unsigned long long)limit.rlim_max);
}

static void certificate(struct round *r)
{
    struct err e = {0};
    int64_t until;
    const char *file = r->d->o->tls_cert;
    if (r->d->o->listen_tls == NULL || file == NULL)
        return;
    if (http_certificate_until(file, &until, &e) != 0) {
        doctor_say(r, "certificate", DOCTOR_FAIL, "correct tls.cert", "%s", e.text);
        return;
    }
    long long days = (long long)((until - clock_now_ms()) / DAY_MS);
    bool over = until <= clock_now_ms();
    if (over)
        doctor_say(r, "certificate", DOCTOR_FAIL, "renew the certificate and restart the gateway",
                   "the certificate of listen_tls is no longer valid");
    else
        doctor_say(r, "certificate", days < CERT_WARN_DAYS ? DOCTOR_WARN : DOCTOR_OK,
                   days < CERT_WARN_DAYS ? "renew the certificate and restart the gateway" : NULL,
                   "the certificate of listen_tls is valid for %lld more days", days);
}

static void time_zones(struct round *r)
{
    if (access("/usr/share/zoneinfo/UTC", R_OK) == 0 || access("/usr/share/zoneinfo/Etc/UTC", R_OK) == 0)
        doctor_say(r, "time_zones", DOCTOR_OK, NULL, "the time zone database is there");
    else
        doctor_say(r, "time_zones", DOCTOR_WARN, "install the package tzdata and restart the gateway",
                   "there is no time zone database: nobody's local time is known");
}

static void plans(struct round *r)
{
    struct phone_data d;
    if (r->d->o->phones != NULL)
        d = *r->d->o->phones;
    else
        phone_data_builtin(&d);
    int days = phone_data_age_days(&d, clock_now_ms());
    bool stale = days > PHONE_DATA_STALE_DAYS;
    doctor_say(r, "phone_data", stale ? DOCTOR_WARN : DOCTOR_OK,
               stale ? "update the program, or make newer tables: wayleave help phone compile" : NULL,
               "the numbering plans are %s, %d days old", phone_data_name(&d), days);
}

void doctor_machine(struct round *r)
{
    descriptors(r);
    certificate(r);
    time_zones(r);
    plans(r);
}

/* --- silence ------------------------------------------------------------------------------------------------------- */

#define SILENCE_MS      (10 * 60000) /* a status comes within seconds; a person's phone may be off, but not all of them */
#define BODIES_READ     256          /* at a time */
#define BODIES_LOOKED   20480
#define BODIES_BYTES    (4u << 20)
#define MESSAGES_LOOKED 200

/* When a webhook came last that says something. 0: none of those looked at. */
static int64_t last_webhook(struct round *r, struct store *s, size_t *ret_looked)
{
    struct inbox_row *rows;
    struct err e = {0};
    int64_t before = 0;
    size_t n;
    struct json v;
    for (*ret_looked = 0; *ret_looked < BODIES_LOOKED; *ret_looked += n) {
        arena_reset(r->arena);
        if (inbox_read_back(s, before, BODIES_READ, BODIES_BYTES, r->arena, &rows, &n, &e) != 0 || n == 0)
            return 0;
        for (size_t i = 0; i < n; i++)
            if (json_parse(r->parser, rows[i].body, false, &v, NULL) != 0 || json_count(json_get(v, "entry")) > 0)
                return rows[i].at;
        before = rows[n - 1].seq;
    }
    return 0;
}

/* The first message accepted after `since` that Meta has had time to tell about, and how many there are. */
static size_t sent_since(struct round *r, struct store *s, int64_t since, int64_t now, int64_t *ret_first)
{
    struct message_filter f = {.states = 1u << LIFE_ACCEPTED, .from = since + 1, .to = now - SILENCE_MS};
    struct message *rows;
    struct err e = {0};
    size_t n = 0;
    int64_t next;
    if (f.to <= f.from || messages_list(s, 0, &f, 0, r->arena, MESSAGES_LOOKED, &rows, &n, &next, &e) != 0 || n == 0)
        return 0;
    *ret_first = rows[n - 1].ts;
    return n;
}

void doctor_silence(struct round *r)
{
    char path[4200], at[TIME_TEXT];
    struct err e = {0};
    int64_t now = clock_now_ms(), first = 0;
    if (database(r->d, path, sizeof path) < 0)
        return;
    struct store *s = open_database(r, path, &e);
    if (s == NULL)
        return; /* said by doctor_state() */
    size_t looked;
    int64_t last = last_webhook(r, s, &looked);
    size_t n = sent_since(r, s, last, now, &first);
    const char *heard = last != 0                 ? time_text(last, at)
                        : looked >= BODIES_LOOKED ? "before the last 20,480 that say nothing"
                                                  : "never";
    if (n > 0)
        doctor_say(
            r, "webhook.silence", DOCTOR_FAIL,
            "see which of the checks of webhooks below is not ok; when all are, look at what stands between Meta "
            "and the gateway (firewall, proxy, DNS)",
            "messages leave and no webhook comes: %zu%s were accepted in the last %lld minutes, the last webhook "
            "came %s",
            n, n == MESSAGES_LOOKED ? " or more" : "", (long long)((now - first) / 60000), heard);
    else if (last != 0)
        doctor_say(r, "webhook.silence", DOCTOR_OK, NULL, "the last webhook came %s", heard);
    else
        doctor_say(r, "webhook.silence", DOCTOR_SKIP, "write a message to the number from a phone, and look again",
                   "no webhook came yet, and no message left that one should have followed");
    store_free(s);
}

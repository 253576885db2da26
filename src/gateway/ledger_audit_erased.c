/* SPDX-License-Identifier: Apache-2.0
 * ledger_audit_erased.c - what erasures say, against the log and against people.
 *
 * An erasure that is done has an entry that commits to its row. One that is open has restricted its person, and nobody is restricted
 * without one. Together they say how many entries lost their record: one that only restricts has taken none yet, one that
 * is at it counts what it took. Whose an entry was that lost its record nobody can know, except when it should not have: the
 * key is still there then, and the entry's tag is found by trying the keys there are. That is done only when the sums differ, and
 * for as long as it takes no more than some seconds. */
#include <string.h>

#include "base/clock.h"
#include "gateway/ledger_audit_impl.h"
#include "store/ledger.h"
#include "store/ledger_audit.h"

#define SOME       256
#define OPEN_MOST  20000
#define TRIES_MOST 2000000 /* a tag is some 0.5 us */
#define NAMED_MOST 20
#define PLACE_BITS 40 /* generation above, place below: what tags follow from */
#define RECORD_MAX 4096

/* --- those that are done ---------------------------------------------------------------------------------------------- */

int ledger_audit_erasure(struct ledger_audit *au, int64_t at, const struct leaf *l, struct err *e)
{
    uint8_t key[LEAF_KEY_BYTES], salt[SHA256_BYTES], commit[SHA256_BYTES];
    struct erasure v;
    struct buf record;
    struct err why = {0};
    int rc = erasure_by_leaf(au->s, at, &v, e);
    if (rc == WL_ENOTFOUND)
        ledger_audit_say(au, "leaf %lld says that somebody was erased, and no erasure has it", (long long)at);
    if (rc != 0)
        return rc == WL_ENOTFOUND ? 0 : rc;
    if (v.leaves != (int64_t)l->count)
        ledger_audit_say(au, "leaf %lld says that an erasure took %llu records, the erasure says %lld", (long long)at,
                         (unsigned long long)l->count, (long long)v.leaves);
    rc = subject_key_get(au->s, v.bucket, 0, key, &why);
    if (rc != 0) {
        ledger_audit_say(au, "erasure e%lld (leaf %lld): %s", (long long)v.id, (long long)at, why.text);
        return rc == WL_ENOTFOUND || rc == WL_ECORRUPT ? 0 : rc;
    }
    buf_init(&record, RECORD_MAX);
    rc = erasure_record(&v, &record, e);
    leaf_salt(key, (uint64_t)v.n, salt);
    leaf_commit(salt, buf_str(&record), commit);
    buf_done(&record);
    if (rc == 0 && (memcmp(commit, l->commit, sizeof commit) != 0 || v.done_at == 0))
        ledger_audit_say(
            au, "erasure e%lld does not fit its leaf %lld: its row, the business's key or the leaf was changed",
            (long long)v.id, (long long)at);
    return rc;
}

/* --- those that are open ---------------------------------------------------------------------------------------------- */

static int audit_open(struct ledger_audit *au, int64_t id, struct err *e)
{
    struct erasure v;
    struct person p;
    struct err why = {0};
    int rc = erasure_get(au->s, id, &v, e);
    if (rc != 0 || v.contact == 0) /* nobody knew the name */
        return rc;
    if (v.until > clock_now_ms() && v.leaves > 0)
        ledger_audit_say(au, "erasure e%lld keeps the proof, and says that it took %lld records", (long long)id,
                         (long long)v.leaves);
    rc = people_get(au->s, v.bucket, v.contact, &p, &why);
    if (rc == 0 && p.restricted_until == 0)
        ledger_audit_say(au, "contact c%lld-%d is to be erased (e%lld), and is not restricted", (long long)p.id,
                         p.bucket, (long long)id);
    if (rc == WL_ENOTFOUND)
        ledger_audit_say(au, "contact c%lld-%d is to be erased (e%lld), and is gone", (long long)v.contact, v.bucket,
                         (long long)id);
    if (rc != 0 && rc != WL_ENOTFOUND && rc != WL_ECORRUPT && rc != WL_EIO)
        return e != NULL ? (*e = why, rc) : rc;
    return 0;
}

int ledger_audit_open_erasures(struct ledger_audit *au, struct err *e)
{
    int64_t id[SOME], after = 0;
    size_t n = SOME, seen = 0;
    int rc = 0;
    while (rc == 0 && n == SOME && seen < OPEN_MOST) {
        rc = erasures_open_after(au->s, after, SOME, id, &n, e);
        for (size_t i = 0; i < n && rc == 0; i++)
            rc = audit_open(au, id[i], e);
        after = rc == 0 && n > 0 ? id[n - 1] : after;
        seen += n;
    }
    return rc;
}

/* The open erasure of a person, asked for under any of their ids; id 0: there is none. */
static int open_one(struct ledger_audit *au, int bucket, int64_t contact, struct erasure *ret, struct err *e)
{
    struct lives l;
    struct err none = {0};
    *ret = (struct erasure){.id = 0};
    int rc = lives_of(au->s, bucket, contact, &l, e);
    if (rc != 0)
        return rc == WL_ENOTFOUND ? 0 : rc;
    rc = WL_ENOTFOUND;
    for (size_t i = 0; i < l.n && rc == WL_ENOTFOUND; i++)
        rc = erasure_of(au->s, bucket, l.id[i], "", ret, &none);
    return rc == WL_ENOTFOUND ? 0 : rc != 0 && e != NULL ? (*e = none, rc) : rc;
}

int ledger_audit_restricted(struct ledger_audit *au, const struct person *p, struct err *e)
{
    struct erasure v;
    int rc = open_one(au, p->bucket, p->id, &v, e);
    if (rc == 0 && v.id == 0)
        ledger_audit_say(au, "contact c%lld-%d is restricted until an erasure, and no erasure is open",
                         (long long)p->id, p->bucket);
    return rc;
}

/* --- the sums --------------------------------------------------------------------------------------------------------- */

/* What an entry says that an erasure took; of any other 0. */
static int taken_by(struct ledger_audit *au, int64_t leaf, int64_t *sum, struct err *e)
{
    struct log_entry entry;
    struct leaf l;
    size_t n = 0;
    int rc = log_read(au->s, leaf, 1, &entry, &n, e);
    if (rc == 0 && n == 1 && leaf_read(entry.bytes, LEAF_BYTES, &l, NULL) == 0 && l.kind == LEAF_ERASURE)
        *sum += (int64_t)l.count;
    return rc;
}

static int taken_so_far(struct ledger_audit *au, int64_t id, int64_t *sum, struct err *e)
{
    struct erasure v;
    int rc = erasure_get(au->s, id, &v, e);
    *sum += rc == 0 ? v.leaves : 0;
    return rc;
}

/* What erasures took, by the entries of those that are done and by the rows of those that are at it. */
static int sum_taken(struct ledger_audit *au, int64_t *ret, struct err *e)
{
    int64_t at[SOME] = {0}, after = -1;
    size_t n = SOME;
    int rc = 0;
    *ret = 0;
    for (; rc == 0 && n == SOME; after = at[SOME - 1]) {
        rc = erasure_leaves_after(au->s, after, SOME, at, &n, e);
        for (size_t i = 0; rc == 0 && i < n; i++)
            rc = taken_by(au, at[i], ret, e);
    }
    n = SOME;
    for (after = 0; rc == 0 && n == SOME; after = at[SOME - 1]) {
        rc = erasures_open_after(au->s, after, SOME, at, &n, e);
        for (size_t i = 0; rc == 0 && i < n; i++)
            rc = taken_so_far(au, at[i], ret, e);
    }
    return rc;
}

/* Says of a leaf that is marked as erased and has the tag of somebody who was not. */
static int name_owner(struct ledger_audit *au, int64_t leaf, int64_t contact, size_t *named, struct err *e)
{
    struct erasure v;
    int rc = open_one(au, LEDGER_BUCKET, contact, &v, e);
    if (rc != 0 || v.leaves > 0) /* being taken out now */
        return rc;
    ledger_audit_say(au, "leaf %lld is marked as erased, and is of contact c%lld-%d, whose records no erasure took",
                     (long long)leaf, (long long)contact, LEDGER_BUCKET);
    ++*named;
    return 0;
}

static int try_keys(struct ledger_audit *au, const struct log_entry *entry, const struct leaf *l, int64_t *tries,
                    size_t *named, struct err *e)
{
    struct subject_key key[SOME];
    uint8_t tag[SHA256_BYTES];
    int64_t after = 0;
    size_t n = SOME;
    int rc = 0;
    while (rc == 0 && n == SOME && *tries < TRIES_MOST) {
        rc = subject_keys_after(au->s, LEDGER_BUCKET, after, SOME, key, &n, e);
        for (size_t i = 0; i < n && rc == 0; i++) {
            leaf_tag(key[i].key, (uint64_t)(au->generation << PLACE_BITS | entry->idx), tag);
            if (memcmp(tag, l->tag, sizeof tag) == 0)
                return name_owner(au, entry->idx, key[i].contact, named, e);
        }
        *tries += (int64_t)n;
        after = rc == 0 && n > 0 ? key[n - 1].contact : after;
    }
    return rc;
}

static int name_unaccounted(struct ledger_audit *au, struct err *e)
{
    int64_t at[SOME], after = -1, tries = 0;
    size_t n = SOME, named = 0, got;
    int rc = 0;
    while (rc == 0 && n == SOME && tries < TRIES_MOST && named < NAMED_MOST) {
        rc = log_gone_after(au->s, after, SOME, at, &n, e);
        for (size_t i = 0; i < n && rc == 0 && tries < TRIES_MOST && named < NAMED_MOST; i++) {
            struct log_entry entry;
            struct leaf l;
            rc = log_read(au->s, at[i], 1, &entry, &got, e);
            if (rc == 0 && got == 1 && leaf_read(entry.bytes, LEAF_BYTES, &l, NULL) == 0)
                rc = try_keys(au, &entry, &l, &tries, &named, e);
        }
        after = rc == 0 && n > 0 ? at[n - 1] : after;
    }
    return rc;
}

int ledger_audit_end(struct ledger_audit *au, int64_t gone, int64_t erased, struct err *e)
{
    int64_t taken = 0;
    if (gone == erased)
        return 0;
    /* Pages were read one after the other, and erasures went on meanwhile: now all of it at one moment. */
    int rc = log_gone_count(au->s, &gone, e);
    if (rc == 0)
        rc = sum_taken(au, &taken, e);
    if (rc != 0 || gone == taken)
        return rc;
    ledger_audit_say(au, "%lld leaves are marked as erased, and erasures took %lld", (long long)gone, (long long)taken);
    return name_unaccounted(au, e);
}

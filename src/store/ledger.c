/* SPDX-License-Identifier: Apache-2.0
 * ledger.c - consent events, appended and never touched again, each with its entry in the log.
 *
 * The key is the event itself and a fingerprint of how it was given: reporting the same one twice writes it once, two reports
 * that differ in their evidence are both kept. What counts as evidence is whatever a court would read: the wording, where and
 * in which language it was shown, for whom, until when, the source. Who recorded it, when, and which of the person's names was
 * used are not; a list imported again by somebody else is still the same list.
 *
 * A row is inserted with the place its entry will have, so it is written once; a row that is there already takes no place, and a
 * transaction that is rolled back leaves no gap. Wordings are kept once each, under their SHA-256. After a merge the rows
 * stay under the id they were written for, and so does the key their entries were made with; a list collects them from every
 * id the person had. */
#include "store/ledger.h"

#include <string.h>

#include "store/ledger_rows.h"
#include "store/people_rows.h"

STATEMENT(consent_insert,
          "INSERT INTO ledger (bucket, contact, at, act, scope, method, fingerprint, leaf, n, id, tenant, recorded_at, "
          "sender, expires, subject, business, source, notice, language, policy, jurisdiction, evidence, actor, "
          "wording) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, "
          "$21, $22, $23, '') ON CONFLICT (bucket, contact, at, act, scope, method, fingerprint) DO NOTHING");
STATEMENT(
    consent_list,
    "SELECT l.contact, l.at, l.act, l.scope, l.method, l.leaf, l.n, l.id, l.recorded_at, l.sender, l.expires, "
    "l.subject, l.business, l.source, l.notice, l.language, l.policy, l.jurisdiction, l.evidence, l.actor, "
    "l.wording, w.text FROM ledger l LEFT JOIN wording w ON w.hash = l.notice WHERE l.bucket = $1 AND l.contact IN "
    "(SELECT CAST($2 AS BIGINT) UNION ALL SELECT m.gone FROM person_merge m WHERE m.bucket = $1 AND m.kept = $2) "
    "ORDER BY l.at, l.id LIMIT $3");
STATEMENT(
    consent_by_leaf,
    "SELECT l.contact, l.at, l.act, l.scope, l.method, l.leaf, l.n, l.id, l.recorded_at, l.sender, l.expires, "
    "l.subject, l.business, l.source, l.notice, l.language, l.policy, l.jurisdiction, l.evidence, l.actor, "
    "l.wording, w.text FROM ledger l LEFT JOIN wording w ON w.hash = l.notice WHERE l.bucket = $1 AND l.leaf >= $2 "
    "ORDER BY l.leaf LIMIT $3");
STATEMENT(wording_put, "INSERT INTO wording (hash, language, first_at, text) VALUES ($1, $2, $3, $4) "
                       "ON CONFLICT (hash) DO NOTHING");
/* In the order of the index. */
STATEMENT(name_first, "SELECT kind, value FROM person_identity WHERE bucket = $1 AND contact = $2 ORDER BY added_at, "
                      "tenant, kind, value LIMIT 1");

static const uint8_t no_notice[SHA256_BYTES];

static bool has_notice(const uint8_t notice[SHA256_BYTES])
{
    return memcmp(notice, no_notice, SHA256_BYTES) != 0;
}

/* --- what a row says ------------------------------------------------------------------------------------------------ */

int64_t row_fingerprint(const struct consent_row *row, const uint8_t notice[SHA256_BYTES])
{
    const struct str texts[] = {row->language, row->policy, row->jurisdiction,
                                row->business, row->source, row->evidence};
    enum { TEXTS = sizeof texts / sizeof *texts };
    uint64_t parts[TEXTS + 3] = {hash64(notice, SHA256_BYTES), (uint64_t)row->sender, (uint64_t)row->event.until};
    for (size_t i = 0; i < TEXTS; i++)
        parts[3 + i] = hash64(texts[i].n > 0 ? texts[i].p : "", texts[i].n);
    uint64_t h = hash64(parts, sizeof parts);
    return h != 0 ? (int64_t)h : 1;
}

int ledger_record(const struct consent_row *row, struct buf *out, struct err *e)
{
    char id[STORE_ID_TEXT];
    const struct consent_record r = {.id = str_of(store_id_text(row->bucket, row->id, id)),
                                     .subject = row->subject,
                                     .event = row->event,
                                     .recorded_at = row->recorded_at,
                                     .method = row->method,
                                     .source = row->source,
                                     .language = row->language,
                                     .evidence = row->evidence,
                                     .actor = row->actor,
                                     .business = row->business,
                                     .policy = row->policy,
                                     .jurisdiction = row->jurisdiction,
                                     .notice = has_notice(row->notice) ? row->notice : NULL,
                                     .sender = row->sender};
    return consent_record_write(&r, out, e);
}

static int read_first_name(struct store *s, int bucket, int64_t contact, struct identity *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &name_first, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, contact);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    memset(ret, 0, sizeof *ret);
    if (rc == 1) {
        ret->kind = (enum identity_kind)col_i64(q);
        col_chars(q, ret->value, sizeof ret->value);
    }
    db_reset(q);
    return 0;
}

int first_subject(struct store *s, int bucket, int64_t contact, char ret[IDENTITY_TEXT_MAX], struct err *e)
{
    struct identity name;
    int64_t root = 0;
    int rc = read_first_name(s, bucket, contact, &name, e);
    if (rc == 0 && name.kind == IDENTITY_NONE) { /* merged since: the names went with it */
        rc = person_root(s, bucket, contact, &root, e);
        if (rc == 0)
            rc = read_first_name(s, bucket, root, &name, e);
        else if (rc == WL_ENOTFOUND)
            rc = 0;
    }
    if (rc == 0)
        (void)identity_text(&name, ret);
    return rc;
}

/* --- appending ------------------------------------------------------------------------------------------------------ */

void pen_init(struct ledger_pen *pen)
{
    memset(pen, 0, sizeof *pen);
    buf_init(&pen->record, CONSENT_RECORD_MAX + 1);
}

void pen_done(struct ledger_pen *pen)
{
    buf_done(&pen->record);
    memset(pen, 0, sizeof *pen);
}

int pen_key(struct store *s, struct ledger_pen *pen, const struct consent_row *row, struct err *e)
{
    if (pen->any_key && pen->key.bucket == row->bucket && pen->key.contact == row->contact)
        return 0;
    int rc = log_key_take(s, row->bucket, row->contact, &pen->key, e);
    pen->any_key = rc == 0;
    return rc;
}

int pen_wording(struct store *s, struct ledger_pen *pen, const struct consent_row *row, uint8_t notice[SHA256_BYTES],
                struct err *e)
{
    struct db_stmt *q;
    memset(notice, 0, SHA256_BYTES);
    if (row->wording.n == 0)
        return 0;
    if (str_eq(row->wording, pen->wording)) {
        memcpy(notice, pen->notice, SHA256_BYTES);
        return 0;
    }
    sha256(row->wording.p, row->wording.n, notice);
    int rc = db_prepare(s, &wording_put, &q, e);
    if (rc != 0)
        return rc;
    db_blob(q, notice, SHA256_BYTES);
    db_text(q, row->language);
    db_i64(q, row->recorded_at);
    db_text(q, row->wording);
    rc = db_exec(q, NULL, e);
    pen->wording = rc == 0 ? row->wording : STR("");
    memcpy(pen->notice, notice, SHA256_BYTES);
    return rc;
}

int pen_leaf(struct store *s, struct ledger_pen *pen, const struct consent_row *row, int64_t at, struct err *e)
{
    const struct leaf l = {.kind = (enum leaf_kind)row->event.act, .at = at};
    struct log_place place;
    buf_clear(&pen->record);
    int rc = ledger_record(row, &pen->record, e);
    return rc == 0 ? log_put(s, &pen->key, &l, buf_str(&pen->record), &place, e) : rc;
}

static int insert(struct store *s, const struct consent_row *r, const struct log_place *place, int64_t *ret_changed,
                  struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &consent_insert, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, r->bucket);
    db_i64(q, r->contact);
    db_i64(q, r->event.at);
    db_i64(q, r->event.act);
    db_i64(q, r->event.scope);
    db_text(q, r->method);
    db_i64(q, row_fingerprint(r, r->notice));
    db_i64(q, place->idx);
    db_i64(q, place->n);
    db_i64(q, r->id);
    db_i64(q, STORE_TENANT);
    db_i64(q, r->recorded_at);
    db_i64(q, r->sender);
    db_i64(q, r->event.until);
    db_text(q, r->subject);
    db_text(q, r->business);
    db_text(q, r->source);
    db_blob(q, r->notice, has_notice(r->notice) ? SHA256_BYTES : 0);
    db_text(q, r->language);
    db_text(q, r->policy);
    db_text(q, r->jurisdiction);
    db_text(q, r->evidence);
    db_text(q, r->actor);
    return db_exec(q, ret_changed, e);
}

static int append(struct store *s, struct ledger_pen *pen, const struct consent_row *given, size_t *written,
                  struct err *e)
{
    struct consent_row row = *given;
    char subject[IDENTITY_TEXT_MAX];
    struct log_place place;
    int64_t changed = 0;
    int rc = log_next(s, &place, e);
    if (rc == 0)
        rc = pen_key(s, pen, &row, e);
    if (rc == 0)
        rc = pen_wording(s, pen, &row, row.notice, e);
    if (rc == 0 && row.subject.n == 0) {
        rc = first_subject(s, row.bucket, row.contact, subject, e);
        row.subject = str_of(subject);
    }
    if (rc == 0)
        rc = insert(s, &row, &place, &changed, e);
    if (rc == 0 && changed > 0)
        rc = pen_leaf(s, pen, &row, row.recorded_at, e);
    *written += (size_t)changed;
    return rc;
}

int ledger_append(struct store *s, const struct consent_row *rows, size_t n, size_t *ret_new, struct err *e)
{
    struct ledger_pen pen;
    size_t written = 0;
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    pen_init(&pen);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = append(s, &pen, &rows[i], &written, e);
    pen_done(&pen);
    if (rc == 0 && ret_new != NULL)
        *ret_new = written;
    return write_end(s, rc);
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

int consent_row_read(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct consent_row *r = row;
    struct str inline_wording = {NULL, 0}, notice;
    memset(r, 0, sizeof *r);
    r->contact = col_i64(q);
    r->event.at = col_i64(q);
    r->event.act = (enum consent_act)col_i64(q);
    r->event.scope = (consent_scope)col_i64(q);
    int rc = col_copy(q, a, &r->method, e);
    r->leaf = col_i64(q);
    r->n = col_i64(q);
    r->id = col_i64(q);
    r->recorded_at = col_i64(q);
    r->sender = col_i64(q);
    r->event.until = col_i64(q);
    struct str *const before[] = {&r->subject, &r->business, &r->source};
    struct str *const after[] = {&r->language, &r->policy,      &r->jurisdiction, &r->evidence,
                                 &r->actor,    &inline_wording, &r->wording};
    for (size_t i = 0; rc == 0 && i < sizeof before / sizeof *before; i++)
        rc = col_copy(q, a, before[i], e);
    if (rc != 0)
        return rc;
    notice = col_blob(q);
    if (notice.n == SHA256_BYTES)
        memcpy(r->notice, notice.p, SHA256_BYTES);
    for (size_t i = 0; rc == 0 && i < sizeof after / sizeof *after; i++)
        rc = col_copy(q, a, after[i], e);
    if (r->wording.n == 0)
        r->wording = inline_wording;
    const struct consent_ground g = {.act = r->event.act,
                                     .method = r->method,
                                     .source = r->source,
                                     .evidence = r->evidence,
                                     .actor = r->actor,
                                     .has_wording = r->wording.n > 0 || has_notice(r->notice)};
    r->event.rank = (int)consent_rank(&g, NULL);
    return rc;
}

/* Runs a prepared and bound statement about whole rows. */
static int read_rows(struct db_stmt *q, int bucket, struct arena *a, size_t max, struct consent_row **ret,
                     size_t *ret_n, struct err *e)
{
    struct consent_row *rows = NULL;
    size_t n = 0;
    int rc = db_rows(q, a, max, sizeof *rows, consent_row_read, &rows, &n, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++)
        rows[i].bucket = bucket;
    *ret = rows;
    *ret_n = n;
    return 0;
}

int ledger_list(struct store *s, int bucket, int64_t contact, struct arena *a, size_t max, struct consent_row **ret,
                size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int64_t root = 0;
    int rc = person_root(s, bucket, contact, &root, e);
    if (rc == WL_ENOTFOUND)
        root = contact;
    else if (rc != 0)
        return rc;
    rc = db_prepare(s, &consent_list, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, root);
    db_i64(q, (int64_t)max);
    return read_rows(q, bucket, a, max, ret, ret_n, e);
}

int ledger_by_leaf(struct store *s, int bucket, int64_t leaf, size_t max, struct arena *a, struct consent_row **ret,
                   size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &consent_by_leaf, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, leaf);
    db_i64(q, (int64_t)max);
    return read_rows(q, bucket, a, max, ret, ret_n, e);
}

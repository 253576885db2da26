/* SPDX-License-Identifier: Apache-2.0
 * consent_row.c - rows of a table and lines of JSON as consent events.
 *
 * Nothing is guessed: a column counts under the API's name for it, a few spellings of that, or by --map. Of a JSON object
 * members nobody knows are handed on, and the gateway refuses them by name: in a program's export a mistyped member would
 * otherwise be lost in every row. Columns of a spreadsheet nobody knows are left out, and named once. */
#include "cmd/consent_row.h"

#include <string.h>

#include "base/clock.h"
#include "base/yaml.h"
#include "cmd/contact_row.h"
#include "core/identity.h"

static const char *const names[FIELD_COUNT + 1] = {[FIELD_WHO] = "who",
                                                   [FIELD_ACT] = "act",
                                                   [FIELD_SCOPE] = "scope",
                                                   [FIELD_AT] = "at",
                                                   [FIELD_EXPIRES] = "expires",
                                                   [FIELD_METHOD] = "method",
                                                   [FIELD_SOURCE] = "source",
                                                   [FIELD_WORDING] = "wording",
                                                   [FIELD_WORDING_HASH] = "wording_sha256",
                                                   [FIELD_LANGUAGE] = "language",
                                                   [FIELD_EVIDENCE] = "evidence",
                                                   [FIELD_BUSINESS] = "business",
                                                   [FIELD_POLICY] = "policy",
                                                   [FIELD_JURISDICTION] = "jurisdiction"};

/* Other names that mean one thing only. */
static const struct {
    const char *name;
    enum consent_field field;
} aliases[] = {
    {"phone", FIELD_WHO},     {"user_id", FIELD_WHO},     {"consent_at", FIELD_AT},
    {"consent", FIELD_SCOPE}, {"consent_act", FIELD_ACT}, {"policy_version", FIELD_POLICY},
};

const char *consent_field_name(enum consent_field f)
{
    return names[f];
}

static int field_of(const struct consent_format *f, struct str name)
{
    for (int i = 0; i < FIELD_COUNT; i++)
        if (str_eq(name, str_of(f->mapped[i] != NULL ? f->mapped[i] : names[i])))
            return i;
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (f->mapped[aliases[i].field] == NULL && str_ieq(name, str_of(aliases[i].name)))
            return (int)aliases[i].field;
    return -1;
}

int consent_format_map(struct consent_format *f, const char *assignment, struct err *e)
{
    const char *is = strchr(assignment, '=');
    struct str field = {assignment, is != NULL ? (size_t)(is - assignment) : strlen(assignment)};
    for (int i = 0; is != NULL && is[1] != '\0' && i < FIELD_COUNT; i++) {
        if (!str_eq(field, str_of(names[i])))
            continue;
        if (f->mapped[i] != NULL)
            return err_set(e, WL_EINVAL, "%s is mapped twice", names[i]);
        f->mapped[i] = is + 1;
        return 0;
    }
    const char *near = nearest_word(field, names);
    return err_set(e, WL_EINVAL, "--map wants FIELD=COLUMN, as in who=Mobile, and %.*s is no field%s%s", (int)field.n,
                   field.p, near != NULL ? "; did you mean " : "", near != NULL ? near : "");
}

int consent_format_header(struct consent_format *f, const struct import_row *header, struct err *e)
{
    memset(f->at, -1, sizeof f->at);
    f->error_at = -1;
    f->n = header->n;
    buf_init(&f->ignored, 16384);
    for (size_t i = 0; i < header->n; i++) {
        struct str name = str_trim(header->field[i]);
        int field = field_of(f, name);
        if (str_eq(name, STR("error")))
            f->error_at = (int)i;
        else if (field < 0 && name.n > 0)
            buf_printf(&f->ignored, "%s%.*s", f->ignored.len ? ", " : "", (int)name.n, name.p);
        else if (field >= 0 && f->at[field] >= 0)
            return err_set(e, WL_EINVAL, "two columns are %s; say which with --map %s=COLUMN", names[field],
                           names[field]);
        else if (field >= 0)
            f->at[field] = (int)i;
    }
    for (int i = 0; i < FIELD_COUNT; i++)
        if (f->mapped[i] != NULL && f->at[i] < 0)
            return err_set(e, WL_EINVAL, "there is no column \"%s\" for %s", f->mapped[i], names[i]);
    if (f->at[FIELD_WHO] < 0)
        return err_set(
            e, WL_EINVAL,
            "no column says who: name it who, phone or user_id, or say --map who=COLUMN (the first line must "
            "be a header)");
    return 0;
}

void consent_format_done(struct consent_format *f)
{
    buf_done(&f->ignored);
}

/* --- what is written ------------------------------------------------------------------------------------------------- */

/* Where the row came from, beside what it says itself. */
static void put_origin(const struct consent_format *f, int64_t line, struct json_out *out)
{
    jo_key(out, "import");
    jo_object(out);
    jo_kcstr(out, "file", f->file);
    jo_kcstr(out, "sha256", f->sha256);
    jo_kint(out, "row", line);
    jo_end(out);
}

/* `given`: an object, or absent; `text`: what else was written. */
static void put_evidence(const struct consent_format *f, int64_t line, struct json given, struct str text,
                         struct json_out *out)
{
    struct buf value;
    jo_key(out, "evidence");
    jo_object(out);
    buf_init(&value, CONSENT_ROW_BYTES);
    for (struct json_iter it = json_iter(given); json_next(&it);) {
        if (str_eq(it.key, STR("import")))
            continue; /* of the row itself; ours says where it came from */
        buf_clear(&value);
        json_write_value(&value, it.value);
        jo_key_str(out, it.key);
        jo_raw(out, buf_str(&value));
    }
    buf_done(&value);
    if (text.n > 0)
        jo_kstr(out, contact_evidence_key(text), text);
    put_origin(f, line, out);
    jo_end(out);
}

/* Checks what a file can have wrong and a gateway could not tell: who is meant. */
static int check_who(const struct consent_format *f, struct str *who, char number[PHONE_E164_MAX], struct err *e)
{
    struct identity id;
    if (who->n == 0)
        return err_set(e, WL_EINVAL, "is empty");
    if (identity_user_id(*who, &id, NULL) == 0)
        return 0;
    struct contact_numbers numbers = f->numbers;
    numbers.allow_unassigned = true; /* what people said stays true when plans change */
    int rc = contact_number(&numbers, *who, f->numbers.region, number, e);
    *who = rc == 0 ? str_of(number) : *who;
    return rc;
}

/* One field as text. */
static int put_text(const struct consent_format *f, enum consent_field field, struct str s, struct json_out *out,
                    struct err *e)
{
    char text[128], number[PHONE_E164_MAX];
    int64_t ms;
    int rc = 0;
    if (field == FIELD_WHO && (rc = check_who(f, &s, number, e)) != 0)
        return rc;
    if (field == FIELD_SCOPE && contact_scope_text(s, text, sizeof text, NULL) == 0)
        s = str_of(text);
    if ((field == FIELD_AT || field == FIELD_EXPIRES) && contact_time(s, &ms))
        s = str_of(time_text(ms, text));
    jo_kstr(out, names[field], s);
    return 0;
}

static struct str fallback_of(const struct consent_format *f, enum consent_field field)
{
    return f->fallback[field] != NULL ? str_of(f->fallback[field]) : STR("");
}

int consent_row_table(const struct consent_format *f, const struct import_row *row, struct json_out *out,
                      const char **ret_field, struct err *e)
{
    *ret_field = NULL;
    if (row->n > f->n)
        return err_set(e, WL_EINVAL, "the row has %zu cells, the header %zu: a delimiter inside a cell must be quoted",
                       row->n, f->n);
    jo_object(out);
    jo_kint(out, "row", (int64_t)row->line);
    for (int i = 0; i < FIELD_COUNT; i++) {
        int at = f->at[i];
        struct str s = at >= 0 && (size_t)at < row->n ? str_trim(row->field[at]) : STR("");
        s = s.n > 0 ? s : fallback_of(f, (enum consent_field)i);
        *ret_field = names[i];
        if (i == FIELD_EVIDENCE)
            put_evidence(f, (int64_t)row->line, (struct json){NULL, 0}, s, out);
        else if (s.n > 0 || i == FIELD_WHO) {
            int rc = put_text(f, (enum consent_field)i, s, out, e);
            if (rc != 0)
                return rc;
        }
    }
    jo_end(out);
    return 0;
}

/* A member of the line, under the API's name for it. */
static int put_member(const struct consent_format *f, int field, struct json_iter it, struct json_out *out,
                      struct err *e)
{
    struct str s;
    struct buf value;
    if (field >= 0 && json_str(it.value, &s))
        return put_text(f, (enum consent_field)field, str_trim(s), out, e);
    buf_init(&value, CONSENT_ROW_BYTES);
    json_write_value(&value, it.value);
    jo_key_str(out, field >= 0 ? str_of(names[field]) : it.key);
    jo_raw(out, buf_str(&value));
    buf_done(&value);
    return 0;
}

struct line {
    bool seen[FIELD_COUNT];
    struct json evidence;
    const char *field; /* at fault */
};

static int take_member(const struct consent_format *f, struct line *l, struct json_iter it, struct json_out *out,
                       struct err *e)
{
    int field = field_of(f, it.key);
    if (str_eq(it.key, STR("error")) || str_eq(it.key, STR("row")) || json_type(it.value) == JSON_NULL)
        return 0;
    l->field = field >= 0 ? names[field] : NULL;
    if (field >= 0 && l->seen[field])
        return err_set(e, WL_EINVAL, "is given twice");
    if (field >= 0)
        l->seen[field] = true;
    if (field != FIELD_EVIDENCE)
        return put_member(f, field, it, out, e);
    l->evidence = it.value;
    return 0;
}

static int fill_in(const struct consent_format *f, struct line *l, struct json_out *out, struct err *e)
{
    int rc = 0;
    l->field = names[FIELD_WHO];
    if (!l->seen[FIELD_WHO])
        return err_set(e, WL_EINVAL, "is missing");
    for (int i = 0; rc == 0 && i < FIELD_COUNT; i++)
        if (!l->seen[i] && f->fallback[i] != NULL && i != FIELD_EVIDENCE)
            rc = put_text(f, (enum consent_field)i, str_of(f->fallback[i]), out, e);
    return rc;
}

int consent_row_json(const struct consent_format *f, struct json_parser *parser, struct str line, int number,
                     struct json_out *out, const char **ret_field, struct err *e)
{
    struct line l = {.field = NULL};
    struct json root;
    int rc = json_parse(parser, line, false, &root, e);
    *ret_field = NULL;
    if (rc != 0)
        return rc;
    if (json_type(root) != JSON_OBJECT)
        return err_set(e, WL_EINVAL, "a line must be a JSON object");
    jo_object(out);
    jo_kint(out, "row", number);
    for (struct json_iter it = json_iter(root); rc == 0 && json_next(&it);)
        rc = take_member(f, &l, it, out, e);
    if (rc == 0)
        rc = fill_in(f, &l, out, e);
    *ret_field = l.field;
    put_evidence(f, number, l.evidence, json_str_or(l.evidence, STR("")), out);
    jo_end(out);
    return rc;
}

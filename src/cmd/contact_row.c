/* SPDX-License-Identifier: Apache-2.0
 * contact_row.c - column names, and the checks a row must pass.
 *
 * Column names are compared without case, spaces, '-' and '_', through one table of aliases. "no", "none" and an
 * empty field in the consent column mean that nothing is recorded, not a withdrawal: a withdrawal is an act of a
 * person and is written as one (consent_act = withdraw). There they mean all, and a scope or a time that cannot be read
 * is handed on for the gateway to say what it made of it.
 *
 * Without a leading '+' nobody can tell a national number from an international one: "212 555 0123" is New York to the
 * person who typed it and Morocco to the platform. Such a row is refused unless the caller vouches for the file. */
#include "cmd/contact_row.h"

#include <string.h>

#include "base/clock.h"
#include "core/consent.h"
#include "core/identity.h"

static const struct {
    const char *name;
    enum contact_column column;
} aliases[] = {
    {"phone", COLUMN_PHONE},
    {"phonenumber", COLUMN_PHONE},
    {"telephone", COLUMN_PHONE},
    {"tel", COLUMN_PHONE},
    {"mobile", COLUMN_PHONE},
    {"mobilephone", COLUMN_PHONE},
    {"cellphone", COLUMN_PHONE},
    {"cell", COLUMN_PHONE},
    {"msisdn", COLUMN_PHONE},
    {"whatsapp", COLUMN_PHONE},
    {"whatsappnumber", COLUMN_PHONE},
    {"waid", COLUMN_PHONE},
    {"number", COLUMN_PHONE},
    {"telefone", COLUMN_PHONE},
    {"celular", COLUMN_PHONE},
    {"telefono", COLUMN_PHONE},
    {"teléfono", COLUMN_PHONE},
    {"movil", COLUMN_PHONE},
    {"móvil", COLUMN_PHONE},
    {"telefon", COLUMN_PHONE},
    {"handy", COLUMN_PHONE},
    {"telefonnummer", COLUMN_PHONE},
    {"userid", COLUMN_USER_ID},
    {"bsuid", COLUMN_USER_ID},
    {"whatsappuserid", COLUMN_USER_ID},
    {"name", COLUMN_NAME},
    {"fullname", COLUMN_NAME},
    {"displayname", COLUMN_NAME},
    {"nome", COLUMN_NAME},
    {"nombre", COLUMN_NAME},
    {"nom", COLUMN_NAME},
    {"lang", COLUMN_LANG},
    {"language", COLUMN_LANG},
    {"locale", COLUMN_LANG},
    {"idioma", COLUMN_LANG},
    {"sprache", COLUMN_LANG},
    {"langue", COLUMN_LANG},
    {"zone", COLUMN_ZONE},
    {"timezone", COLUMN_ZONE},
    {"tz", COLUMN_ZONE},
    {"fusohorario", COLUMN_ZONE},
    {"zonahoraria", COLUMN_ZONE},
    {"zeitzone", COLUMN_ZONE},
    {"consent", COLUMN_CONSENT},
    {"consentscope", COLUMN_CONSENT},
    {"scope", COLUMN_CONSENT},
    {"optin", COLUMN_CONSENT},
    {"consentact", COLUMN_ACT},
    {"act", COLUMN_ACT},
    {"consentat", COLUMN_AT},
    {"consentdate", COLUMN_AT},
    {"consenttime", COLUMN_AT},
    {"optinat", COLUMN_AT},
    {"optindate", COLUMN_AT},
    {"consentmethod", COLUMN_METHOD},
    {"optinmethod", COLUMN_METHOD},
    {"consentwording", COLUMN_WORDING},
    {"wording", COLUMN_WORDING},
    {"consentlanguage", COLUMN_LANGUAGE},
    {"consentevidence", COLUMN_EVIDENCE},
    {"evidence", COLUMN_EVIDENCE},
    {"wordingsha256", COLUMN_WORDING_HASH},
    {"consentwordingsha256", COLUMN_WORDING_HASH},
    {"expires", COLUMN_EXPIRES},
    {"consentexpires", COLUMN_EXPIRES},
    {"business", COLUMN_BUSINESS},
    {"policy", COLUMN_POLICY},
    {"policyversion", COLUMN_POLICY},
    {"jurisdiction", COLUMN_JURISDICTION},
    {"error", COLUMN_ERROR},
};

static const char *const column_names[COLUMN_COUNT] = {
    [COLUMN_PHONE] = "phone",
    [COLUMN_USER_ID] = "user_id",
    [COLUMN_NAME] = "name",
    [COLUMN_LANG] = "lang",
    [COLUMN_ZONE] = "zone",
    [COLUMN_CONSENT] = "consent",
    [COLUMN_ACT] = "consent_act",
    [COLUMN_AT] = "consent_at",
    [COLUMN_METHOD] = "consent_method",
    [COLUMN_WORDING] = "consent_wording",
    [COLUMN_LANGUAGE] = "consent_language",
    [COLUMN_EVIDENCE] = "consent_evidence",
    [COLUMN_WORDING_HASH] = "wording_sha256",
    [COLUMN_EXPIRES] = "consent_expires",
    [COLUMN_BUSINESS] = "business",
    [COLUMN_POLICY] = "policy",
    [COLUMN_JURISDICTION] = "jurisdiction",
    [COLUMN_ERROR] = "error",
};

const char *contact_column_name(enum contact_column c)
{
    return column_names[c];
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static int column_of(struct str header)
{
    char plain[64];
    size_t n = 0;
    for (size_t i = 0; i < header.n; i++) {
        char c = header.p[i];
        if (c == ' ' || c == '_' || c == '-' || c == '\t')
            continue;
        if (n == sizeof plain)
            return -1;
        plain[n++] = lower(c);
    }
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (str_eq(str_of(aliases[i].name), (struct str){plain, n}))
            return (int)aliases[i].column;
    return -1;
}

int contact_columns_read(struct contact_columns *c, const struct csv_row *header, struct err *e)
{
    memset(c, 0, sizeof *c);
    memset(c->at, -1, sizeof c->at);
    c->n = header->n;
    buf_init(&c->ignored, 16384);
    for (size_t i = 0; i < header->n; i++) {
        struct str name = str_trim(header->field[i]);
        int column = column_of(name);
        if (column < 0 && name.n > 0) {
            buf_printf(&c->ignored, "%s%.*s", c->ignored.len ? ", " : "", (int)name.n, name.p);
        } else if (column >= 0 && c->at[column] >= 0) {
            struct str first = header->field[c->at[column]];
            return err_set(e, WL_EINVAL, "the columns \"%.*s\" and \"%.*s\" both mean %s", (int)first.n, first.p,
                           (int)name.n, name.p, column_names[column]);
        } else if (column >= 0) {
            c->at[column] = (int)i;
        }
    }
    if (c->at[COLUMN_PHONE] < 0 && c->at[COLUMN_USER_ID] < 0)
        return err_set(e, WL_EINVAL, "the first line names no column \"phone\" (or \"user_id\"): it must be a header");
    return 0;
}

void contact_columns_done(struct contact_columns *c)
{
    buf_done(&c->ignored);
}

bool contact_row_blank(const struct csv_row *row)
{
    for (size_t i = 0; i < row->n; i++)
        if (str_trim(row->field[i]).n > 0)
            return false;
    return true;
}

static struct str own_field(const struct contact_columns *c, const struct csv_row *row, enum contact_column which)
{
    int at = c->at[which];
    return at >= 0 && (size_t)at < row->n ? str_trim(row->field[at]) : (struct str){"", 0};
}

static struct str field(const struct contact_columns *c, const struct csv_row *row, enum contact_column which)
{
    struct str s = own_field(c, row, which);
    return s.n == 0 && c->fallback[which] ? str_of(c->fallback[which]) : s;
}

static bool one_of(struct str s, const char *words)
{
    struct str rest = str_of(words);
    while (rest.n > 0)
        if (str_ieq(s, str_cut(rest, ' ', &rest)))
            return true;
    return false;
}

/* Words of other programs' yes-or-no columns. */
#define NOTHING  "no none n false 0 - não nao nein non"
#define ANYTHING "yes y true 1 x ok sim si sí ja oui opt-in optin"

/* "Marketing; Utility" -> "marketing,utility", then read by the words core knows. */
int contact_scope_text(struct str s, char *out, size_t size, struct err *e)
{
    size_t n = 0;
    consent_scope scope;
    if (one_of(s, ANYTHING))
        return err_set(
            e, WL_EINVAL,
            "\"%.*s\" does not say to what: write all, or a list of marketing, utility, authentication, calls",
            (int)s.n, s.p);
    for (size_t i = 0; i < s.n; i++) {
        bool gap = memchr(" ,;|/+", s.p[i], 6) != NULL;
        if (n + 1 >= size)
            return err_set(e, WL_EINVAL, "is too long");
        if (!gap)
            out[n++] = lower(s.p[i]);
        else if (n > 0 && out[n - 1] != ',')
            out[n++] = ',';
    }
    while (n > 0 && out[n - 1] == ',')
        n--;
    out[n] = '\0';
    return consent_scope_parse((struct str){out, n}, &scope, e);
}

static bool withdraws(const struct contact_columns *c, const struct csv_row *row)
{
    return one_of(field(c, row, COLUMN_ACT), "withdraw withdrawn");
}

/* What a consent says beside scope, act and time. */
static void consent_rest(const struct contact_columns *c, const struct csv_row *row, bool grants, struct json_out *out)
{
    static const struct {
        const char *key;
        enum contact_column column;
    } texts[] = {
        {"wording", COLUMN_WORDING},   {"wording_sha256", COLUMN_WORDING_HASH}, {"language", COLUMN_LANGUAGE},
        {"evidence", COLUMN_EVIDENCE}, {"business", COLUMN_BUSINESS},           {"policy", COLUMN_POLICY},
        {"expires", COLUMN_EXPIRES},   {"jurisdiction", COLUMN_JURISDICTION},
    };
    struct str method = field(c, row, COLUMN_METHOD);
    jo_kstr(out, "method", method.n ? method : STR("import"));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct str s = field(c, row, texts[i].column);
        if (s.n > 0 && (grants || texts[i].column != COLUMN_EXPIRES))
            jo_kstr(out, texts[i].key, s);
    }
    jo_end(out);
}

/* Taken whatever its scope and time look like; --consent and --consent-at speak of what people agreed to. */
static void withdrawal_json(const struct contact_columns *c, const struct csv_row *row, struct json_out *out)
{
    struct str given = own_field(c, row, COLUMN_CONSENT), at = own_field(c, row, COLUMN_AT);
    char scope[128], text[TIME_TEXT];
    int64_t when;
    if (given.n == 0 || one_of(given, NOTHING) || one_of(given, ANYTHING))
        given = STR("all");
    else if (contact_scope_text(given, scope, sizeof scope, NULL) == 0)
        given = str_of(scope);
    jo_key(out, "consent");
    jo_object(out);
    jo_kstr(out, "scope", given);
    jo_kcstr(out, "act", "withdraw");
    if (at.n > 0)
        jo_kstr(out, "at", time_parse(at.p, at.n, &when) ? str_of(time_text(when, text)) : at);
    consent_rest(c, row, false, out);
}

/* The consent the row brings, if it does. */
static int consent_json(const struct contact_columns *c, const struct csv_row *row, struct json_out *out,
                        enum contact_column *ret, struct err *e)
{
    struct str given = field(c, row, COLUMN_CONSENT), act = field(c, row, COLUMN_ACT), at = field(c, row, COLUMN_AT);
    char scope[128], text[TIME_TEXT];
    int64_t when;
    if (withdraws(c, row)) {
        withdrawal_json(c, row, out);
        return 0;
    }
    *ret = COLUMN_CONSENT;
    if (given.n == 0 || one_of(given, NOTHING))
        return 0;
    int rc = contact_scope_text(given, scope, sizeof scope, e);
    if (rc != 0)
        return rc;
    *ret = COLUMN_ACT;
    if (act.n > 0 && !one_of(act, "grant granted"))
        return err_set(e, WL_EINVAL, "must be grant or withdraw");
    *ret = COLUMN_AT;
    if (at.n == 0)
        return err_set(e, WL_EINVAL,
                       "is missing: when did the person say so? (a date such as 2026-01-31, or --consent-at)");
    if (!time_parse(at.p, at.n, &when))
        return err_set(e, WL_EINVAL, "must be a date such as 2026-01-31 or a time such as 2026-01-31T09:30:00Z");
    if (when > clock_now_ms() + 60000)
        return err_set(e, WL_EINVAL, "lies in the future");
    jo_key(out, "consent");
    jo_object(out);
    jo_kcstr(out, "scope", scope);
    jo_kcstr(out, "act", "grant");
    jo_kcstr(out, "at", time_text(when, text));
    consent_rest(c, row, true, out);
    return 0;
}

/* A plus, as typed on any keyboard, before the first digit: "+44...", "(+44)...", or full-width. */
static bool leads_with_plus(struct str phone)
{
    static const char wide[] = "\xEF\xBC\x8B";
    for (size_t i = 0; i < phone.n && (phone.p[i] < '0' || phone.p[i] > '9'); i++)
        if (phone.p[i] == '+' || str_starts((struct str){phone.p + i, phone.n - i}, str_of(wide)))
            return true;
    return false;
}

int contact_phone_check(struct str phone, bool international, struct err *e)
{
    struct identity id;
    const char *exp = memchr(phone.p, 'E', phone.n);
    if (exp == NULL)
        exp = memchr(phone.p, 'e', phone.n);
    if (exp && exp > phone.p && phone.p[0] >= '0' && phone.p[0] <= '9')
        return err_set(
            e, WL_EINVAL,
            "was shortened by a spreadsheet (as in 5.5E+12) and cannot be restored; export the column as text");
    int rc = identity_phone(phone, &id, e);
    if (rc == 0 && !international && !leads_with_plus(phone))
        return err_set(e, WL_EINVAL,
                       "write it with + and the country code, or say --international if every number in this file "
                       "begins with its country code");
    return rc;
}

/* Who the row is about. A withdrawal is content with one of two names: 1 then, and the other is not to be used. */
static int check_names(struct str *phone, struct str *user, const struct contact_columns *c, bool lenient,
                       enum contact_column *ret_field, struct err *e)
{
    struct identity id;
    int rc = 0;
    if (phone->n == 0 && user->n == 0)
        return err_set(e, WL_EINVAL, "is empty, and there is no user id");
    if (phone->n > 0 && (rc = contact_phone_check(*phone, c->international, e)) != 0) {
        if (!lenient || user->n == 0 || identity_user_id(*user, &id, NULL) != 0)
            return rc;
        *phone = STR("");
        return 1;
    }
    *ret_field = COLUMN_USER_ID;
    if (user->n > 0 && (rc = identity_user_id(*user, &id, e)) != 0) {
        if (!lenient || phone->n == 0)
            return rc;
        *user = STR("");
        return 1;
    }
    return 0;
}

int contact_row_json(const struct contact_columns *c, const struct csv_row *row, struct json_out *out,
                     enum contact_column *ret_field, struct err *e)
{
    struct str phone = field(c, row, COLUMN_PHONE), user = field(c, row, COLUMN_USER_ID);
    *ret_field = COLUMN_PHONE;
    if (row->n > c->n)
        return err_set(e, WL_EINVAL,
                       "the row has %zu fields, the header %zu: a delimiter inside a field must be quoted", row->n,
                       c->n);
    int warned = check_names(&phone, &user, c, withdraws(c, row), ret_field, e);
    if (warned < 0)
        return warned;
    jo_object(out);
    jo_kint(out, "row", row->line);
    if (phone.n > 0)
        jo_kstr(out, "phone", phone);
    if (user.n > 0)
        jo_kstr(out, "user_id", user);
    jo_kstr(out, "name", field(c, row, COLUMN_NAME));
    jo_kstr(out, "lang", field(c, row, COLUMN_LANG));
    if (field(c, row, COLUMN_ZONE).n > 0)
        jo_kstr(out, "zone", field(c, row, COLUMN_ZONE));
    int rc = consent_json(c, row, out, ret_field, e);
    jo_end(out);
    return rc < 0 ? rc : warned;
}

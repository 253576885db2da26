/* SPDX-License-Identifier: Apache-2.0
 * template.c - compiling a listed template to what it expects, and holding a send against it.
 *
 * The spec keeps, for header, body and each button, how many values the sender must give and under which
 * names; a carousel keeps a spec for each card. Everything this file does not understand (a new header format, a
 * brace pair that is no variable, a listing without components) becomes "open" and accepts anything:
 * refusing a good message costs the user a customer, letting a bad one through costs one error from Meta. */
#include "core/template.h"

#include <string.h>

#define VARS_MAX    256 /* distinct variables of one text; a body has at most 1,024 characters */
#define BUTTONS_MAX 64
#define CARDS_MAX   64
#define TTL_MOST    2592000 /* seconds; 30 days */

/* words */

static const struct status_word {
    const char *word;
    enum template_status status;
} status_words[] = {
    {"unknown", TEMPLATE_STATUS_UNKNOWN},
    {"approved", TEMPLATE_APPROVED},
    {"pending", TEMPLATE_PENDING},
    {"rejected", TEMPLATE_REJECTED},
    {"paused", TEMPLATE_PAUSED},
    {"disabled", TEMPLATE_DISABLED},
    {"in_appeal", TEMPLATE_IN_APPEAL},
    {"limit_exceeded", TEMPLATE_LIMIT_EXCEEDED},
    {"archived", TEMPLATE_ARCHIVED},
    {"deleted", TEMPLATE_DELETED},
    {"pending_deletion", TEMPLATE_PENDING_DELETION},
    {"flagged", TEMPLATE_FLAGGED},
    {"locked", TEMPLATE_LOCKED},
    /* events that end in one of the above */
    {"reinstated", TEMPLATE_APPROVED},
    {"unarchived", TEMPLATE_APPROVED},
};

const char *template_status_name(enum template_status s)
{
    for (size_t i = 0; i < sizeof status_words / sizeof status_words[0]; i++)
        if (status_words[i].status == s)
            return status_words[i].word;
    return "unknown";
}

enum template_status template_status_parse(struct str s)
{
    for (size_t i = 0; i < sizeof status_words / sizeof status_words[0]; i++)
        if (str_ieq(s, str_of(status_words[i].word)))
            return status_words[i].status;
    return TEMPLATE_STATUS_UNKNOWN;
}

const char *template_fit_name(enum template_fit f)
{
    static const char *const names[] = {"ok", "count", "type", "format", "text"};
    return (size_t)f < sizeof names / sizeof names[0] ? names[f] : "unknown";
}

/* the spec */

struct vars {
    bool open; /* not understood: any values pass */
    bool named;
    uint64_t max; /* highest number, positional */
    size_t n;     /* distinct */
    struct str *name;
};

enum header_kind {
    HEADER_NONE,
    HEADER_TEXT,
    HEADER_IMAGE,
    HEADER_VIDEO,
    HEADER_DOCUMENT,
    HEADER_LOCATION,
    HEADER_OPEN
};

enum button_kind { BUTTON_OPEN, BUTTON_FIXED_URL, BUTTON_URL, BUTTON_COUPON, BUTTON_CODE };

struct template_spec {
    bool open; /* no components were listed */
    int64_t ttl;
    enum header_kind header;
    struct vars header_vars, body;
    size_t n_buttons;
    uint8_t button[BUTTONS_MAX]; /* enum button_kind */
    size_t n_cards;
    struct template_spec **card;
};

static struct str word_of(struct json object, const char *key)
{
    return json_str_or(json_get(object, key), STR(""));
}

static bool is_word(struct json object, const char *key, const char *word)
{
    return str_ieq(word_of(object, key), str_of(word));
}

static bool is_name_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (!first && (c == '_' || (c >= '0' && c <= '9')));
}

static bool is_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* {{7}} or {{first_name}}, as docs/platform.md §5.8 has it. */
static bool is_variable(struct str s)
{
    if (s.n == 0 || is_digits(s))
        return s.n > 0 && s.n <= 6;
    for (size_t i = 0; i < s.n; i++)
        if (!is_name_char(s.p[i], i == 0))
            return false;
    return true;
}

/* The next {{...}} in *rest, its inside trimmed; {NULL,0} when there is none. */
static struct str next_braces(struct str *rest)
{
    for (size_t i = 0; i + 1 < rest->n; i++) {
        if (rest->p[i] != '{' || rest->p[i + 1] != '{')
            continue;
        size_t start = i + 2;
        for (size_t j = start; j + 1 < rest->n; j++) {
            if (rest->p[j] != '}' || rest->p[j + 1] != '}')
                continue;
            struct str inside = {rest->p + start, j - start};
            *rest = (struct str){rest->p + j + 2, rest->n - j - 2};
            return str_trim(inside);
        }
        break;
    }
    return (struct str){NULL, 0};
}

static bool knows(const struct vars *v, struct str name, size_t *ret_at)
{
    for (size_t i = 0; i < v->n; i++)
        if (str_eq(v->name[i], name)) {
            *ret_at = i;
            return true;
        }
    return false;
}

static int scan_vars(struct arena *a, struct str text, struct vars *v, struct err *e)
{
    struct str found[VARS_MAX], rest = text, name;
    size_t at, named = 0;
    memset(v, 0, sizeof *v);
    struct vars seen = {.name = found};
    while ((name = next_braces(&rest)).p != NULL) {
        int64_t number = 0;
        if (!is_variable(name) || (seen.n == VARS_MAX && !knows(&seen, name, &at))) {
            v->open = true;
            return 0;
        }
        if (knows(&seen, name, &at))
            continue;
        if (str_i64(name, &number) && (uint64_t)number > seen.max)
            seen.max = (uint64_t)number;
        named += !is_digits(name);
        found[seen.n++] = name;
    }
    seen.named = named > 0;
    seen.open = named > 0 && named < seen.n; /* Meta allows no mixture, so this is not what it seems */
    seen.name = arena_new_array(a, struct str, seen.n + 1);
    if (seen.name == NULL)
        return err_set(e, WL_ENOMEM, "the template does not fit its memory");
    for (size_t i = 0; i < seen.n; i++) {
        seen.name[i] = (struct str){arena_strndup(a, found[i].p, found[i].n), found[i].n};
        if (seen.name[i].p == NULL)
            return err_set(e, WL_ENOMEM, "the template does not fit its memory");
    }
    *v = seen;
    return 0;
}

static int compile_header(struct arena *a, struct json c, struct template_spec *s, struct err *e)
{
    static const struct {
        const char *format;
        enum header_kind kind;
    } formats[] = {{"text", HEADER_TEXT},         {"image", HEADER_IMAGE},       {"video", HEADER_VIDEO},
                   {"document", HEADER_DOCUMENT}, {"location", HEADER_LOCATION}, {"", HEADER_TEXT}};
    struct str text;
    s->header = HEADER_OPEN;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (is_word(c, "format", formats[i].format))
            s->header = formats[i].kind;
    if (s->header != HEADER_TEXT)
        return 0;
    if (json_str(json_get(c, "text"), &text))
        return scan_vars(a, text, &s->header_vars, e);
    s->header = HEADER_OPEN;
    return 0;
}

static enum button_kind button_kind(struct json b)
{
    struct str url = word_of(b, "url"), inside = {NULL, 0};
    if (is_word(b, "type", "otp"))
        return BUTTON_CODE;
    if (is_word(b, "type", "copy_code"))
        return BUTTON_COUPON;
    if (!is_word(b, "type", "url") || url.n == 0)
        return BUTTON_OPEN;
    inside = next_braces(&url);
    if (inside.p == NULL)
        return BUTTON_FIXED_URL;
    return is_variable(inside) ? BUTTON_URL : BUTTON_OPEN;
}

static void compile_buttons(struct json list, struct template_spec *s)
{
    for (struct json_iter it = json_iter(list); json_next(&it) && s->n_buttons < BUTTONS_MAX;)
        s->button[s->n_buttons++] = (uint8_t)button_kind(it.value);
}

static bool has_code_button(const struct template_spec *s)
{
    for (size_t i = 0; i < s->n_buttons; i++)
        if (s->button[i] == BUTTON_CODE)
            return true;
    return false;
}

/* Everything but the carousel, which only stands at the top. */
static int compile_parts(struct arena *a, struct json components, struct template_spec *s, struct err *e)
{
    bool body_without_text = false;
    for (struct json_iter it = json_iter(components); json_next(&it);) {
        struct str text;
        int rc = 0;
        if (is_word(it.value, "type", "header"))
            rc = compile_header(a, it.value, s, e);
        else if (is_word(it.value, "type", "buttons"))
            compile_buttons(json_get(it.value, "buttons"), s);
        else if (is_word(it.value, "type", "body") && json_str(json_get(it.value, "text"), &text))
            rc = scan_vars(a, text, &s->body, e);
        else if (is_word(it.value, "type", "body"))
            body_without_text = true;
        if (rc != 0)
            return rc;
    }
    if (body_without_text && has_code_button(s))
        s->body.n = s->body.max = 1; /* the preset "{{1}} is your verification code." is not always listed */
    else if (body_without_text)
        s->body.open = true;
    return 0;
}

static int compile_cards(struct arena *a, struct json cards, struct template_spec *s, struct err *e)
{
    size_t n = json_type(cards) == JSON_ARRAY ? json_count(cards) : 0;
    if (n > CARDS_MAX)
        n = CARDS_MAX;
    s->card = arena_new_array(a, struct template_spec *, n + 1);
    if (s->card == NULL)
        return err_set(e, WL_ENOMEM, "the template does not fit its memory");
    for (struct json_iter it = json_iter(cards); s->n_cards < n && json_next(&it);) {
        struct template_spec *card = arena_new(a, struct template_spec);
        if (card == NULL)
            return err_set(e, WL_ENOMEM, "the template does not fit its memory");
        int rc = compile_parts(a, json_get(it.value, "components"), card, e);
        if (rc != 0)
            return rc;
        s->card[s->n_cards++] = card;
    }
    return 0;
}

/* A number or, as some of Meta's numbers come, a text of one; what is no time is not told. */
static int64_t read_ttl(struct json v)
{
    int64_t ttl = 0;
    struct str text;
    if (!json_i64(v, &ttl) && !(json_str(v, &text) && str_i64(text, &ttl)))
        return 0;
    return ttl == -1 || (ttl > 0 && ttl <= TTL_MOST) ? ttl : 0;
}

int64_t template_ttl(const struct template_spec *spec)
{
    return spec->ttl;
}

int template_compile(struct arena *a, struct json listing, struct template_spec **ret, struct err *e)
{
    struct json components = json_get(listing, "components");
    if (json_type(listing) != JSON_OBJECT)
        return err_set(e, WL_EINVAL, "a template must be a JSON object");
    if (json_type(components) > JSON_NULL && json_type(components) != JSON_ARRAY)
        return err_set(e, WL_EINVAL, "components of a template must be an array");
    struct template_spec *s = arena_new(a, struct template_spec);
    if (s == NULL)
        return err_set(e, WL_ENOMEM, "the template does not fit its memory");
    s->open = json_type(components) != JSON_ARRAY;
    s->ttl = read_ttl(json_get(listing, "message_send_ttl_seconds"));
    int rc = compile_parts(a, components, s, e);
    for (struct json_iter it = json_iter(components); rc == 0 && json_next(&it);)
        if (is_word(it.value, "type", "carousel") && s->n_cards == 0)
            rc = compile_cards(a, json_get(it.value, "cards"), s, e);
    if (rc == 0)
        *ret = s;
    return rc;
}

/* the check */

enum value_kind { VALUE_UNKNOWN, VALUE_TEXT, VALUE_IMAGE, VALUE_VIDEO, VALUE_DOCUMENT, VALUE_LOCATION, VALUE_OTHER };

static const struct value_word {
    const char *word;
    enum value_kind kind;
} value_words[] = {
    {"text", VALUE_TEXT},   {"currency", VALUE_TEXT},     {"date_time", VALUE_TEXT},    {"image", VALUE_IMAGE},
    {"video", VALUE_VIDEO}, {"document", VALUE_DOCUMENT}, {"location", VALUE_LOCATION}, {"product", VALUE_OTHER},
    {"gif", VALUE_OTHER},   {"payload", VALUE_OTHER},     {"action", VALUE_OTHER},      {"coupon_code", VALUE_OTHER},
};

static enum value_kind value_kind(struct json parameter)
{
    for (size_t i = 0; i < sizeof value_words / sizeof value_words[0]; i++)
        if (is_word(parameter, "type", value_words[i].word))
            return value_words[i].kind;
    return VALUE_UNKNOWN;
}

/* Everything one component's check needs. */
struct look {
    const char *where; /* "header", "body", "link" */
    struct json parameters;
    size_t number; /* of the parameter looked at, from 1 */
    struct err *why;
};

static enum template_fit misfit(struct look *l, enum template_fit fit, const char *what)
{
    err_set(l->why, WL_EINVAL, "%s: parameter %zu %s", l->where, l->number, what);
    return fit;
}

static enum template_fit wrong_count(struct look *l, size_t given, size_t expected)
{
    err_set(l->why, WL_EINVAL, "%s: %zu parameters given, %zu expected", l->where, given, expected);
    return FIT_COUNT;
}

/* How many parameters a component gives; -1 when `parameters` is nothing we can count. */
static long given(struct json component, struct json *ret)
{
    struct json p = json_get(component, "parameters");
    *ret = p;
    if (json_type(p) <= JSON_NULL)
        return 0;
    return json_type(p) == JSON_ARRAY ? (long)json_count(p) : -1;
}

/* "Param text cannot have new-line/tab characters or more than 4 consecutive spaces" */
static bool text_is_clean(struct str s)
{
    size_t spaces = 0;
    for (size_t i = 0; i < s.n; i++) {
        spaces = s.p[i] == ' ' ? spaces + 1 : 0;
        if (s.p[i] == '\n' || s.p[i] == '\t' || spaces > 4)
            return false;
    }
    return true;
}

/* The name a value is sent under against the names the text has. `used` marks names taken so far. */
static enum template_fit check_name(struct look *l, const struct vars *v, struct json parameter, bool used[VARS_MAX])
{
    struct str name = word_of(parameter, "parameter_name");
    size_t at = 0;
    if (!v->named)
        return name.n == 0 || is_digits(name)
                   ? FIT_OK
                   : misfit(l, FIT_FORMAT, "has a name, the template has numbered parameters");
    if (name.n == 0)
        return misfit(l, FIT_FORMAT, "has no parameter_name, the template has named parameters");
    if (!knows(v, name, &at) || used[at]) {
        err_set(l->why, WL_EINVAL, "%s: parameter \"%.*s\" is %s", l->where, name.n > 60 ? 60 : (int)name.n, name.p,
                at < v->n && used[at] ? "given twice" : "not in the template");
        return FIT_FORMAT;
    }
    used[at] = true;
    return FIT_OK;
}

static enum template_fit check_value(struct look *l, struct json parameter)
{
    enum value_kind kind = value_kind(parameter);
    struct str text;
    if (kind != VALUE_UNKNOWN && kind != VALUE_TEXT) {
        struct str word = word_of(parameter, "type");
        err_set(l->why, WL_EINVAL, "%s: parameter %zu is of type %.*s, text is expected", l->where, l->number,
                (int)word.n, word.p);
        return FIT_TYPE;
    }
    if (kind == VALUE_TEXT && json_str(json_get(parameter, "text"), &text) && !text_is_clean(text))
        return misfit(l, FIT_TEXT, "has a line break, a tab or more than 4 spaces in a row");
    return FIT_OK;
}

/* The values of a text with variables. */
static enum template_fit check_text_part(struct look *l, const struct vars *v, long n)
{
    bool used[VARS_MAX] = {false};
    if (v->open || n < 0)
        return FIT_OK;
    if ((size_t)n != v->n && (v->named || (uint64_t)n != v->max))
        return wrong_count(l, (size_t)n, v->n);
    for (struct json_iter it = json_iter(l->parameters); n > 0 && json_next(&it);) {
        l->number++;
        enum template_fit fit = check_name(l, v, it.value, used);
        if (fit == FIT_OK)
            fit = check_value(l, it.value);
        if (fit != FIT_OK)
            return fit;
    }
    return FIT_OK;
}

/* A media or location header. Meta calls a missing one a wrong format ("received UNKNOWN"), and so do we. */
static enum template_fit check_media_header(struct look *l, enum header_kind header, long n)
{
    static const struct {
        enum header_kind header;
        enum value_kind value;
        const char *name;
    } kinds[] = {{HEADER_IMAGE, VALUE_IMAGE, "image"},
                 {HEADER_VIDEO, VALUE_VIDEO, "video"},
                 {HEADER_DOCUMENT, VALUE_DOCUMENT, "document"},
                 {HEADER_LOCATION, VALUE_LOCATION, "location"}};
    size_t k = 0;
    while (kinds[k].header != header)
        k++;
    if (n > 1)
        return wrong_count(l, (size_t)n, 1);
    struct json_iter it = json_iter(l->parameters);
    bool any = n == 1 && json_next(&it);
    enum value_kind value = any ? value_kind(it.value) : VALUE_UNKNOWN;
    if (n < 0 || value == kinds[k].value || (any && value == VALUE_UNKNOWN))
        return FIT_OK;
    err_set(l->why, WL_EINVAL, "%s: a parameter of type %s is expected, %s is given", l->where, kinds[k].name,
            any ? "another type" : "none");
    return FIT_TYPE;
}

static enum template_fit check_header(struct look *l, const struct template_spec *s, long n)
{
    if (s->header == HEADER_OPEN)
        return FIT_OK;
    if (s->header == HEADER_TEXT)
        return check_text_part(l, &s->header_vars, n);
    if (s->header != HEADER_NONE)
        return check_media_header(l, s->header, n);
    return n > 0 ? wrong_count(l, (size_t)n, 0) : FIT_OK;
}

static enum template_fit check_button(const struct template_spec *s, size_t index, struct json parameters, long n,
                                      struct err *why)
{
    static const char *const names[] = {"button", "link without a variable", "link", "coupon", "code"};
    enum button_kind kind = (enum button_kind)s->button[index];
    struct look l = {.where = names[kind], .parameters = parameters, .why = why};
    enum template_fit fit = FIT_OK;
    struct json_iter it = json_iter(parameters);
    if (kind == BUTTON_OPEN || n < 0)
        return FIT_OK;
    if (kind != BUTTON_FIXED_URL && n != 1)
        fit = wrong_count(&l, (size_t)n, 1);
    else if (kind == BUTTON_FIXED_URL && n > 0 && json_next(&it) && value_kind(it.value) == VALUE_TEXT)
        fit = wrong_count(&l, (size_t)n, 0);
    if (fit != FIT_OK)
        err_prefix(why, "button %zu", index);
    return fit;
}

struct seen {
    bool header, body, unsure; /* unsure: a button whose index we could not read */
    bool button[BUTTONS_MAX];
};

static enum template_fit check_component(const struct template_spec *s, struct json c, struct seen *seen,
                                         struct err *why)
{
    struct look l = {.why = why};
    long n = given(c, &l.parameters);
    int64_t index = -1;
    if (is_word(c, "type", "header")) {
        seen->header = true;
        l.where = "header";
        return check_header(&l, s, n);
    }
    if (is_word(c, "type", "body")) {
        seen->body = true;
        l.where = "body";
        return check_text_part(&l, &s->body, n);
    }
    if (!is_word(c, "type", "button"))
        return FIT_OK;
    if (!json_id(json_get(c, "index"), &index) || index < 0 || (uint64_t)index >= s->n_buttons) {
        seen->unsure = true;
        return FIT_OK;
    }
    seen->button[index] = true;
    return check_button(s, (size_t)index, l.parameters, n, why);
}

/* What the template needs and the send does not have at all. */
static enum template_fit check_missing(const struct template_spec *s, const struct seen *seen, struct err *why)
{
    struct look l = {.why = why, .where = "header"};
    enum template_fit fit = seen->header ? FIT_OK : check_header(&l, s, 0);
    if (fit == FIT_OK && !seen->body) {
        l.where = "body";
        fit = check_text_part(&l, &s->body, 0);
    }
    for (size_t i = 0; fit == FIT_OK && !seen->unsure && i < s->n_buttons; i++)
        if (!seen->button[i])
            fit = check_button(s, i, (struct json){0}, 0, why);
    return fit;
}

/* A carousel's cards: what is there must fit, what is missing is left to Meta. Product carousels are defined
 * with two cards and sent with up to ten, so a card beyond the last is held against the last. */
static enum template_fit check_cards(const struct template_spec *s, struct json cards, struct err *why)
{
    int64_t position = 0;
    if (s->n_cards == 0)
        return FIT_OK;
    for (struct json_iter it = json_iter(cards); json_next(&it); position++) {
        int64_t index = position;
        json_id(json_get(it.value, "card_index"), &index);
        size_t at = index >= 0 && (uint64_t)index < s->n_cards ? (size_t)index : s->n_cards - 1;
        struct seen seen = {0};
        struct json components = json_get(it.value, "components");
        if (json_type(components) != JSON_ARRAY)
            continue;
        for (struct json_iter c = json_iter(components); json_next(&c);) {
            enum template_fit fit = check_component(s->card[at], c.value, &seen, why);
            if (fit != FIT_OK) {
                err_prefix(why, "card %lld", (long long)index);
                return fit;
            }
        }
    }
    return FIT_OK;
}

enum template_fit template_check(const struct template_spec *spec, struct json components, struct err *why)
{
    struct seen seen = {0};
    if (spec->open || (json_type(components) > JSON_NULL && json_type(components) != JSON_ARRAY))
        return FIT_OK;
    for (struct json_iter it = json_iter(components); json_next(&it);) {
        enum template_fit fit = is_word(it.value, "type", "carousel")
                                    ? check_cards(spec, json_get(it.value, "cards"), why)
                                    : check_component(spec, it.value, &seen, why);
        if (fit != FIT_OK)
            return fit;
    }
    return check_missing(spec, &seen, why);
}

/* SPDX-License-Identifier: Apache-2.0
 * segment_read_value.c - the value of a rule: one thing or a list, as JSON or as text with commas, checked against its field.
 *
 * Where an operator takes a list, react-querybuilder gives an array or "a,b" with "\," for a comma that belongs to a value; elsewhere a
 * comma is a comma. Texts lose the blanks around them. Of an attribute the value decides what is compared: a number written as a
 * number compares numbers; < <= > >= between compare numbers or times, whichever the text is; all else compares texts. */
#include <string.h>

#include "base/yaml.h" /* nearest_word() */
#include "core/audience_impl.h"
#include "core/country.h"
#include "core/country_group.h"
#include "core/segment_impl.h"

struct values {
    struct arena *arena;
    struct segment_rule *rule;
    size_t cap, numbers; /* numbers: of those that are JSON numbers */
};

static int no_memory(struct err *e)
{
    return err_set(e, WL_ENOMEM, "out of memory for a segment");
}

static int put(struct values *v, struct str text, bool number, struct err *e)
{
    struct segment_rule *r = v->rule;
    text = str_trim(text);
    if (text.n == 0)
        return err_set(e, WL_EINVAL, "a value is missing; the operator null asks for people without one");
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ')
            return err_set(e, WL_EINVAL, "a value has no control characters");
    if (r->n == SEGMENT_VALUES_MAX)
        return err_set(e, WL_ETOOBIG, "a rule has at most %d values", SEGMENT_VALUES_MAX);
    if (r->n == v->cap) {
        size_t cap = v->cap == 0 ? 2 : v->cap * 4;
        struct str *more = arena_new_array(v->arena, struct str, cap);
        if (more == NULL)
            return no_memory(e);
        if (r->n > 0)
            memcpy(more, r->text, r->n * sizeof *more);
        r->text = more;
        v->cap = cap;
    }
    char *copy = arena_strndup(v->arena, text.p, text.n);
    if (copy == NULL)
        return no_memory(e);
    r->text[r->n++] = (struct str){copy, text.n};
    v->numbers += number;
    return 0;
}

/* One element of JSON. */
static int put_json(struct values *v, struct json j, struct err *e)
{
    struct str text;
    struct buf number;
    bool yes;
    if (json_str(j, &text))
        return put(v, text, false, e);
    if (json_bool(j, &yes))
        return put(v, yes ? STR("true") : STR("false"), false, e);
    if (json_type(j) != JSON_INT && json_type(j) != JSON_UINT && json_type(j) != JSON_DOUBLE)
        return err_set(e, WL_EINVAL, "a value is a text, a number, or true or false");
    buf_init(&number, 64);
    json_write_value(&number, j);
    int rc = put(v, buf_str(&number), true, e);
    buf_done(&number);
    return rc;
}

/* "a,b\,c" */
static int put_commas(struct values *v, struct str text, struct err *e)
{
    char *one = arena_alloc(v->arena, text.n + 1);
    size_t n = 0;
    int rc = 0;
    if (one == NULL)
        return no_memory(e);
    for (size_t i = 0; rc == 0 && i <= text.n; i++) {
        if (i < text.n && text.p[i] == '\\' && i + 1 < text.n && text.p[i + 1] == ',')
            one[n++] = text.p[++i];
        else if (i < text.n && text.p[i] != ',')
            one[n++] = text.p[i];
        else {
            if (str_trim((struct str){one, n}).n > 0) /* "a,b," is two */
                rc = put(v, (struct str){one, n}, false, e);
            n = 0;
        }
    }
    return rc;
}

static int collect(struct values *v, struct json value, const struct segment_operator *o, struct err *e)
{
    struct str text;
    int rc = 0;
    if (json_type(value) == JSON_ABSENT || json_type(value) == JSON_NULL)
        return err_set(e, WL_EINVAL, "a value is missing");
    if (o->list && json_str(value, &text))
        rc = put_commas(v, text, e);
    else if (json_type(value) != JSON_ARRAY)
        rc = put_json(v, value, e);
    else
        for (struct json_iter it = json_iter(value); rc == 0 && json_next(&it);)
            rc = put_json(v, it.value, e);
    if (rc != 0)
        return rc;
    size_t n = v->rule->n;
    if (o->op == OP_BETWEEN && n != 2)
        return err_set(e, WL_EINVAL, "%s takes two values, not %zu", o->name, n);
    if (n == 0 || (!o->list && n != 1))
        return err_set(e, WL_EINVAL, n == 0 ? "a value is missing" : "%s takes one value; several are for in and notIn",
                       o->name);
    return 0;
}

/* --- kinds ------------------------------------------------------------------------------------------------------------ */

static int short_of(struct str s)
{
    return (int)str_clip(s, 60).n;
}

/* Country codes are kept in capitals. */
static int check_country(struct values *v, struct str *text, struct err *e)
{
    char *code = (char *)arena_strndup(v->arena, text->p, text->n);
    struct err inner = {0};
    const struct str typed = *text;
    if (code == NULL)
        return no_memory(e);
    for (size_t i = 0; i < text->n; i++)
        code[i] = code[i] >= 'a' && code[i] <= 'z' ? (char)(code[i] - ('a' - 'A')) : code[i];
    if (country_check((struct str){code, text->n}, PLACE_COUNTRY, NULL) != 0 &&
        country_check(typed, PLACE_COUNTRY, &inner) != 0)
        return err_set(e, WL_EINVAL, "%s%s", inner.text,
                       country_group(*text) != NULL ? "; groups of countries are the field country_group" : "");
    text->p = code;
    return 0;
}

static int check_group(struct str text, struct err *e)
{
    const char *words[64];
    size_t n = 0;
    if (country_group(text) != NULL)
        return 0;
    for (const struct country_group *g = country_groups; g->word != NULL && n < 63; g++)
        words[n++] = g->word;
    words[n] = NULL;
    const char *near = nearest_word(text, words);
    return err_set(e, WL_EINVAL, "\"%.*s\" is no group of countries%s%s%s", short_of(text), text.p,
                   near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "");
}

/* One of the field's own words, kept as the field has it. */
static int check_choice(struct values *v, struct str *text, struct err *e)
{
    for (struct str rest = str_of(v->rule->field->values); rest.n > 0;) {
        struct str word = str_cut(rest, ' ', &rest);
        if (str_ieq(word, *text)) {
            *text = word;
            return 0;
        }
    }
    return err_set(e, WL_EINVAL, "%s is never \"%.*s\", but one of: %s", v->rule->field->name, short_of(*text), text->p,
                   v->rule->field->values);
}

static int check_id(struct str text, struct err *e)
{
    int64_t id;
    if (str_i64(text, &id) && id > 0)
        return 0;
    return err_set(e, WL_EINVAL, "\"%.*s\" is no id, which has digits only", short_of(text), text.p);
}

static bool is_campaign(struct str id)
{
    bool plain = id.n > 0 && id.n <= AUDIENCE_CAMPAIGN_MAX;
    for (size_t i = 0; plain && i < id.n; i++)
        plain = (id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'a' && id.p[i] <= 'z');
    return plain;
}

/* An id alone asks for its audience. */
static int check_campaign(struct values *v, struct str *text, struct err *e)
{
    static const char marks[] = "in sent delivered read replied failed opted_out";
    struct str mark, id = str_cut(*text, ':', &mark);
    if (!is_campaign(id))
        return err_set(e, WL_EINVAL,
                       "\"%.*s\": a campaign's id, a colon and a word are wanted, as in k0dwt9b3c5e0g00:read",
                       short_of(*text), text->p);
    if (mark.p == NULL) {
        text->p = arena_printf(v->arena, "%.*s:in", (int)id.n, id.p);
        text->n = id.n + 3;
        return text->p != NULL ? 0 : no_memory(e);
    }
    for (struct str rest = str_of(marks); rest.n > 0;)
        if (str_eq(str_cut(rest, ' ', &rest), mark))
            return 0;
    return err_set(e, WL_EINVAL, "\"%.*s\" is nothing a campaign did with people: one of %s", short_of(mark), mark.p,
                   marks);
}

/* true and false, as the opposite of true. */
static int check_flag(struct segment_rule *r, struct err *e)
{
    bool yes = str_ieq(r->text[0], STR("true")), no = str_ieq(r->text[0], STR("false"));
    if (!yes && !no)
        return err_set(e, WL_EINVAL, "%s is true or false", r->field->name);
    r->negated ^= no;
    r->text[0] = STR("true");
    return 0;
}

static int as_numbers(struct values *v, struct err *e)
{
    struct segment_rule *r = v->rule;
    r->as = AS_NUMBER;
    r->number = arena_new_array(v->arena, int64_t, r->n);
    if (r->number == NULL)
        return no_memory(e);
    for (size_t i = 0; i < r->n; i++)
        if (!segment_number(r->text[i], &r->number[i]))
            return err_set(e, WL_EINVAL, "\"%.*s\" is no number, as 12 or -0.5", short_of(r->text[i]), r->text[i].p);
    return 0;
}

static int as_times(struct values *v, struct err *e)
{
    struct segment_rule *r = v->rule;
    r->as = AS_TIME;
    r->time = arena_new_array(v->arena, struct segment_time, r->n);
    if (r->time == NULL)
        return no_memory(e);
    for (size_t i = 0; i < r->n; i++)
        if (!segment_time(r->text[i], &r->time[i]))
            return err_set(
                e, WL_EINVAL,
                "\"%.*s\" is no time: a day (2026-11-22), a time (2026-11-22T10:00Z), or now-30d with s, m, h, d or w",
                short_of(r->text[i]), r->text[i].p);
    return 0;
}

static int check_attribute(struct values *v, struct err *e)
{
    struct segment_rule *r = v->rule;
    int64_t number;
    bool equal = r->op == OP_EQUAL, ordered = r->op >= OP_LESS && r->op <= OP_BETWEEN;
    if (equal && v->numbers > 0 && v->numbers < r->n)
        return err_set(e, WL_EINVAL, "values are all numbers, or all texts");
    if ((equal && v->numbers > 0) || (ordered && segment_number(r->text[0], &number)))
        return as_numbers(v, e);
    if (ordered && as_times(v, NULL) != 0)
        return err_set(e, WL_EINVAL, "\"%.*s\" is neither a number (12.5) nor a time (2026-11-22, now-30d)",
                       short_of(r->text[0]), r->text[0].p);
    return 0;
}

/* Names of what people may all have lost, or nobody ever had: "tag vip". */
static int put_labels(struct values *v, struct err *e)
{
    struct segment_rule *r = v->rule;
    r->label = arena_new_array(v->arena, struct str, r->n);
    for (size_t i = 0; r->label != NULL && i < r->n; i++) {
        r->label[i].p = arena_printf(v->arena, "%s %.*s", r->field->name, (int)r->text[i].n, r->text[i].p);
        if (r->label[i].p == NULL)
            return no_memory(e);
        r->label[i].n = strlen(r->label[i].p);
    }
    return r->label != NULL ? 0 : no_memory(e);
}

static int check_language(struct values *v, struct str *text, struct err *e)
{
    char kept[AUDIENCE_LANGUAGE_TEXT];
    struct str lang = audience_language(*text, kept);
    text->p = arena_strndup(v->arena, lang.p, lang.n);
    return text->p != NULL ? 0 : no_memory(e);
}

/* A set of words that everybody knows some of, so that one nobody has is a slip of the pen more often than not. */
static bool is_named(const struct segment_about *about)
{
    return about->many ||
           (about->place == PLACE_SET &&
            (about->index == AUDIENCE_LANGUAGE || about->index == AUDIENCE_NETWORK || about->index == AUDIENCE_ZONE));
}

static int check_one(struct values *v, struct str *text, struct err *e)
{
    if (v->rule->about->place == PLACE_SET && v->rule->about->index == AUDIENCE_LANGUAGE)
        return check_language(v, text, e);
    switch ((enum segment_kind)v->rule->about->kind) {
    case KIND_COUNTRY:
        return check_country(v, text, e);
    case KIND_GROUP:
        return check_group(*text, e);
    case KIND_CHOICE:
        return check_choice(v, text, e);
    case KIND_ID:
        return check_id(*text, e);
    case KIND_CAMPAIGN:
        return check_campaign(v, text, e);
    default:
        return 0;
    }
}

int segment_read_values(struct arena *a, struct json value, const struct segment_operator *o, struct segment_rule *rule,
                        struct err *e)
{
    struct values v = {.arena = a, .rule = rule};
    int rc = collect(&v, value, o, e);
    for (size_t i = 0; rc == 0 && i < rule->n; i++)
        rc = check_one(&v, &rule->text[i], e);
    if (rc != 0)
        return rc;
    if (rule->about->kind == KIND_FLAG)
        return check_flag(rule, e);
    if (rule->about->kind == KIND_NUMBER)
        return as_numbers(&v, e);
    if (rule->about->kind == KIND_DATE)
        return as_times(&v, e);
    if (rule->about->place == PLACE_ATTRIBUTE)
        return check_attribute(&v, e);
    return is_named(rule->about) && rule->op == OP_EQUAL ? put_labels(&v, e) : 0;
}

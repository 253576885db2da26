/* SPDX-License-Identifier: Apache-2.0
 * webhook_split.c - cutting a webhook body into one body an event.
 *
 * The body is walked once for where its entries, changes and lists stand (twice inside a `value`, because `field`, which
 * says what its lists mean, may follow it). A piece is then the body with the other elements left out: runs of its
 * bytes, put one behind the other, with a comma where elements or members meet. An element or member goes from behind the
 * bracket or comma before it to before the one after it, so white space goes with it, and a body of which nothing is
 * left out comes out as it was.
 *
 * Contacts are found by their phone numbers and user ids, read as core/event.h reads them, in a table made once a change,
 * and only when there are several: so a piece costs its own bytes. The same contact written twice counts once. It
 * refuses what would be larger than its limits all together, since what the events of a change share is in each of them. */
#include "core/webhook_split.h"

#include "base/digest.h"
#include "base/json_walk.h"
#include "core/webhook_who.h"

/* What is in an object, in the order in which it stands: members of ours, and runs of all the others. */
enum part_kind { PART_OTHERS, PART_LIST, PART_CONTACTS, PART_ERRORS, PART_STANDBY };

struct element {
    size_t from, to;
    struct element *next;
};

/* A contact, and the next ones with the same phone number and the same user id; from 1. */
struct contact {
    struct element *at;
    struct who who;
    uint32_t next[WHO_IDS];
};

struct place {
    struct str key;
    uint32_t kind, first, last;
};

struct part {
    enum part_kind kind;
    size_t from, to;    /* with its name */
    size_t open, close; /* its brackets */
    const struct who_keys *keys;
    size_t n;
    struct element *first, **end;
    struct object *standby;
    struct contact *contact; /* once they were looked at */
    uint32_t *kept, n_kept;  /* those that stay in the piece at hand */
    struct place *place;     /* the table */
    size_t places;
};

#define PARTS_MAX 24 /* ours, and a run of others around each */

struct object {
    size_t open, close;
    struct part part[PARTS_MAX];
    size_t n;
    unsigned seen; /* ours, a bit each */
};

struct change {
    struct element at;
    struct object *value; /* NULL: the change stays whole */
    struct change *next;
};

struct entry {
    struct element at;
    size_t open, close; /* the brackets of `changes` */
    struct change *first, **end;
    size_t n;
    struct entry *next;
};

struct split {
    struct json_walk w;
    struct arena *a;
    size_t open, close; /* the brackets of `entry` */
    struct entry *first, **end;
    size_t n; /* pieces */
    bool twice, no_memory, too_many;
    struct buf out;
    struct webhook_piece *piece;
    size_t made, bytes;
};

/* --- what lists mean under a field ----------------------------------------------------------------------------------- */

enum field_kind { FIELD_OTHER, FIELD_TALK, FIELD_ECHO, FIELD_GROUP };

static const struct {
    const char *name;
    enum field_kind kind;
} fields[] = {
    {"", FIELD_TALK},
    {"messages", FIELD_TALK},
    {"standby", FIELD_TALK},
    {"calls", FIELD_TALK},
    {"user_preferences", FIELD_TALK},
    {"message_echoes", FIELD_ECHO},
    {"smb_message_echoes", FIELD_ECHO},
    {"group_lifecycle_update", FIELD_GROUP},
    {"group_participants_update", FIELD_GROUP},
    {"group_settings_update", FIELD_GROUP},
    {"group_status_update", FIELD_GROUP},
};

#define IN(kind) (1u << (kind))

/* The members that are ours, and where. Preferences are none in `standby`. */
static const struct ours {
    const char *name;
    enum part_kind kind;
    unsigned fields;
    bool standby; /* also there */
    const struct who_keys *keys;
} ours[] = {
    {"messages", PART_LIST, IN(FIELD_TALK), true, &who_of_message},
    {"statuses", PART_LIST, IN(FIELD_TALK), true, &who_of_status},
    {"calls", PART_LIST, IN(FIELD_TALK), true, &who_of_call},
    {"user_preferences", PART_LIST, IN(FIELD_TALK), false, &who_of_preference},
    {"message_echoes", PART_LIST, IN(FIELD_TALK) | IN(FIELD_ECHO), true, &who_of_echo},
    {"groups", PART_LIST, IN(FIELD_GROUP), false, NULL},
    {"contacts", PART_CONTACTS, IN(FIELD_TALK) | IN(FIELD_ECHO), true, &who_of_contact},
    {"errors", PART_ERRORS, IN(FIELD_TALK), false, NULL},
    {"standby", PART_STANDBY, IN(FIELD_TALK), false, NULL},
};

#define OURS (sizeof ours / sizeof ours[0])

static enum field_kind field_kind(struct str written)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (who_word_is(written, fields[i].name))
            return fields[i].kind;
    return FIELD_OTHER;
}

static const struct ours *ours_of(struct str name, enum field_kind field, bool standby)
{
    for (size_t i = 0; i < OURS; i++)
        if ((ours[i].fields & IN(field)) != 0 && (!standby || ours[i].standby) && json_walk_is(name, ours[i].name))
            return &ours[i];
    return NULL;
}

/* --- where everything stands ----------------------------------------------------------------------------------------- */

static void *take_memory(struct split *s, size_t n, size_t each)
{
    void *p = arena_array(s->a, n, each);
    s->no_memory |= p == NULL;
    return p;
}

/* Steps over the elements of an array. False: the text is broken, or there is too much in it. */
static bool walk_elements(struct split *s, struct part *p)
{
    struct json_items in;
    struct json_item item;
    p->open = s->w.at;
    p->end = &p->first;
    if (!json_walk_open(&s->w, '[', &in))
        return false;
    while (json_walk_next(&s->w, &in, &item)) {
        struct element *el = p->n < SPLIT_MAX ? take_memory(s, 1, sizeof *el) : NULL;
        s->too_many |= p->n == SPLIT_MAX;
        if (el == NULL || !json_walk_skip(&s->w))
            return false;
        json_walk_space(&s->w);
        *el = (struct element){.from = item.lead, .to = s->w.at};
        *p->end = el;
        p->end = &el->next;
        p->n++;
    }
    p->close = s->w.at - 1;
    return in.ok;
}

/* A number of them that is not 0. */
static bool is_filled(const struct split *s)
{
    struct json_walk w = s->w;
    struct json_items in;
    struct json_item item;
    return (json_walk_open(&w, '[', &in) || json_walk_open(&w, '{', &in)) && json_walk_next(&w, &in, &item);
}

static bool walk_object(struct split *s, struct object *o, enum field_kind field, bool standby);

/* Reads the value of a member that is ours, unless it is not what it should be: then it is like any other. */
static bool walk_ours(struct split *s, struct part *p, const struct ours *mine, enum field_kind field)
{
    char now = json_walk_now(&s->w);
    if (mine->kind == PART_STANDBY && now == '{') {
        p->standby = take_memory(s, 1, sizeof *p->standby);
        p->kind = PART_STANDBY;
        return p->standby != NULL && walk_object(s, p->standby, field, true);
    }
    if (mine->kind == PART_ERRORS && is_filled(s))
        p->kind = PART_ERRORS;
    if ((mine->kind != PART_LIST && mine->kind != PART_CONTACTS) || now != '[' || !is_filled(s))
        return json_walk_skip(&s->w);
    p->kind = mine->kind;
    p->keys = mine->keys;
    return walk_elements(s, p);
}

/* The part for the next member: a new one, or the run of others that it goes on. */
static struct part *add_part(struct object *o, struct part p)
{
    struct part *last = o->n > 0 ? &o->part[o->n - 1] : NULL;
    if (last != NULL && last->kind == PART_OTHERS && p.kind == PART_OTHERS) {
        last->to = p.to;
        return last;
    }
    if (o->n == PARTS_MAX)
        return NULL;
    o->part[o->n] = p;
    return &o->part[o->n++];
}

static bool walk_object(struct split *s, struct object *o, enum field_kind field, bool standby)
{
    struct json_items in;
    struct json_item item;
    o->open = s->w.at;
    if (!json_walk_open(&s->w, '{', &in))
        return false;
    while (json_walk_next(&s->w, &in, &item)) {
        struct part p = {.kind = PART_OTHERS, .from = item.lead};
        const struct ours *mine = ours_of(item.name, field, standby);
        if (mine != NULL) {
            s->twice |= (o->seen & 1u << (mine - ours)) != 0;
            o->seen |= 1u << (mine - ours);
        }
        if (!(mine != NULL && !s->twice ? walk_ours(s, &p, mine, field) : json_walk_skip(&s->w)))
            return false;
        json_walk_space(&s->w);
        p.to = s->w.at;
        if (add_part(o, p) == NULL)
            return false;
    }
    o->close = s->w.at - 1;
    return in.ok;
}

static size_t count_lists(const struct object *o, bool *ret_errors)
{
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++) {
        const struct part *p = &o->part[i];
        if (p->kind == PART_LIST)
            n += p->n;
        else if (p->kind == PART_STANDBY)
            n += count_lists(p->standby, ret_errors);
        else if (p->kind == PART_ERRORS)
            *ret_errors = true;
    }
    return n;
}

/* The pieces of a change whose value stands at `at`; without lists it is one, whole. */
static bool walk_value(struct split *s, struct change *c, size_t at, enum field_kind field)
{
    size_t behind = s->w.at, n;
    bool errors = false;
    if (field == FIELD_OTHER || s->w.text.p[at] != '{') {
        s->n++;
        return true;
    }
    c->value = take_memory(s, 1, sizeof *c->value);
    s->w.at = at;
    if (c->value == NULL || !walk_object(s, c->value, field, false))
        return false;
    s->w.at = behind;
    n = count_lists(c->value, &errors);
    if (n == 0)
        c->value = NULL;
    s->n += n == 0 ? 1 : n + errors;
    return true;
}

static bool walk_change_members(struct split *s, struct change *c)
{
    struct json_items in;
    struct json_item item;
    struct str field = {NULL, 0};
    size_t value = 0, fields_seen = 0, values_seen = 0;
    (void)json_walk_open(&s->w, '{', &in);
    while (json_walk_next(&s->w, &in, &item)) {
        bool is_field = json_walk_is(item.name, "field");
        if (json_walk_is(item.name, "value")) {
            value = item.value;
            values_seen++;
        }
        fields_seen += is_field;
        if (!(is_field && json_walk_now(&s->w) == '"' ? json_walk_string(&s->w, &field) : json_walk_skip(&s->w)))
            return false;
    }
    s->twice |= fields_seen > 1 || values_seen > 1;
    if (!in.ok)
        return false;
    if (values_seen == 1)
        return walk_value(s, c, value, field_kind(field));
    s->n++;
    return true;
}

static bool walk_change(struct split *s, struct change *c)
{
    if (json_walk_now(&s->w) == '{')
        return walk_change_members(s, c);
    s->n++;
    return json_walk_skip(&s->w);
}

static bool walk_changes(struct split *s, struct entry *e)
{
    struct json_items in;
    struct json_item item;
    e->open = s->w.at;
    (void)json_walk_open(&s->w, '[', &in);
    while (json_walk_next(&s->w, &in, &item)) {
        struct change *c = take_memory(s, 1, sizeof *c);
        s->too_many |= s->n > SPLIT_MAX;
        if (c == NULL || s->too_many || !walk_change(s, c))
            return false;
        json_walk_space(&s->w);
        c->at = (struct element){.from = item.lead, .to = s->w.at};
        *e->end = c;
        e->end = &c->next;
        e->n++;
    }
    e->close = s->w.at - 1;
    return in.ok;
}

static bool walk_entry(struct split *s, struct entry *e)
{
    struct json_items in;
    struct json_item item;
    size_t seen = 0;
    e->end = &e->first;
    if (!json_walk_open(&s->w, '{', &in)) {
        s->n++;
        return json_walk_skip(&s->w);
    }
    while (json_walk_next(&s->w, &in, &item)) {
        bool changes = json_walk_is(item.name, "changes");
        seen += changes;
        if (!(changes && seen == 1 && json_walk_now(&s->w) == '[' ? walk_changes(s, e) : json_walk_skip(&s->w)))
            return false;
    }
    s->twice |= seen > 1;
    s->n += e->n == 0;
    return in.ok;
}

static bool walk_entries(struct split *s)
{
    struct json_items in;
    struct json_item item;
    s->open = s->w.at;
    s->end = &s->first;
    (void)json_walk_open(&s->w, '[', &in);
    while (json_walk_next(&s->w, &in, &item)) {
        struct entry *e = take_memory(s, 1, sizeof *e);
        s->too_many |= s->n > SPLIT_MAX;
        if (e == NULL || s->too_many || !walk_entry(s, e))
            return false;
        json_walk_space(&s->w);
        e->at = (struct element){.from = item.lead, .to = s->w.at};
        *s->end = e;
        s->end = &e->next;
    }
    s->close = s->w.at - 1;
    return in.ok;
}

static bool walk_body(struct split *s)
{
    struct json_items in;
    struct json_item item;
    size_t seen = 0;
    if (!json_walk_open(&s->w, '{', &in))
        return false;
    while (json_walk_next(&s->w, &in, &item)) {
        bool entry = json_walk_is(item.name, "entry");
        seen += entry;
        if (!(entry && seen == 1 && json_walk_now(&s->w) == '[' ? walk_entries(s) : json_walk_skip(&s->w)))
            return false;
    }
    s->twice |= seen > 1;
    s->too_many |= s->n > SPLIT_MAX;
    return in.ok && s->open > 0 && !s->too_many && json_walk_end(&s->w);
}

/* --- contacts -------------------------------------------------------------------------------------------------------- */

static struct str text_of(const struct split *s, const struct element *el)
{
    return (struct str){s->w.text.p + el->from, el->to - el->from};
}

/* Where the contacts with this key are, or will be. Kinds: the ids of a `who`, and behind them the text of a contact. */
static struct place *place_of(const struct part *p, uint32_t kind, struct str key)
{
    size_t mask = p->places - 1;
    for (size_t i = (hash64(key.p, key.n) + kind) & mask;; i = (i + 1) & mask) {
        struct place *at = &p->place[i];
        if (at->first == 0 || (at->kind == kind && str_eq(at->key, key)))
            return at;
    }
}

static void put_contact(const struct split *s, struct part *p, uint32_t i)
{
    struct contact *c = &p->contact[i];
    struct place *same = place_of(p, WHO_IDS, text_of(s, c->at));
    if (same->first != 0)
        return;
    *same = (struct place){text_of(s, c->at), WHO_IDS, i, i};
    for (uint32_t kind = 0; kind < WHO_IDS; kind++) {
        struct str key = str_of(c->who.id[kind].value);
        struct place *at = key.n > 0 ? place_of(p, kind, key) : NULL;
        if (at == NULL)
            continue;
        if (at->first == 0)
            *at = (struct place){key, kind, i, i};
        else
            p->contact[at->last].next[kind] = i;
        at->last = i;
    }
}

static bool index_contacts(struct split *s, struct part *p)
{
    size_t i = 1;
    for (p->places = 8; p->places < p->n * (WHO_IDS + 1) * 2;)
        p->places *= 2;
    p->contact = take_memory(s, p->n + 1, sizeof *p->contact);
    p->kept = take_memory(s, p->n + 1, sizeof *p->kept);
    p->place = take_memory(s, p->places, sizeof *p->place);
    if (s->no_memory)
        return false;
    for (struct element *el = p->first; el != NULL; el = el->next, i++) {
        p->contact[i].at = el;
        who_read(text_of(s, el), p->keys, &p->contact[i].who);
        put_contact(s, p, (uint32_t)i);
    }
    return true;
}

/* Finds the contacts of the event: those with its phone number and those with its user id, in their order. */
static bool keep_contacts(struct split *s, struct part *p, const struct who *who)
{
    uint32_t at[WHO_IDS];
    p->n_kept = 0;
    if (p->contact == NULL && !index_contacts(s, p))
        return false;
    for (uint32_t kind = 0; kind < WHO_IDS; kind++) {
        struct str key = str_of(who->id[kind].value);
        at[kind] = key.n > 0 ? place_of(p, kind, key)->first : 0;
    }
    for (;;) {
        uint32_t next = 0;
        for (uint32_t kind = 0; kind < WHO_IDS; kind++)
            if (at[kind] != 0 && (next == 0 || at[kind] < next))
                next = at[kind];
        if (next == 0)
            return true;
        for (uint32_t kind = 0; kind < WHO_IDS; kind++)
            if (at[kind] == next)
                at[kind] = p->contact[next].next[kind];
        p->kept[p->n_kept++] = next;
    }
}

/* --- pieces ---------------------------------------------------------------------------------------------------------- */

/* The event of a piece: an element of a list, or the errors of the value. */
struct cut {
    struct split *s;
    const struct part *list;
    const struct element *event;
    bool looked; /* `who` was read */
    struct who who;
};

static void put(struct split *s, size_t from, size_t to)
{
    buf_put(&s->out, s->w.text.p + from, to - from);
}

static void put_element(struct split *s, const struct element *el)
{
    put(s, el->from, el->to);
}

static const struct who *who_of(struct cut *c)
{
    if (!c->looked && c->event != NULL && c->list->keys != NULL)
        who_read(text_of(c->s, c->event), c->list->keys, &c->who);
    c->looked = true;
    return &c->who;
}

static bool has_list(const struct object *o, const struct part *list)
{
    return list >= o->part && list < o->part + o->n;
}

static bool is_kept(struct cut *c, struct part *p)
{
    switch (p->kind) {
    case PART_LIST:
        return p == c->list;
    case PART_ERRORS:
        return c->event == NULL;
    case PART_CONTACTS:
        return p->n == 1 || (keep_contacts(c->s, p, who_of(c)) && p->n_kept > 0);
    case PART_STANDBY: /* else there would be nothing in it */
        for (size_t i = 0; i < p->standby->n; i++)
            if (p->standby->part[i].kind == PART_OTHERS)
                return true;
        return p->standby->n == 0 || has_list(p->standby, c->list);
    case PART_OTHERS:
        break;
    }
    return true;
}

static void put_object(struct cut *c, struct object *o);

static void put_part(struct cut *c, struct part *p)
{
    struct split *s = c->s;
    if (p->kind == PART_STANDBY) {
        put(s, p->from, p->standby->open);
        put_object(c, p->standby);
        put(s, p->standby->close + 1, p->to);
    } else if (p->kind == PART_LIST) {
        put(s, p->from, p->open + 1);
        put_element(s, c->event);
        put(s, p->close, p->to);
    } else if (p->kind == PART_CONTACTS && p->n > 1) {
        put(s, p->from, p->open + 1);
        for (size_t i = 0; i < p->n_kept && !s->out.failed; i++) {
            if (i > 0)
                buf_putc(&s->out, ',');
            put_element(s, p->contact[p->kept[i]].at);
        }
        put(s, p->close, p->to);
    } else {
        put(s, p->from, p->to);
    }
}

static void put_object(struct cut *c, struct object *o)
{
    bool any = false;
    put(c->s, o->open, o->open + 1);
    for (size_t i = 0; i < o->n; i++) {
        if (!is_kept(c, &o->part[i]))
            continue;
        if (any)
            buf_putc(&c->s->out, ',');
        put_part(c, &o->part[i]);
        any = true;
    }
    put(c->s, o->n > 0 ? o->close : o->open + 1, o->close + 1);
}

/* What was put becomes a piece. */
static void keep_piece(struct split *s)
{
    char *copy = s->out.failed ? NULL : arena_memdup(s->a, s->out.data, s->out.len);
    s->no_memory |= copy == NULL && !s->out.failed;
    if (copy == NULL)
        return;
    s->bytes += s->out.len;
    s->piece[s->made++].body = (struct str){copy, s->out.len};
}

static bool is_broken(const struct split *s)
{
    return s->no_memory || s->out.failed;
}

static void make_piece(struct split *s, const struct entry *e, const struct change *ch, struct cut *c)
{
    if (is_broken(s))
        return;
    buf_clear(&s->out);
    s->out.max = SPLIT_BYTES_MAX - s->bytes;
    put(s, 0, s->open + 1);
    if (ch == NULL) {
        put_element(s, &e->at);
    } else {
        put(s, e->at.from, e->open + 1);
        put(s, ch->at.from, c != NULL ? ch->value->open : ch->at.to);
        if (c != NULL) {
            put_object(c, ch->value);
            put(s, ch->value->close + 1, ch->at.to);
        }
        put(s, e->close, e->at.to);
    }
    put(s, s->close, s->w.text.n);
    keep_piece(s);
}

static void cut_object(struct split *s, const struct entry *e, const struct change *ch, const struct object *o)
{
    for (size_t i = 0; i < o->n; i++) {
        const struct part *p = &o->part[i];
        if (p->kind == PART_STANDBY)
            cut_object(s, e, ch, p->standby);
        if (p->kind == PART_ERRORS) {
            struct cut c = {.s = s};
            make_piece(s, e, ch, &c);
        }
        for (const struct element *el = p->kind == PART_LIST ? p->first : NULL; el != NULL; el = el->next) {
            struct cut c = {.s = s, .list = p, .event = el};
            make_piece(s, e, ch, &c);
        }
    }
}

static void cut_body(struct split *s)
{
    for (const struct entry *e = s->first; e != NULL; e = e->next) {
        if (e->n == 0)
            make_piece(s, e, NULL, NULL);
        for (const struct change *ch = e->first; ch != NULL; ch = ch->next) {
            if (ch->value == NULL)
                make_piece(s, e, ch, NULL);
            else
                cut_object(s, e, ch, ch->value);
        }
    }
}

static void copy_body(struct split *s)
{
    buf_clear(&s->out);
    put(s, 0, s->w.text.n);
    keep_piece(s);
}

int webhook_split(struct str body, struct arena *a, struct webhook_piece **ret, size_t *ret_n, struct err *e)
{
    struct split s = {.w = json_walk(body), .a = a};
    if (!walk_body(&s)) {
        if (s.no_memory)
            return err_set(e, WL_ENOMEM, "the pieces of the webhook do not fit their memory");
        if (s.too_many)
            return err_set(e, WL_ETOOBIG, "a webhook body must not have more than %d events or contacts", SPLIT_MAX);
        return err_set(e, WL_EINVAL, "a webhook body must be a JSON object with an array named entry");
    }
    bool whole = s.twice || s.n == 0;
    s.piece = take_memory(&s, whole ? 1 : s.n, sizeof *s.piece);
    buf_init(&s.out, SPLIT_BYTES_MAX);
    if (s.piece != NULL && whole)
        copy_body(&s);
    else if (s.piece != NULL)
        cut_body(&s);
    bool failed = s.out.failed;
    buf_done(&s.out);
    if (s.no_memory)
        return err_set(e, WL_ENOMEM, "the pieces of the webhook do not fit their memory");
    if (failed)
        return err_set(e, WL_ETOOBIG, "the pieces of a webhook body must not be larger than %u bytes", SPLIT_BYTES_MAX);
    *ret = s.piece;
    *ret_n = s.made;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 * event_contacts.c - who is meant: the contacts of a change, joined to what is said of them.
 *
 * Contacts are kept in a table by phone number and by user id, so that a change costs what its bytes cost however many
 * contacts it has. What contacts with one id say is put together; where they contradict each other, they say nothing. */
#include <string.h>

#include "base/digest.h"
#include "core/event_impl.h"

static struct place *place_of(const struct reader *r, const struct identity *id)
{
    size_t mask = r->places - 1, i = hash64(id->value, strlen(id->value)) & mask;
    for (;; i = (i + 1) & mask) {
        struct place *p = &r->place[i];
        if (p->id == NULL || same_id(p->id, id))
            return p;
    }
}

static void agree(int *at, int with, bool says, bool differs)
{
    if (!says || *at == CONTRADICT)
        return;
    *at = *at == NO_CONTACT ? with : differs ? CONTRADICT : *at;
}

/* Adds what contact i says to what those with the same id said. */
static void put_place(struct reader *r, const struct identity *id, int i)
{
    const struct contact *c = &r->contact[i], *all = r->contact;
    if (id->kind == IDENTITY_NONE)
        return;
    struct place *p = place_of(r, id);
    p->id = id;
    agree(&p->phone, i, c->phone.kind != IDENTITY_NONE, p->phone >= 0 && differ(&all[p->phone].phone, &c->phone));
    agree(&p->user_id, i, c->user_id.kind != IDENTITY_NONE,
          p->user_id >= 0 && differ(&all[p->user_id].user_id, &c->user_id));
    agree(&p->parent_id, i, c->parent_id.kind != IDENTITY_NONE,
          p->parent_id >= 0 && differ(&all[p->parent_id].parent_id, &c->parent_id));
    agree(&p->name, i, c->name.n > 0, p->name >= 0 && !str_eq(all[p->name].name, c->name));
}

static void index_contacts(struct reader *r)
{
    r->places = 4;
    while (r->places < 4 * r->n_contacts)
        r->places *= 2;
    r->place = arena_new_array(r->a, struct place, r->places);
    if (r->place == NULL) {
        r->no_memory = true;
        r->n_contacts = 0;
        return;
    }
    for (size_t i = 0; i < r->places; i++)
        r->place[i] = (struct place){NULL, NO_CONTACT, NO_CONTACT, NO_CONTACT, NO_CONTACT};
    for (size_t i = 0; i < r->n_contacts; i++) {
        put_place(r, &r->contact[i].phone, (int)i);
        put_place(r, &r->contact[i].user_id, (int)i);
    }
}

void event_read_contacts(struct reader *r)
{
    static const char *const keys[] = {"wa_id", "user_id", "parent_user_id", NULL};
    struct json list = json_get(r->value, "contacts");
    size_t n = json_type(list) == JSON_ARRAY ? json_count(list) : 0;
    r->n_contacts = 0;
    if (n > EVENTS_MAX)
        n = EVENTS_MAX;
    if (n == 0)
        return;
    r->contact = arena_new_array(r->a, struct contact, n);
    if (r->contact == NULL) {
        r->no_memory = true;
        return;
    }
    for (struct json_iter it = json_iter(list); r->n_contacts < n && json_next(&it);) {
        struct event who = {0};
        event_put_ids(&who, it.value, keys);
        struct contact *c = &r->contact[r->n_contacts++];
        *c = (struct contact){who.phone, who.user_id, who.parent_id,
                              event_keep(r, word_of(json_get(it.value, "profile"), "name"))};
    }
    index_contacts(r);
}

/* What the contacts say of whom an event speaks of: those that share an id with it, unless they contradict it or each other.
 * An event without any id takes the only contact there is. */
static bool contact_of(const struct reader *r, const struct event *ev, struct place *ret)
{
    const struct identity *const ids[] = {&ev->user_id, &ev->phone};
    if (r->n_contacts == 0)
        return false;
    *ret = (struct place){NULL, 0, 0, 0, 0};
    if (ev->phone.kind == IDENTITY_NONE && ev->user_id.kind == IDENTITY_NONE)
        return r->n_contacts == 1;
    for (size_t i = 0; i < 2; i++) {
        const struct place *p = ids[i]->kind != IDENTITY_NONE ? place_of(r, ids[i]) : NULL;
        if (p == NULL || p->id == NULL || p->phone == CONTRADICT || p->user_id == CONTRADICT ||
            (p->phone >= 0 && differ(&r->contact[p->phone].phone, &ev->phone)) ||
            (p->user_id >= 0 && differ(&r->contact[p->user_id].user_id, &ev->user_id)))
            continue;
        *ret = *p;
        return true;
    }
    return false;
}

void event_join_contact(const struct reader *r, struct event *ev)
{
    struct place p;
    if (!contact_of(r, ev, &p))
        return;
    if (ev->phone.kind == IDENTITY_NONE && p.phone >= 0)
        ev->phone = r->contact[p.phone].phone;
    if (ev->user_id.kind == IDENTITY_NONE && p.user_id >= 0)
        ev->user_id = r->contact[p.user_id].user_id;
    if (ev->parent_id.kind == IDENTITY_NONE && p.parent_id >= 0)
        ev->parent_id = r->contact[p.parent_id].parent_id;
    if (p.name >= 0)
        ev->profile_name = r->contact[p.name].name;
}

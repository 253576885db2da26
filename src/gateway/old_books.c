/* SPDX-License-Identifier: Apache-2.0
 * old_books.c - the last KEPT books, each with a count of who reads it.
 *
 * The lock is held for looking and counting, not while a book is built: two who miss the same one at once both build it, and
 * the second finds its work done. The one unused the longest goes; a book somebody reads goes when it is given back. */
#include "gateway/old_books.h"

#include <pthread.h>
#include <stdlib.h>

#include "store/messages.h"

#define KEPT 8 /* some 400 KB each */

struct old_book {
    int64_t number;
    struct ruleset *rules;
    size_t refs; /* the place in `kept` is one */
    uint64_t used;
};

struct old_books {
    pthread_mutex_t lock;
    struct old_book *kept[KEPT]; /* NULL: free */
    uint64_t turn;
};

struct old_books *old_books_create(void)
{
    struct old_books *all = calloc(1, sizeof *all);
    if (all == NULL)
        abort();
    pthread_mutex_init(&all->lock, NULL);
    return all;
}

static void drop(struct old_book *b)
{
    if (b == NULL || --b->refs > 0)
        return;
    ruleset_free(b->rules);
    free(b);
}

void old_books_free(struct old_books *all)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < KEPT; i++)
        drop(all->kept[i]);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

/* With the lock held: the one kept under this number, counted for the caller; NULL. */
static struct old_book *look(struct old_books *all, int64_t number)
{
    for (size_t i = 0; i < KEPT; i++) {
        struct old_book *b = all->kept[i];
        if (b == NULL || b->number != number)
            continue;
        b->refs++;
        b->used = ++all->turn;
        return b;
    }
    return NULL;
}

/* With the lock held: the place that is free or was unused the longest. */
static size_t place(const struct old_books *all)
{
    size_t best = 0;
    for (size_t i = 0; i < KEPT; i++) {
        if (all->kept[i] == NULL)
            return i;
        if (all->kept[i]->used < all->kept[best]->used)
            best = i;
    }
    return best;
}

/* Keeps a book that was just built, unless another was quicker; either is counted for the caller. */
static struct old_book *keep(struct old_books *all, struct old_book *fresh)
{
    pthread_mutex_lock(&all->lock);
    struct old_book *b = look(all, fresh->number);
    if (b == NULL) {
        size_t at = place(all);
        drop(all->kept[at]);
        all->kept[at] = b = fresh;
        b->refs = 2;
        b->used = ++all->turn;
    } else {
        drop(fresh);
    }
    pthread_mutex_unlock(&all->lock);
    return b;
}

static int build(struct store *s, struct arena *a, int64_t number, struct old_book **ret, struct err *e)
{
    uint8_t hash[SHA256_BYTES];
    struct str source;
    struct old_book *b = calloc(1, sizeof *b);
    int rc = b != NULL ? rulesets_get(s, number, a, hash, &source, e) : err_set(e, WL_ENOMEM, "out of memory");
    if (rc == 0)
        rc = ruleset_restore(&b->rules, source, hash, e);
    if (rc != 0) {
        free(b);
        return rc;
    }
    b->number = number;
    b->refs = 1;
    *ret = b;
    return 0;
}

int old_book_borrow(struct old_books *all, struct store *s, struct arena *a, int64_t number, struct old_book **ret,
                    struct err *e)
{
    pthread_mutex_lock(&all->lock);
    struct old_book *b = look(all, number);
    pthread_mutex_unlock(&all->lock);
    int rc = b == NULL ? build(s, a, number, ret, e) : 0;
    if (rc == 0)
        *ret = b != NULL ? b : keep(all, *ret);
    return rc;
}

const struct ruleset *old_book_rules(const struct old_book *b)
{
    return b->rules;
}

void old_book_return(struct old_books *all, struct old_book *b)
{
    pthread_mutex_lock(&all->lock);
    drop(b);
    pthread_mutex_unlock(&all->lock);
}

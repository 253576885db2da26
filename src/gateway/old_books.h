/* SPDX-License-Identifier: Apache-2.0
 * old_books.h - books of rules that no longer decide, built again from the store for whoever asks about an old decision.
 *
 * Building a book takes milliseconds and people ask about the same days, so the last few stay. Any thread. */
#ifndef WL_GATEWAY_OLD_BOOKS_H
#define WL_GATEWAY_OLD_BOOKS_H

#include "core/ruleset.h"
#include "store/store.h"

struct old_books;
struct old_book;

struct old_books *old_books_create(void);
void old_books_free(struct old_books *all); /* all were given back; accepts NULL */

/* The book with this number of the store's, for reading until it is given back. WL_ENOTFOUND, WL_EINVAL when what the
 * store holds is not what was proven. */
int old_book_borrow(struct old_books *all, struct store *s, struct arena *a, int64_t number, struct old_book **ret,
                    struct err *e);
const struct ruleset *old_book_rules(const struct old_book *b);
void old_book_return(struct old_books *all, struct old_book *b); /* accepts NULL */

#endif

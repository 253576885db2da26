/* SPDX-License-Identifier: Apache-2.0
 * term.h - how the command line speaks to a person: colour, safe text, errors with a next step.
 *
 * Colour appears on a terminal only and never when NO_COLOR is set. Whatever came from a file or from the network
 * passes through term_text(), which shows control characters instead of obeying them: a contact's name must not
 * be able to move the cursor or to rename the window. */
#ifndef WL_CMD_TERM_H
#define WL_CMD_TERM_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"

enum tone { TONE_PLAIN, TONE_BOLD, TONE_DIM, TONE_GOOD, TONE_BAD, TONE_WARN };

bool term_colour(FILE *out); /* a terminal, and NO_COLOR is not set */
void term_text(FILE *out, enum tone tone, struct str s);
/* A line break is obeyed at the end of fmt and nowhere else. */
void term_printf(FILE *out, enum tone tone, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* term_text() padded with spaces to a width counted in characters. */
void term_cell(FILE *out, enum tone tone, struct str s, int width);
/* Text broken at spaces so that lines stay within 78 columns; every line starts with `indent` spaces, the first is
 * taken to be there already. */
void term_wrap(FILE *out, int indent, struct str s);
/* The same for a text of ours that has lines of its own, as a wording: each begins under the first. */
void term_paragraphs(FILE *out, int indent, struct str s);
size_t term_width(struct str s); /* characters, as far as a terminal without wide ones counts them */

/* "wayleave: sentence" and, when next is not NULL, "  next: ..." on standard error. Returns code. */
int cmd_fail(int code, const char *next, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* One JSON text and a newline on standard output; the buffer is a complete value. Returns CMD_OK or CMD_FAILED
 * when standard output cannot take it. */
int cmd_print_json(const struct buf *b);
/* Flushes standard output; a full disk or a closed pipe turns success, a verdict and a count into CMD_FAILED: nobody read
 * them. */
int cmd_finish(int code);

#endif

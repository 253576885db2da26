/* SPDX-License-Identifier: Apache-2.0
 * greet.h - whether somebody has to be asked about a number, its token or its templates before a send can be judged.
 *
 * graph_greet() then asks. */
#ifndef WL_GATEWAY_GREET_H
#define WL_GATEWAY_GREET_H

#include "gateway/admit.h"

enum greet {
    GREET_NOT,
    GREET_NUMBER,    /* nobody knows whether the token speaks for the number */
    GREET_TEMPLATES, /* the list of templates is old */
    GREET_AGAIN      /* the template is not on it: it may have been made a moment ago */
};
/* After send_facts(). */
enum greet greet_first(const struct send *s, struct str token);
/* The same, for a caller who asks and comes back: *asked, 0 at first, remembers for what was asked. */
enum greet greet_next(const struct send *s, struct str token, unsigned *asked);

#endif

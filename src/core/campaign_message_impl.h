/* SPDX-License-Identifier: Apache-2.0
 * campaign_message_impl.h - what Meta takes as a value, for those who read fixed ones and those who fill in a person's.
 *
 * docs/platform.md §1.4 and §5.3: no line break, no tab, no more than four spaces in a row; codes of at most 15 characters, coupons of 20. */
#ifndef WL_CORE_CAMPAIGN_MESSAGE_IMPL_H
#define WL_CORE_CAMPAIGN_MESSAGE_IMPL_H

#include "core/campaign.h"

#define CAMPAIGN_VALUE_MAX 2000 /* bytes of any value: a link's */
#define CAMPAIGN_TEXT_MAX  1024 /* characters of a text */

/* NULL: it is fine. Else what is wrong with it, to be said after a name: "has a line break ..". */
const char *campaign_value_wrong(const struct campaign_slot *s, struct str value);

#endif

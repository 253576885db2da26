/* SPDX-License-Identifier: Apache-2.0
 * phone_data_impl.h - between the two halves of opening a file of tables: finding its sections, and checking what they say.
 *
 * Nobody else includes this. */
#ifndef WL_CORE_PHONE_DATA_IMPL_H
#define WL_CORE_PHONE_DATA_IMPL_H

#include "core/phone_data.h"

/* The sections are where they should be and as long as they should be: whether every reference in them is one. */
int phone_data_check(const struct phone_data *d, struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * phone_data_builtin.c - the numbering plans the program carries, compiled from data/phone/ by the build.
 *
 * They are opened like any other file, every reference checked. The tests open them too, so at run time that cannot fail. */
#include "core/phone_data.h"

#include "core_phone_tables.h"

void phone_data_builtin(struct phone_data *ret)
{
    phone_data_open(ret, phone_tables, sizeof phone_tables - 1, NULL); /* behind them stands a zero */
}

/* SPDX-License-Identifier: Apache-2.0
 * phone_data_builtin.c - the numbering plans the program carries, compiled from data/phone/ by the build.
 *
 * They are opened like any other file, every reference checked. The tests open them too, so at run time that cannot fail. Which
 * calling codes there are is read without that, in a few steps: it is asked about numbers in the middle of a webhook. */
#include "core/phone_data.h"

#include "core_phone_tables.h"

void phone_data_builtin(struct phone_data *ret)
{
    phone_data_open(ret, phone_tables, sizeof phone_tables - 1, NULL); /* behind them stands a zero */
}

static uint32_t codes_at(void)
{
    struct phone_section_row row = {.id = 0};
    for (size_t i = 0; row.id != PHONE_SECTION_CODE; i++)
        memcpy(&row, phone_tables + sizeof(struct phone_file_header) + i * sizeof row, sizeof row);
    return row.at;
}

bool phone_code_builtin(uint64_t e164)
{
    const unsigned char *codes = (const unsigned char *)phone_tables + codes_at();
    while (e164 >= PHONE_CODES)
        e164 /= 10;
    for (; e164 > 0; e164 /= 10)
        if (codes[2 * e164] != 0 || codes[2 * e164 + 1] != 0)
            return true;
    return false;
}

/* SPDX-License-Identifier: Apache-2.0
 * filter_args.c - options become words of a filter.
 *
 * Commands that read tables have --region already, for numbers without country code; a group of countries is
 * --in-region there and everywhere. All other options are called as the file's keys. */
#include "cmd/filter_args.h"

#include <string.h>

#include "cmd/term.h"

static const struct {
    const char *option, *key;
} options[] = {
    {"country", "country"}, {"in-region", "region"}, {"type", "type"}, {"network", "network"}, {"zone", "zone"},
    {"range", "range"},     {"pattern", "pattern"},  {"not", "not"},   {"where", "where"},
};

static int add_options(const struct args *a, struct number_filter *f, struct err *e)
{
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        const char *value;
        for (size_t k = 0; (value = args_nth(a, options[i].option, k)) != NULL; k++) {
            int rc = number_filter_add(f, options[i].key, str_of(value), e);
            if (rc != 0)
                return rc;
        }
    }
    return args_has(a, "valid") ? number_filter_add(f, "valid", STR("true"), e) : 0;
}

int filter_from_args(const struct args *a, struct arena *mem, const struct phone_data *d, struct number_filter **ret)
{
    struct err e = {0};
    const char *file = args_get(a, "filter");
    struct number_filter *f = number_filter_new(mem, d);
    struct yaml *root = NULL;
    *ret = f;
    if (f == NULL)
        return cmd_fail(CMD_FAILED, NULL, "out of memory for a filter");
    int rc = file != NULL ? yaml_parse_file(mem, file, &root, &e) : 0;
    if (rc == 0 && file != NULL)
        rc = number_filter_read(f, root, &e);
    if (rc == 0)
        rc = add_options(a, f, &e);
    if (rc == 0)
        rc = number_filter_seal(f, &e);
    return rc == 0 ? CMD_OK : cmd_fail(CMD_USAGE, "docs/lists.md has all that a filter may ask for", "%s", e.text);
}

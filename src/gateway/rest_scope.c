/* SPDX-License-Identifier: Apache-2.0
 * rest_scope.c - the categories a consent is about, as a caller names them.
 *
 * One text with commas, or a list of texts: both are common in what other systems export. What is neither is a mistake, and is
 * told apart from one that is not there at all. */
#include "gateway/rest_person.h"

bool rest_no_scope(struct json field)
{
    struct str text;
    enum json_type type = json_type(field);
    return type == JSON_ABSENT || type == JSON_NULL || (type == JSON_ARRAY && json_count(field) == 0) ||
           (json_str(field, &text) && str_trim(text).n == 0);
}

int rest_scope(struct json field, consent_scope *ret, struct err *e)
{
    struct str text;
    consent_scope all = 0, one;
    if (rest_no_scope(field))
        return err_set(e, WL_EINVAL, "scope is missing: all, or marketing, utility, authentication, calls");
    if (json_str(field, &text))
        return consent_scope_parse(text, ret, e);
    if (json_type(field) != JSON_ARRAY)
        return err_set(e, WL_EINVAL, "scope must be a text or a list of texts");
    for (struct json_iter it = json_iter(field); json_next(&it);) {
        if (!json_str(it.value, &text))
            return err_set(e, WL_EINVAL, "scope must be a text or a list of texts");
        int rc = consent_scope_parse(text, &one, e);
        if (rc != 0)
            return rc;
        all |= one;
    }
    *ret = all;
    return 0;
}

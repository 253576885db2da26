/* SPDX-License-Identifier: Apache-2.0
 * lists_generate.c - `wayleave lists generate`: numbers for tests.
 *
 * Ranges that regulators set aside for fiction, and the published examples of the plans (core/test_number.h);
 * each row says so itself. There is no other way to make up numbers here, and there will be none: a number that is
 * made up and not set aside is some person's, who never agreed to anything. */
#include <string.h>

#include "cmd/lists_answer.h"
#include "cmd/lists_verbs.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "core/test_number.h"

static const char why[] =
    "Numbers are not made up here to be written to: behind a range that is in use are people who never agreed to "
    "anything, and every message to a stranger or to nobody lowers the quality of your sender. "
    "Write to people who asked for it: wayleave contacts import, wayleave consent import";

static const char *const refused[] = {"range", "pattern", "network", "random"};

static int refuse(const struct args *a)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (args_has(a, refused[i]))
            return cmd_fail(CMD_REFUSED, "wayleave help lists generate", "--%s is refused. %s.", refused[i], why);
    return CMD_OK;
}

static void put_row(struct table_out *o, const struct phone_data *d, uint64_t e164)
{
    struct test_number_about n;
    enum test_number t = test_number(d, e164, &n);
    table_out_phone(o, e164);
    table_out_cell(o, str_of(phone_region_id(d, n.region)));
    table_out_cell(o, str_of(phone_type_word(n.type)));
    table_out_cell(o, str_of(test_number_word(t)));
    table_out_cell(o, str_of(n.source));
    table_out_end(o);
}

static int write_rows(const struct args *a, const struct phone_data *d, int region, enum phone_type type,
                      uint64_t wanted, uint64_t *ret, struct err *e)
{
    static const char *const header[] = {"phone", "country", "type", "test_number", "source"};
    struct test_number_walk walk = {0};
    const char *path = args_get(a, "output");
    struct table_out *o = NULL;
    uint64_t e164;
    if (path != NULL && str_ends(str_of(path), STR(".wll")))
        return err_set(
            e, WL_EINVAL,
            "a list holds numbers alone and could not say that these are for tests; write a table, as in -o tests.csv");
    int rc = table_out_open(&(struct table_out_options){.path = path != NULL ? path : "-"}, NULL, &o, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < sizeof header / sizeof header[0]; i++)
        table_out_cell(o, str_of(header[i]));
    table_out_end(o);
    for (*ret = 0; *ret < wanted && (e164 = test_number_next(d, &walk, region, type)) != 0; ++*ret)
        put_row(o, d, e164);
    return table_out_close(o, e);
}

/* --country and --type. */
static int asked(const struct args *a, const struct phone_data *d, int *ret_region, enum phone_type *ret_type)
{
    const char *country = args_get(a, "country"), *type = args_get(a, "type");
    int t = type != NULL ? phone_type_of_word(str_of(type)) : PHONE_UNKNOWN_TYPE;
    *ret_region = country != NULL ? phone_region(d, str_of(country)) : 0;
    if (country != NULL && *ret_region == 0)
        return cmd_fail(CMD_USAGE, NULL, "%s is no country with numbers: two letters are wanted, as in DE", country);
    if (t < 0)
        return cmd_fail(CMD_USAGE, NULL,
                        "\"%s\" is no type of number; mobile, fixed_line, fixed_line_or_mobile and toll_free are some",
                        type);
    *ret_type = (enum phone_type)t;
    return CMD_OK;
}

static int generate(const struct args *a, const struct phone_data *d, int64_t wanted)
{
    struct lists_answer x;
    struct err e = {0};
    enum phone_type type;
    uint64_t made = 0;
    int region, code = asked(a, d, &region, &type);
    if (code != CMD_OK)
        return code;
    int rc = lists_answer_begin(&x, a, args_get(a, "output"), &e);
    if (rc == 0)
        rc = write_rows(a, d, region, type, (uint64_t)wanted, &made, &e);
    if (rc != 0)
        return lists_answer_end(&x, lists_fail(&e));
    lists_answer_count(&x, "numbers", "test numbers", made);
    lists_answer_text(
        &x, "note", "note",
        STR("for tests alone: set aside for fiction, or published examples; a gateway sends nothing to them"));
    if (made < (uint64_t)wanted)
        cmd_fail(CMD_PARTIAL, NULL, "there are only %llu test numbers like that. %s.", (unsigned long long)made, why);
    return lists_answer_end(&x, made < (uint64_t)wanted ? CMD_PARTIAL : CMD_OK);
}

int lists_generate_run(const struct args *a)
{
    struct phone_tables t;
    int64_t wanted = 0;
    int code = refuse(a);
    if (code == CMD_OK)
        code = lists_number_option(a, "count", 1, 10, &wanted);
    if (code != CMD_OK)
        return code;
    code = phone_tables_open(a, &t);
    if (code == CMD_OK)
        code = generate(a, &t.data, wanted);
    phone_tables_close(&t);
    return code;
}

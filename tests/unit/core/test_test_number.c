/* SPDX-License-Identifier: Apache-2.0
 * test_test_number.c - numbers for tests, and samples of lists. */
#include "core/test_number.h"

#include "core/number_sample.h"
#include "core/phone_place.h"

#include "t.h"

static struct phone_data plans;

static const struct {
    uint64_t number;
    enum test_number want;
} rows[] = {
    {12025550100, TEST_NUMBER_FICTION},   {12025550199, TEST_NUMBER_FICTION},   {12025550200, TEST_NUMBER_NOT},
    {12025550099, TEST_NUMBER_NOT},       {19995550123, TEST_NUMBER_FICTION},   {1202555010, TEST_NUMBER_NOT},
    {120255501000, TEST_NUMBER_NOT},      {447700900000, TEST_NUMBER_FICTION},  {447700900999, TEST_NUMBER_FICTION},
    {447700901000, TEST_NUMBER_NOT},      {442079460123, TEST_NUMBER_FICTION},  {33639981234, TEST_NUMBER_FICTION},
    {493023125999, TEST_NUMBER_FICTION},  {493023126000, TEST_NUMBER_NOT},      {61491570156, TEST_NUMBER_FICTION},
    {61491570160, TEST_NUMBER_NOT},       {491721234567, TEST_NUMBER_NOT},      {0, TEST_NUMBER_NOT},
    {491713920000, TEST_NUMBER_FICTION},  {491713920099, TEST_NUMBER_FICTION},  {491713920100, TEST_NUMBER_NOT},
    {4917604069000, TEST_NUMBER_FICTION}, {4917604069100, TEST_NUMBER_NOT},     {4915228817386, TEST_NUMBER_FICTION},
    {4915228895456, TEST_NUMBER_FICTION}, {4915254599371, TEST_NUMBER_FICTION}, {491729925904, TEST_NUMBER_FICTION},
    {491729968532, TEST_NUMBER_FICTION},  {491729973184, TEST_NUMBER_NOT},      {491729973185, TEST_NUMBER_FICTION},
    {491729973186, TEST_NUMBER_FICTION},  {491729980752, TEST_NUMBER_FICTION},  {491749091317, TEST_NUMBER_FICTION},
    {491749464308, TEST_NUMBER_FICTION},  {61491570006, TEST_NUMBER_FICTION},   {61491570737, TEST_NUMBER_FICTION},
    {61491571804, TEST_NUMBER_FICTION},   {61491572549, TEST_NUMBER_FICTION},   {61491573087, TEST_NUMBER_FICTION},
    {61491573770, TEST_NUMBER_FICTION},   {61491574632, TEST_NUMBER_FICTION},   {61491575254, TEST_NUMBER_FICTION},
    {61491576801, TEST_NUMBER_FICTION},   {61491577644, TEST_NUMBER_FICTION},   {61491578148, TEST_NUMBER_FICTION},
    {61491578888, TEST_NUMBER_FICTION},   {61491579455, TEST_NUMBER_FICTION},   {61491579456, TEST_NUMBER_NOT},
    {611800160401, TEST_NUMBER_FICTION},  {611800975707, TEST_NUMBER_FICTION},  {611800975712, TEST_NUMBER_NOT},
    {611300975711, TEST_NUMBER_FICTION},  {611900654321, TEST_NUMBER_NOT},      {353209100000, TEST_NUMBER_FICTION},
    {353209200000, TEST_NUMBER_NOT},      {46701740604, TEST_NUMBER_NOT},       {46701740605, TEST_NUMBER_FICTION},
    {46980319299, TEST_NUMBER_FICTION},   {18005550199, TEST_NUMBER_FICTION},   {18005550198, TEST_NUMBER_NOT},
    {18885550199, TEST_NUMBER_NOT},       {19005550123, TEST_NUMBER_NOT},       {15005550123, TEST_NUMBER_NOT},
    {15295550123, TEST_NUMBER_NOT},       {16005550123, TEST_NUMBER_NOT},       {17105550123, TEST_NUMBER_NOT},
    {14165550123, TEST_NUMBER_FICTION},   {UINT64_MAX, TEST_NUMBER_NOT},
};

TEST(nobodys_numbers)
{
    phone_data_builtin(&plans);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct test_number_about about;
        if (test_number(&plans, rows[i].number, &about) != rows[i].want)
            fail_msg("%llu: %s", (unsigned long long)rows[i].number, about.source);
        assert_int_equal(*about.source != '\0', rows[i].want != TEST_NUMBER_NOT);
    }
    uint64_t example = phone_example(&plans, phone_region(&plans, STR("DE")), PHONE_MOBILE);
    assert_int_equal(test_number(&plans, example, NULL), TEST_NUMBER_EXAMPLE);
}

/* All that is given out is one, of the region and type asked for, and no number twice. */
TEST(what_is_given_out_is_nobodys)
{
    static const struct {
        const char *region;
        enum phone_type type;
        size_t least;
    } asked[] = {{"DE", PHONE_MOBILE, 210},    {"GB", PHONE_MOBILE, 1000},  {"US", PHONE_FIXED_LINE_OR_MOBILE, 10000},
                 {"SE", PHONE_MOBILE, 95},     {"FR", PHONE_MOBILE, 10000}, {"BR", PHONE_MOBILE, 1},
                 {"AT", PHONE_UNKNOWN_TYPE, 3}};
    phone_data_builtin(&plans);
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct test_number_walk walk = {0};
        int region = phone_region(&plans, str_of(asked[i].region));
        size_t n = 0;
        uint64_t e164, before = 0;
        while ((e164 = test_number_next(&plans, &walk, region, asked[i].type)) != 0) {
            struct test_number_about about;
            assert_int_not_equal(test_number(&plans, e164, &about), TEST_NUMBER_NOT);
            assert_int_equal(about.region, region);
            assert_true(asked[i].type == PHONE_UNKNOWN_TYPE || about.type == asked[i].type);
            assert_int_not_equal(e164, before);
            before = e164;
            n++;
        }
        if (n < asked[i].least)
            fail_msg("%s: %zu", asked[i].region, n);
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

TEST(no_number_is_given_out_twice)
{
    static uint64_t given[400000];
    struct test_number_walk walk = {0};
    size_t n = 0;
    uint64_t e164;
    phone_data_builtin(&plans);
    while ((e164 = test_number_next(&plans, &walk, 0, PHONE_UNKNOWN_TYPE)) != 0) {
        assert_true(n < sizeof given / sizeof given[0]);
        given[n++] = e164;
    }
    assert_true(n > 10000);
    qsort(given, n, sizeof *given, by_value);
    for (size_t i = 1; i < n; i++)
        if (given[i] == given[i - 1])
            fail_msg("%llu", (unsigned long long)given[i]);
}

TEST(a_sample_is_exact_and_the_same_again)
{
    uint64_t number[100], got[100], again[100];
    unsigned taken[100] = {0};
    for (size_t i = 0; i < 100; i++)
        number[i] = i;
    for (uint64_t seed = 0; seed < 4000; seed++) {
        struct number_sample s, t;
        size_t n = 0, m;
        number_sample_begin(&s, seed, 100, 10);
        for (size_t at = 0; at < 100; at += 20)
            n += number_sample_take(&s, number + at, 20, got + n);
        number_sample_begin(&t, seed, 100, 10);
        m = number_sample_take(&t, number, 100, again);
        assert_int_equal(n, 10);
        assert_int_equal(m, 10);
        assert_memory_equal(got, again, 10 * sizeof *got);
        for (size_t i = 0; i < n; i++)
            taken[got[i]]++;
    }
    for (size_t i = 0; i < 100; i++) /* 400 expected, 19 the deviation */
        assert_in_range(taken[i], 310, 490);
    struct number_sample s;
    number_sample_begin(&s, 1, 100, 1000);
    assert_int_equal(number_sample_take(&s, number, 100, got), 100);
    number_sample_begin(&s, 1, 100, 0);
    assert_int_equal(number_sample_take(&s, number, 100, got), 0);
}

TESTS(T(nobodys_numbers), T(what_is_given_out_is_nobodys), T(no_number_is_given_out_twice),
      T(a_sample_is_exact_and_the_same_again))

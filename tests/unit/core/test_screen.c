/* SPDX-License-Identifier: Apache-2.0
 * test_screen.c - verdicts of numbers, with the numbering plans built in. */
#include "core/screen.h"

#include "core/phone_place.h"
#include "core/table_split.h"
#include "t.h"

static struct phone_data data;
static struct screen plain, international;

static int open_plans(void **state)
{
    (void)state;
    phone_data_builtin(&data);
    screen_init(&plain, &data, false);
    screen_init(&international, &data, true);
    return 0;
}

static const struct {
    const char *text, *region, *verdict;
    uint64_t e164;
    unsigned repair;
} rows[] = {
    {"+49 30 901820", "", "ok", 4930901820u, 0},
    {"030 901820", "DE", "ok", 4930901820u, 0},
    {"(0)30/90 18-20", "DE", "ok", 4930901820u, 0},
    {"0049 30 901820", "DE", "ok", 4930901820u, 0},
    {"+1 (202) 456-1111", "DE", "ok", 12024561111u, 0},
    {"030 901820 ext. 12", "DE", "ok", 4930901820u, 0},
    {"", "DE", "empty", 0, 0},
    {"n/a", "DE", "not_a_number", 0, 0},
    {"ask Anna", "DE", "not_a_number", 0, 0},
    {"1", "DE", "not_a_number", 0, 0},
    {"+49 30 1", "", "local_only", 0, 0},
    {"+49 30 9018201234567890", "", "too_long", 0, 0},
    {"+49123456789012345678901", "", "too_long", 0, 0},
    {"+44 12", "", "too_short", 0, 0},
    {"+44 20 1234 567", "", "not_assigned", 0, 0},
    {"+999 123456789", "", "no_such_code", 0, 0},
    {"030 901820", "", "needs_region", 0, 0},
    {"030 901820", "??", "unknown_country", 0, 0},
    {"+49 30 901820", "??", "ok", 4930901820u, 0},
    {"456-1111", "US", "local_only", 0, 0},
    {"+1 202 999 999", "", "too_short", 0, 0},
    {"+1 111 111 1111", "", "not_assigned", 0, 0},
    {"00 49", "DE", "short_after_prefix", 0, 0},
    {"4915112345678", "DE", "both_ways", 0, 0},
    {"49 151-12345678", "DE", "both_ways", 0, 0},
    {"4915112345678 ext. 12", "DE", "both_ways", 0, 0},
    {"\xEF\xBC\x94\xEF\xBC\x99"
     "15112345678",
     "DE", "both_ways", 0, 0},
    {"+4915112345678", "DE", "ok", 4915112345678u, 0},
    {"04915112345678", "DE", "ok", 0, 0},
    {"015112345678", "DE", "ok", 4915112345678u, 0},
    {"+1 202 555 0143", "", "test_number", 0, 0},
    {"07700 900123", "GB", "test_number", 0, 0},
    /* what spreadsheets do */
    {"=\"030 901820\"", "DE", "ok", 4930901820u, PHONE_CELL_UNWRAPPED},
    {"=+4930901820", "", "ok", 4930901820u, PHONE_CELL_UNWRAPPED},
    {"=4930901820", "DE", "ok", 4930901820u, PHONE_CELL_UNWRAPPED},
    {"=1+1", "DE", "formula", 0, 0},
    {"=", "DE", "formula", 0, 0},
    {"=\"", "DE", "formula", 0, 0},
    {"=HYPERLINK(\"http://x\",\"030 901820\")", "DE", "formula", 0, 0},
    {"=\"030\"&\"901820\"", "DE", "formula", 0, 0},
    {"@SUM(1;2)", "DE", "formula", 0, 0},
    {"+cmd|' /C calc'!A0", "DE", "formula", 0, 0},
    {"-2+3+cmd|' /C calc'!A0", "DE", "formula", 0, 0},
    {"5.4E+11", "DE", "digits_lost", 0, 0},
    {"5,4E+11", "DE", "digits_lost", 0, 0},
    {"5E11", "DE", "digits_lost", 0, 0},
    {"4.93091E+11", "DE", "digits_lost", 0, 0},
    {"+4.93091E+11", "DE", "digits_lost", 0, 0},
    {"1.2024561111E+10", "US", "ok", 12024561111u, PHONE_CELL_EXPONENT},
    {"+1.2024561111E10", "", "ok", 12024561111u, PHONE_CELL_EXPONENT},
    {"1.2024561111e+09", "US", "not_a_number", 0, 0},
    {"2024561111.0", "US", "ok", 12024561111u, PHONE_CELL_DECIMAL},
    {"+4930901820.0", "", "ok", 4930901820u, PHONE_CELL_DECIMAL},
    {"#REF!", "DE", "sheet_error", 0, 0},
    {"#N/A", "DE", "sheet_error", 0, 0},
    {"##########", "DE", "sheet_error", 0, 0},
    /* several */
    {"030 901820, 030 901821", "DE", "two_numbers", 0, 0},
    {"030 901820; 030 901821", "DE", "two_numbers", 0, 0},
    {"030 901820 / 030 901821", "DE", "two_numbers", 0, 0},
    {"030 901820 oder 030 901821", "DE", "two_numbers", 0, 0},
    {"+4930901820 +12024561111", "", "two_numbers", 0, 0},
    {"+4930901820+12024561111", "", "two_numbers", 0, 0},
    {"+49 30 901820\n+1 202 456 1111", "", "two_numbers", 0, 0},
    {"+49 30 901820 ::: +1 202 456 1111", "", "two_numbers", 0, 0},
    {"030/901820", "DE", "ok", 4930901820u, 0},
    {"0151 12345678 0160 12345678", "DE", "two_numbers", 0, 0},
    {"+44 20 7946 1234/5", "", "two_numbers", 0, 0},
    {"+49 30 901820/21", "", "two_numbers", 0, 0},
    {"0170 1234567 Handy 030 901820", "DE", "two_numbers", 0, 0},
    /* what a number became on its way through a spreadsheet */
    {"436641493839.0", "AT", "ok", 436641493839u, PHONE_CELL_DECIMAL},
    {"436641493839,0", "AT", "ok", 436641493839u, PHONE_CELL_DECIMAL},
    {"436641493839.00", "AT", "ok", 436641493839u, PHONE_CELL_DECIMAL},
    {"4.36641493839E+11", "AT", "ok", 436641493839u, PHONE_CELL_EXPONENT},
    {"491701234567.0", "DE", "both_ways", 0, PHONE_CELL_DECIMAL},
    {"4.91701234567E+11", "DE", "both_ways", 0, PHONE_CELL_EXPONENT},
    {"491701234567.0", "", "needs_region", 0, PHONE_CELL_DECIMAL},
    {"4915112345000.5", "DE", "digits_lost", 0, 0},
    {"030.901820", "DE", "ok", 4930901820u, 0},
    {"'+49 30 901820", "", "ok", 4930901820u, 0},
    {"'030 901820", "DE", "ok", 4930901820u, 0},
    {"'", "DE", "not_a_number", 0, 0},
    {"#NAME?", "DE", "sheet_error", 0, 0},
    {"2023-03-15", "DE", "not_a_number", 0, 0},
    {"2023-03-15 10:30:00", "DE", "not_a_number", 0, 0},
    {"15.03.2023", "DE", "not_a_number", 0, 0},
    {"03/15/2023", "US", "not_a_number", 0, 0},
    /* another country's number without its + is not guessed */
    {"33612345678", "DE", "both_ways", 0, 0},
    {"447911123456", "DE", "both_ways", 0, 0},
    {"41791234567", "DE", "both_ways", 0, 0},
    {"436641234567", "DE", "both_ways", 0, 0},
    {"393331234567", "DE", "both_ways", 0, 0},
    {"48501234567", "DE", "both_ways", 0, 0},
    {"Tel. 33612345678", "DE", "both_ways", 0, 0},
    {"33611223344", "FR", "ok", 33611223344u, 0},
    {"33612345678", "US", "both_ways", 0, 0},
    {"1701234567", "DE", "ok", 491701234567u, 0},
    {"(202) 456-1111", "US", "ok", 12024561111u, 0},
    {"212 736 5000", "US", "ok", 12127365000u, 0},
    {"+39333123456", "", "ok", 39333123456u, 0},
    /* with a + that is no number */
    {"+49 1515877529", "", "not_assigned", 0, 0},
    {"+1 999 999 9999", "", "not_assigned", 0, 0},
    {"+49123", "", "local_only", 0, 0},
    {"+49151123450001234", "", "not_assigned", 0, 0},
    {"+491511234500012345", "", "too_long", 0, 0},
    /* words behind a number */
    {"0170-1234567 (privat)", "DE", "ok", 491701234567u, PHONE_CELL_WORDS},
    {"0170 1234567 WhatsApp", "DE", "ok", 491701234567u, PHONE_CELL_WORDS},
    {"+49 30 901820 (Home)", "", "ok", 4930901820u, PHONE_CELL_WORDS},
    {"0170 1234567 B\xC3\xBCro", "DE", "ok", 491701234567u, PHONE_CELL_WORDS},
    {"33612345678 (privat)", "DE", "both_ways", 0, 0},
    {"0170 1234567 (ab 18 Uhr)", "DE", "text_behind", 0, 0},
    {"030 901820 x12", "DE", "ok", 4930901820u, 0},
    {"1-800-FLOWERS", "US", "ok", 18003569377u, 0},
    {"+1 202 456 HOME", "", "ok", 12024564663u, 0},
};

static bool check(const struct screen *s, const char *text, const char *region, const char *verdict, uint64_t e164,
                  unsigned repair)
{
    struct phone_cell got;
    int row = strcmp(region, "??") == 0 ? -1 : phone_region(&data, str_of(region));
    /* in memory of its own, so that reading past its end is seen */
    char *copy = malloc(strlen(text) + 1);
    memcpy(copy, text, strlen(text));
    screen_number(s, (struct str){copy, strlen(text)}, row, &got);
    free(copy);
    bool same = strcmp(verdict_word((enum verdict)got.verdict), verdict) == 0 && got.repair == repair &&
                (e164 == 0 || got.number.e164 == e164);
    if (!same)
        print_error("\"%s\" in \"%s\": %s +%llu %d, not %s +%llu %u\n", text, region,
                    verdict_word((enum verdict)got.verdict), (unsigned long long)got.number.e164, got.repair, verdict,
                    (unsigned long long)e164, repair);
    return same;
}

TEST(verdicts_of_numbers)
{
    int wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        wrong += !check(&plain, rows[i].text, rows[i].region, rows[i].verdict, rows[i].e164, rows[i].repair);
    assert_int_equal(wrong, 0);
}

TEST(a_plus_that_is_missing)
{
    assert_true(check(&plain, "4930901820", "", "needs_region", 0, 0));
    assert_true(check(&international, "4930901820", "", "ok", 4930901820u, PHONE_CELL_PLUS));
    assert_true(check(&international, "49 (30) 901820", "", "ok", 4930901820u, PHONE_CELL_PLUS));
    assert_true(check(&international, "+49 30 901820", "", "ok", 4930901820u, 0));
    assert_true(check(&international, "030 901820", "DE", "ok", 4930901820u, 0));
    assert_true(check(&international, "4915112345678", "DE", "ok", 4915112345678u, PHONE_CELL_PLUS));
    assert_true(check(&international, "030 901820", "", "needs_region", 0, 0));
    assert_true(check(&international, "436641493839.0", "", "ok", 436641493839u, PHONE_CELL_PLUS));
    assert_true(check(&international, "4915112345000.5", "", "digits_lost", 0, 0));
    assert_true(check(&international, "2023-03-15", "", "not_a_number", 0, 0));
    assert_true(check(&international, "491515877529", "", "not_assigned", 0, PHONE_CELL_PLUS));
    assert_true(check(&international, "33611223344", "DE", "ok", 33611223344u, PHONE_CELL_PLUS));
    assert_true(check(&international, "4930901820", "??", "ok", 4930901820u, PHONE_CELL_PLUS));
}

TEST(examples_of_the_plans_are_for_tests)
{
    uint64_t mobile = phone_example(&data, phone_region(&data, STR("DE")), PHONE_MOBILE);
    char text[32];
    assert_true(mobile != 0);
    snprintf(text, sizeof text, "+%llu", (unsigned long long)mobile);
    assert_true(check(&plain, text, "", "test_number", mobile, 0));
}

TEST(long_text)
{
    char text[600];
    struct phone_cell got;
    memset(text, '1', sizeof text);
    screen_number(&plain, (struct str){text, sizeof text}, 0, &got);
    assert_int_equal(got.verdict, VERDICT_LONG_CELL);
    screen_number(&international, (struct str){text, PHONE_TEXT_MAX}, 0, &got);
    assert_int_equal(verdict_class((enum verdict)got.verdict), VERDICT_WRONG);
    memset(text, ',', sizeof text);
    screen_number(&plain, (struct str){text, PHONE_TEXT_MAX}, 0, &got);
    assert_int_equal(got.verdict, VERDICT_NOT_A_NUMBER);
}

/* Every word is there once, and whatever is wrong has a sentence and a next step. */
TEST(the_table)
{
    for (int v = 0; v < VERDICTS; v++) {
        assert_int_equal(verdict_of_word(str_of(verdict_word((enum verdict)v))), v);
        if (verdict_class((enum verdict)v) == VERDICT_WRONG)
            assert_true(verdict_next((enum verdict)v)[0] != '\0');
        assert_true((verdict_sentence((enum verdict)v)[0] == '\0') == (v == VERDICT_OK));
    }
    assert_int_equal(verdict_of_word(STR("maybe")), -1);
    for (int p = TABLE_RIGHT + 1; p < TABLE_PROBLEMS; p++)
        assert_int_equal(verdict_class(verdict_of_problem(p)), VERDICT_WRONG);
    for (int w = NUMBER_WANTED + 1; w < NUMBER_FILTER_WHYS; w++)
        assert_int_equal(verdict_class(verdict_of_filter((enum number_filter_why)w)), VERDICT_UNWANTED);
    assert_int_equal(verdict_of_filter(NUMBER_WANTED), VERDICT_OK);
}

TEST(counts_add_up)
{
    struct arena *a = arena_create(8u << 20);
    struct screen_tally *t = screen_tally_new(a, &data);
    struct phone_cell got;
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *region = strcmp(rows[i].region, "??") == 0 ? "" : rows[i].region;
        screen_number(&plain, str_of(rows[i].text), phone_region(&data, str_of(region)), &got);
        screen_count(t, &got, i % 2 ? "A" : "", i + 2);
    }
    for (int c = VERDICT_KEPT; c <= VERDICT_WRONG; c++)
        sum += screen_class_count(t, (enum verdict_class)c);
    assert_int_equal(sum, t->rows);
    assert_int_equal(t->rows, sizeof rows / sizeof rows[0]);
    uint64_t types = 0, regions = 0;
    for (int i = 0; i < PHONE_TYPES; i++)
        types += t->type[i];
    for (size_t i = 0; i < t->regions; i++)
        regions += t->region[i];
    assert_int_equal(types, t->verdict[VERDICT_OK]);
    assert_int_equal(regions, t->verdict[VERDICT_OK]);
    assert_int_equal(t->line[VERDICT_EMPTY][0], 8);
    assert_int_equal(t->line[VERDICT_EMPTY][1], 0);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(verdicts_of_numbers), T(a_plus_that_is_missing), T(examples_of_the_plans_are_for_tests), T(long_text),
        T(the_table),           T(counts_add_up)};
    return cmocka_run_group_tests(tests, open_plans, NULL);
}

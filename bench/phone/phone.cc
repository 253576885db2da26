/* SPDX-License-Identifier: Apache-2.0
 * phone.cc - numbers read a second of processor time, beside libphonenumber's C++ in the same process on the same rows.
 *
 *     phone TABLES.pnd [ROWS [LIST]]
 *
 * TABLES: of the linked library's own metadata (tests/phone/debian.pnd of the build), so that both do the same. Rows are made up like
 * contact lists: all regions by weight, E.164, formatted, national, dialled, damaged (tests/phone/inputs.c). Both read text, and work
 * out region, type, validity and E.164. The library gets the first rows of the same list, because it needs hundreds of times as long;
 * the two take turns, and the median of five turns counts. A checksum over both shows that the answers are the same. LIST: the rows are
 * written there too, for bench/phone/phone-js. */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <phonenumbers/phonenumberutil.h>

extern "C" {
#include "core/phone_format.h"
#include "tests/phone/inputs.h"
}

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace
{
const int TURNS = 5;
const size_t THEIR_ROWS = 10000;

struct row {
    std::string text, region;
    int row;
};

double cpu()
{
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

uint64_t mix(uint64_t sum, uint64_t e164, int type, bool valid)
{
    return sum * 31 + e164 * 13 + static_cast<uint64_t>(type) * 2 + valid;
}

uint64_t library(const std::vector<row> &rows, size_t n)
{
    const PhoneNumberUtil &u = *PhoneNumberUtil::GetInstance();
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        PhoneNumber number;
        std::string region, e164 = "0";
        int type = PhoneNumberUtil::UNKNOWN;
        bool valid = false;
        if (u.Parse(rows[i].text, rows[i].region, &number) == PhoneNumberUtil::NO_PARSING_ERROR) {
            u.GetRegionCodeForNumber(number, &region);
            type = u.GetNumberType(number);
            valid = u.IsValidNumber(number);
            u.Format(number, PhoneNumberUtil::E164, &e164);
        }
        sum = mix(sum, e164.size() > 20 ? 0 : std::strtoull(e164.c_str(), nullptr, 10), type, valid);
    }
    return sum;
}

/* With the text of E.164, as the library gives it. */
uint64_t engine(const phone_data *d, const std::vector<row> &rows, size_t n)
{
    char text[PHONE_FORMAT_MAX];
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        phone_number number;
        phone_number_read(d, {rows[i].text.data(), rows[i].text.size()}, rows[i].row, &number);
        text[1] = '\0';
        if (number.status == PHONE_OK)
            phone_format(d, &number, {nullptr, 0}, PHONE_E164, text);
        sum = mix(sum, number.e164 + 0 * static_cast<uint64_t>(text[1]), number.type, phone_number_valid(&number));
    }
    return sum;
}

/* Without a text: e164, region and type are what a list is kept as. */
uint64_t lean(const phone_data *d, const std::vector<row> &rows, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        phone_number number;
        phone_number_read(d, {rows[i].text.data(), rows[i].text.size()}, rows[i].row, &number);
        sum = mix(sum, number.e164, number.type, phone_number_valid(&number));
    }
    return sum;
}

double median(std::vector<double> v)
{
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

std::vector<row> make(const phone_data *d, size_t n, bool clean)
{
    inputs g = {d, 20261122};
    std::vector<row> rows;
    input in;
    phone_number number;
    while (rows.size() < n) {
        inputs_next(&g, INPUT_MIXED, &in);
        std::string text(in.text, in.n);
        if (clean) {
            phone_number_read(d, {in.text, in.n}, in.region, &number);
            if (!phone_number_valid(&number))
                continue;
            text = "+" + std::to_string(number.e164);
        }
        rows.push_back({text, in.region ? phone_region_id(d, in.region) : "ZZ", in.region});
    }
    return rows;
}

void compare(const phone_data *d, const char *name, const std::vector<row> &rows)
{
    size_t n = std::min(THEIR_ROWS, rows.size());
    std::vector<double> theirs, ours, leans;
    bool same = library(rows, n) == engine(d, rows, n); /* and the caches of both are warm */
    for (int turn = 0; turn < TURNS; turn++) {
        double a = cpu();
        library(rows, n);
        double b = cpu();
        engine(d, rows, rows.size());
        double c = cpu();
        lean(d, rows, rows.size());
        double e = cpu();
        theirs.push_back(static_cast<double>(n) / (b - a));
        ours.push_back(static_cast<double>(rows.size()) / (c - b));
        leans.push_back(static_cast<double>(rows.size()) / (e - c));
    }
    std::printf("%-6s libphonenumber %7.0f a second; engine %8.0f with E.164 text (%.0f times), %8.0f without (%.0f times); "
                "answers %s\n",
                name, median(theirs), median(ours), median(ours) / median(theirs), median(leans),
                median(leans) / median(theirs), same ? "the same" : "DIFFERENT");
    std::fflush(stdout);
}
} // namespace

int main(int argc, char **argv)
{
    static uint64_t file[PHONE_FILE_MAX / 8];
    size_t rows = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 500000;
    phone_data d;
    err e = {};
    std::FILE *f = argc > 1 ? std::fopen(argv[1], "rb") : nullptr;
    size_t n = f ? std::fread(file, 1, sizeof file, f) : 0;
    if (!f || phone_data_open(&d, file, n, &e) != 0) {
        std::fprintf(stderr, "usage: phone TABLES.pnd [ROWS [LIST]]: %s\n", e.text);
        return 2;
    }
    std::fclose(f);
    std::vector<row> mixed = make(&d, rows, false);
    if (argc > 3) {
        std::ofstream list(argv[3], std::ios::binary);
        for (const row &r : mixed)
            list << r.region << '\t' << r.text << '\n';
    }
    std::printf("%s, %zu rows, %d turns, processor seconds of one thread\n", phone_data_name(&d), rows, TURNS);
    compare(&d, "mixed", mixed);
    compare(&d, "E.164", make(&d, rows, true));
    return 0;
}

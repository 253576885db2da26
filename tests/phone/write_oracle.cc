/* SPDX-License-Identifier: Apache-2.0
 * write_oracle.cc - numbers written by us and by libphonenumber's C++, side by side, on the same plans.
 *
 *     write_oracle TABLES.pnd COUNT [SEED]
 *
 * TABLES: compiled out of the metadata the linked library has. Every example of the plans, then COUNT made-up numbers: a prefix that
 * layouts ask about, lengths around the possible ones, leading zeros, extensions. Nothing is parsed: both get code and digits. */
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <phonenumbers/phonenumberutil.h>

extern "C" {
#include "core/phone_format.h"
#include "core/phone_place.h"
}

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace
{
struct maker {
    const phone_data *d;
    std::mt19937_64 random;
    std::vector<std::string> example; // code + digits, where the plans have one
    std::vector<unsigned> codes;

    unsigned below(unsigned n)
    {
        return static_cast<unsigned>(random() % n);
    }

    std::string digits(unsigned n)
    {
        std::string s;
        while (s.size() < n)
            s += static_cast<char>('0' + below(10));
        return s;
    }
};

void set(PhoneNumber *p, unsigned code, const std::string &nsn)
{
    size_t zeros = 0;
    while (zeros + 1 < nsn.size() && nsn[zeros] == '0')
        zeros++;
    p->set_country_code(static_cast<int>(code));
    p->set_national_number(std::strtoull(nsn.c_str(), nullptr, 10));
    if (zeros > 0) {
        p->set_italian_leading_zero(true);
        p->set_number_of_leading_zeros(static_cast<int>(zeros));
    }
}

unsigned long differences;

void compare(const phone_data *d, unsigned code, const std::string &nsn, const std::string &ext)
{
    static const PhoneNumberUtil &library = *PhoneNumberUtil::GetInstance();
    PhoneNumber theirs;
    phone_number ours;
    char got[PHONE_FORMAT_MAX];
    set(&theirs, code, nsn);
    if (!ext.empty())
        theirs.set_extension(ext);
    phone_number_of(d, code, {nsn.data(), nsn.size()}, &ours);
    for (int f = PHONE_E164; f <= PHONE_RFC3966; f++) {
        std::string want;
        library.Format(theirs, static_cast<PhoneNumberUtil::PhoneNumberFormat>(f), &want);
        size_t n = phone_format(d, &ours, {ext.data(), ext.size()}, static_cast<enum phone_format>(f), got);
        if (want == std::string(got, n))
            continue;
        if (++differences <= 20)
            std::printf("+%u %s ext \"%s\" style %d: \"%s\", want \"%s\"\n", code, nsn.c_str(), ext.c_str(), f, got,
                        want.c_str());
    }
}

/* An example with some digits changed, or digits of a length the code may have, or of any. */
std::string made_up(maker *m, unsigned code)
{
    const phone_region_row &region = m->d->region[m->d->plan[m->d->code[code]].main];
    const phone_lengths &row = m->d->lengths[region.lengths];
    uint32_t lengths = m->d->mask[row.possible[0]] | m->d->mask[row.local_only[0]];
    unsigned n = 1 + m->below(PHONE_NSN_MAX);
    for (int i = 0; i < 20 && (lengths >> n & 1) == 0 && m->below(10) != 0; i++)
        n = 1 + m->below(PHONE_NSN_MAX);
    std::string s = m->digits(n);
    if (m->below(2) == 0) {
        const std::string &x = m->example[m->below(static_cast<unsigned>(m->example.size()))];
        unsigned keep = m->below(5);
        s = x.substr(0, keep) + m->digits(static_cast<unsigned>(x.size()) - (keep < x.size() ? keep : 0));
        s = s.substr(0, PHONE_NSN_MAX);
    }
    return s;
}

int run(const phone_data *d, unsigned long count, uint64_t seed)
{
    maker m = {d, std::mt19937_64(seed), {}, {}};
    for (unsigned code = 1; code < PHONE_CODES; code++)
        if (d->code[code] != 0)
            m.codes.push_back(code);
    for (uint32_t i = 0; i < d->count[PHONE_SECTION_EXAMPLE]; i++) {
        m.example.emplace_back(d->text + d->example[i].text);
        compare(d, d->region[d->example[i].region].code, m.example.back(), "");
        compare(d, d->region[d->example[i].region].code, m.example.back(), "12");
    }
    for (unsigned long i = 0; i < count; i++) {
        unsigned code = m.codes[m.below(static_cast<unsigned>(m.codes.size()))];
        compare(d, code, made_up(&m, code), m.below(8) == 0 ? m.digits(1 + m.below(7)) : "");
    }
    std::printf("%zu examples, %lu made-up numbers, four styles: %lu differences (seed %" PRIu64 ")\n",
                m.example.size(), count, differences, seed);
    return differences == 0 && !m.example.empty() ? 0 : 1;
}
} // namespace

int main(int argc, char **argv)
{
    if (argc < 3) {
        std::fprintf(stderr, "write_oracle TABLES.pnd COUNT [SEED]\n");
        return 2;
    }
    std::ifstream in(argv[1], std::ios::binary);
    std::string file((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    std::vector<uint64_t> bytes(file.size() / sizeof(uint64_t) + 1);
    std::memcpy(bytes.data(), file.data(), file.size());
    phone_data d;
    err e = {};
    if (phone_data_open(&d, bytes.data(), file.size(), &e) != 0) {
        std::fprintf(stderr, "%s: %s\n", argv[1], e.text);
        return 2;
    }
    return run(&d, std::strtoul(argv[2], nullptr, 10), argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1);
}

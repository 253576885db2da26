/* SPDX-License-Identifier: Apache-2.0
 * read_oracle.cc - texts read by us and by libphonenumber's C++, side by side, on the same plans.
 *
 *     read_oracle TABLES.pnd COUNT [SEED [short]]
 *
 * TABLES: compiled out of the metadata the linked library has. One number of every decision cell, then COUNT texts of five kinds
 * (inputs.h), a fifth each; with "short" every text of one to four digits in every region too. Compared: error, country code, national
 * digits, extension, region, type, validity, possibility, and of every fourth text where the code came from and the carrier; of one in
 * thirteen also whether it is valid for regions, possible for each type, and the same number as another text. The first differences
 * are printed, and one makes it fail.
 *
 * Where the linked release does not yet know a rule that newer ones have, the rule is put here in their own words (regular expressions of
 * ICU): a ";phone-context=" has to be a number or a domain. */
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <phonenumbers/phonenumberutil.h>
#include <unicode/regex.h>

extern "C" {
#include "core/phone_match.h"
#include "tests/phone/inputs.h"
}

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace
{
const int SHOWN = 20;
const uint64_t MORE_EACH = 13; /* no multiple of the kinds of inputs, so that all of them come */

struct proof {
    const phone_data *d;
    const PhoneNumberUtil &library = *PhoneNumberUtil::GetInstance();
    uint64_t compared = 0, differences = 0, parsed = 0, valid = 0, extensions = 0, answers = 0, matches = 0;
};

/* What a reading says, as one line. */
std::string line(int status, int code, const std::string &nsn, const std::string &ext, const std::string &region,
                 int type, bool valid, int possible, int source, const std::string &carrier)
{
    if (status != 0)
        return "error " + std::to_string(status);
    return "+" + std::to_string(code) + " " + nsn + " ext \"" + ext + "\" " + region + " type " + std::to_string(type) +
           (valid ? " valid" : " not valid") + " possible " + std::to_string(possible) + " from " +
           std::to_string(source) + " carrier \"" + carrier + "\"";
}

bool matches(const char *pattern, const std::string &text)
{
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeString utf16 = icu::UnicodeString::fromUTF8(text);
    icu::RegexMatcher m(icu::UnicodeString::fromUTF8(pattern), utf16, 0, status);
    return m.matches(status) != 0;
}

/* Whether a newer release would read on. */
bool context_is_valid(const std::string &text)
{
    static const std::string mark = ";phone-context=";
    size_t at = text.find(mark);
    if (at == std::string::npos)
        return true;
    at += mark.size();
    size_t end = text.find(';', at);
    std::string value = text.substr(at, end == std::string::npos ? end : end - at);
    return matches("\\+(\\p{Nd}|[-.()])*\\p{Nd}(\\p{Nd}|[-.()])*", value) ||
           matches("([A-Za-z\\p{Nd}]+((-)*[A-Za-z\\p{Nd}])*\\.)*[A-Za-z]+((-)*[A-Za-z\\p{Nd}])*\\.?", value);
}

std::string theirs(const proof &p, const std::string &text, const std::string &region, bool raw)
{
    PhoneNumber n;
    if (!context_is_valid(text))
        return line(PhoneNumberUtil::NOT_A_NUMBER, 0, "", "", "", 0, false, 0, 0, "");
    int status = raw ? p.library.ParseAndKeepRawInput(text, region, &n) : p.library.Parse(text, region, &n);
    if (status != 0)
        return line(status, 0, "", "", "", 0, false, 0, 0, "");
    std::string nsn, of;
    p.library.GetNationalSignificantNumber(n, &nsn);
    p.library.GetRegionCodeForNumber(n, &of);
    return line(0, n.country_code(), nsn, n.extension(), of, p.library.GetNumberType(n), p.library.IsValidNumber(n),
                p.library.IsPossibleNumberWithReason(n), raw ? n.country_code_source() : 0,
                n.preferred_domestic_carrier_code());
}

std::string ours(proof &p, const std::string &text, int region, bool raw)
{
    phone_number n;
    phone_raw kept = {};
    std::vector<char> exact(text.begin(), text.end()); /* of its very size: reading past it is seen */
    str bytes = {exact.data(), exact.size()};
    if (raw)
        phone_number_read_raw(p.d, bytes, region, &n, &kept);
    else
        phone_number_read(p.d, bytes, region, &n);
    if (n.status != PHONE_OK)
        return line(n.status, 0, "", "", "", 0, false, 0, 0, "");
    std::string e164 = std::to_string(n.code) + n.nsn;
    if (n.e164 != (e164.size() > 19 ? 0 : std::strtoull(e164.c_str(), nullptr, 10)))
        return "E.164 " + std::to_string(n.e164);
    p.parsed++;
    p.valid += phone_number_valid(&n);
    p.extensions += n.ext_len > 0;
    return line(0, n.code, n.nsn, text.substr(n.ext_at, n.ext_len), phone_region_id(p.d, n.region), n.type,
                phone_number_valid(&n), n.possible, kept.source, kept.carrier);
}

/* The one departure: digits of an extension on both sides of a context are not told. */
bool split_extension(const std::string &text, const std::string &want, const std::string &got)
{
    size_t a = want.find("ext \""), b = got.find("ext \"\"");
    return a != std::string::npos && a == b && text.find(";phone-context=") != std::string::npos &&
           want.substr(0, a) == got.substr(0, a) && want.substr(want.find('"', a + 5)) == got.substr(b + 5);
}

void put(const std::string &text)
{
    for (unsigned char c : text)
        std::fprintf(stderr, c >= ' ' && c < 0x7f ? "%c" : "\\x%02x", c);
}

void compare(proof &p, const std::string &text, int region, bool raw)
{
    std::string id = region ? phone_region_id(p.d, region) : "ZZ";
    std::string want = theirs(p, text, id, raw), got = ours(p, text, region, raw);
    p.compared++;
    if (want == got || split_extension(text, want, got))
        return;
    if (p.differences++ < SHOWN) {
        std::fprintf(stderr, "%s \"", id.c_str());
        put(text);
        std::fprintf(stderr, "\"\n  library: %s\n  we:      %s\n", want.c_str(), got.c_str());
    }
}

/* One more answer about a number that was read alike. */
void same(proof &p, int want, int got, const char *what, const std::string &text, const std::string &about)
{
    p.answers++;
    if (want == got || p.differences++ >= SHOWN)
        return;
    std::fprintf(stderr, "%s \"", what);
    put(text);
    std::fprintf(stderr, "\" ");
    put(about);
    std::fprintf(stderr, " library: %d we: %d\n", want, got);
}

/* Its own region, the one it was read in, and one of all. The entity of a code without a place goes by "001", as all of them do. */
void compare_regions(proof &p, inputs &g, const std::string &text, int region, const PhoneNumber &theirs,
                     const phone_number &n)
{
    int main = phone_region_of_code(p.d, n.code);
    int asked[] = {n.region, region, static_cast<int>(inputs_random(&g, p.d->count[PHONE_SECTION_REGION]))};
    for (int r : asked) {
        std::string id = phone_region_id(p.d, r);
        if (id == "001" && id == phone_region_id(p.d, main))
            r = main;
        same(p, p.library.IsValidNumberForRegion(theirs, id), phone_number_valid_for(p.d, &n, r), "valid for", text,
             id);
    }
}

/* The text's number again, as people and systems might keep it: whole, at home, its end, with an extension, or quite another. */
std::string variant(inputs &g, const phone_number &n, const std::string &other)
{
    std::string nsn = n.nsn;
    switch (inputs_random(&g, 6)) {
    case 0:
        return other;
    case 1:
        return nsn;
    case 2:
        return nsn.substr(inputs_random(&g, nsn.size() + 1));
    case 3:
        return "0" + nsn;
    case 4:
        return "+" + std::to_string(n.code) + nsn + ";ext=" + std::to_string(inputs_random(&g, 20));
    default:
        return "+" + std::to_string(n.code) + nsn;
    }
}

void compare_match(proof &p, inputs &g, std::string a, std::string b)
{
    if (inputs_random(&g, 4) == 0)
        a += " x" + std::to_string(inputs_random(&g, 20));
    if (inputs_random(&g, 2))
        std::swap(a, b);
    p.matches++;
    same(p, p.library.IsNumberMatchWithTwoStrings(a, b), phone_match(p.d, {a.data(), a.size()}, {b.data(), b.size()}),
         "match", a, b);
}

/* Texts with a context are left to compare(): the linked release reads some that newer ones refuse. */
void compare_more(proof &p, inputs &g, const std::string &text, int region)
{
    static std::string other = "+49 30 123456";
    PhoneNumber n;
    phone_number m;
    std::string id = region ? phone_region_id(p.d, region) : "ZZ";
    if (text.find(";phone-context=") != std::string::npos)
        return;
    phone_number_read(p.d, {text.data(), text.size()}, region, &m);
    if (p.library.Parse(text, id, &n) != PhoneNumberUtil::NO_PARSING_ERROR || m.status != PHONE_OK)
        return;
    for (int type = PHONE_FIXED_LINE; type <= PHONE_UNKNOWN_TYPE; type++)
        same(p, p.library.IsPossibleNumberForTypeWithReason(n, static_cast<PhoneNumberUtil::PhoneNumberType>(type)),
             phone_number_possible_for(p.d, &m, static_cast<phone_type>(type)), "possible for", text,
             std::to_string(type));
    compare_regions(p, g, text, region, n, m);
    compare_match(p, g, text, variant(g, m, other));
    other = text;
}

void compare_cell(void *arg, unsigned code, str nsn)
{
    compare(*static_cast<proof *>(arg), "+" + std::to_string(code) + std::string(nsn.p, nsn.n), 0, false);
}

/* Every text of one to four digits in every region. */
void compare_short(proof &p)
{
    for (uint32_t region = 0; region < p.d->count[PHONE_SECTION_REGION]; region++) {
        if (p.d->region[region].flags & PHONE_REGION_NOBODYS)
            continue;
        for (int digits = 1, end = 10; digits <= 4; digits++, end *= 10)
            for (int i = 0; i < end; i++) {
                std::string text = std::to_string(end + i).substr(1);
                compare(p, text, static_cast<int>(region), false);
            }
    }
}

bool read_file(const char *path, std::vector<uint64_t> &words, size_t &n)
{
    std::ifstream f(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(f)), std::istreambuf_iterator<char>());
    words.resize(bytes.size() / 8 + 1);
    std::memcpy(words.data(), bytes.data(), bytes.size());
    n = bytes.size();
    return f.good() || f.eof();
}

void compare_texts(proof &p, inputs &g, uint64_t count)
{
    input in;
    inputs more = {g.d, g.state * 3 + 1}; /* so that the texts stay those of the seed */
    for (uint64_t i = 0; i < count; i++) {
        inputs_next(&g, static_cast<input_kind>(i % INPUT_KINDS), &in);
        compare(p, std::string(in.text, in.n), in.region, i / INPUT_KINDS % 4 == 0);
        if (i % MORE_EACH == 0)
            compare_more(p, more, std::string(in.text, in.n), in.region);
    }
}
} // namespace

int main(int argc, char **argv)
{
    std::vector<uint64_t> file;
    size_t n = 0;
    phone_data d;
    err e = {};
    if (argc < 3 || !read_file(argv[1], file, n) || phone_data_open(&d, file.data(), n, &e) != 0) {
        std::fprintf(stderr, "usage: read_oracle TABLES.pnd COUNT [SEED [short]]: %s\n", e.text);
        return 2;
    }
    uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 20261122;
    inputs g = {&d, seed * 0x9e3779b97f4a7c15 + 1};
    proof p{&d};
    inputs_cells(&g, compare_cell, &p);
    uint64_t cells = p.compared;
    compare_texts(p, g, std::strtoull(argv[2], nullptr, 10));
    if (argc > 4)
        compare_short(p);
    std::printf("%s: %" PRIu64 " texts (%" PRIu64 " of them cells) read as numbers %" PRIu64 ", valid %" PRIu64
                ", with extension %" PRIu64 "; %" PRIu64 " more answers, %" PRIu64 " of them matches; %" PRIu64
                " differences\n",
                phone_data_name(&d), p.compared, cells, p.parsed, p.valid, p.extensions, p.answers, p.matches,
                p.differences);
    return p.differences || p.matches == 0 ? 1 : 0;
}

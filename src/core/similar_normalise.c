/* SPDX-License-Identifier: Apache-2.0
 * similar_normalise.c - a text as a reader sees it, whatever it was typed with.
 *
 * Works from white space to white space, so that no text is ever held whole: a token's code points are read; if a script
 * other than that of most of its letters is mixed in, those letters become the ones they look like (ICU's
 * confusables; a whole word of another script is left alone, or Russian would be damaged); then NFKC_Casefold, which also
 * drops what nobody sees. Links are found in the result and words are cut out of it. A token of ASCII needs none of
 * ICU: its case is folded by arithmetic, which is what NFKC_Casefold does there. A token longer than PIECE is folded in
 * pieces, so a letter and its accent may be parted there; the result is as deterministic. */
#include "core/similar_impl.h"

#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/uspoof.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "core/similar.h"

#define PIECE     256          /* code points folded together */
#define EXPANDED  (PIECE * 18) /* NFKC makes at most 18 of one */
#define WORD      128          /* a longer word is handed on in parts */
#define OUT       512
#define ALIKE_MAX 1024

enum word_kind { WORD_NONE, WORD_PLAIN, WORD_LETTER, WORD_NUMBER };

struct fold {
    unsigned flags;
    fold_sink *sink;
    void *to;
    size_t n_out, n_word;
    unsigned digits, letters; /* of the word so far */
    enum word_kind last;      /* of the word before this one */
    bool parted;              /* the beginning of this word was handed on already */
    uint32_t before;          /* this piece of the token */
    bool link;                /* this token's last piece ended in a link, which goes on */
    uint32_t last_char;       /* handed on */
    uint64_t masked;          /* hash of what was masked; 0: nothing was */
    USpoofChecker *spoof;     /* opened when the first word needs it */
    unsigned n_alike;         /* letters it was asked about */
    uint32_t word[WORD];
    uint32_t out[OUT];
};

static void mask(struct fold *f, const uint32_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        f->masked = fold_mix(f->masked, p[i]);
    f->masked = fold_mix(f->masked, ' ');
}

/* What is handed on */

static void emit(struct fold *f, const uint32_t *p, size_t n)
{
    if (f->n_out + n > OUT) {
        f->sink(f->to, f->out, f->n_out);
        f->n_out = 0;
    }
    memcpy(f->out + f->n_out, p, n * sizeof *p);
    f->n_out += n;
    f->last_char = p[n - 1];
}

static enum word_kind kind_of(const struct fold *f)
{
    if (f->n_word == 1 && f->word[0] == FOLD_NUMBER)
        return WORD_NUMBER;
    return f->n_word == 1 && f->letters == 1 ? WORD_LETTER : WORD_PLAIN;
}

static bool joined(const struct fold *f, enum word_kind kind)
{
    return f->last == WORD_NONE || (kind == WORD_LETTER && f->last == WORD_LETTER) ||
           (fold_spaceless(f->last_char) && fold_spaceless(f->word[0]));
}

static void end_word(struct fold *f)
{
    if (f->n_word == 0) {
        f->parted = false;
        return;
    }
    if ((f->flags & FOLD_MASK) && f->digits >= 2 && f->letters > 0 && !f->parted) { /* a code */
        mask(f, f->word, f->n_word);
        f->word[0] = FOLD_NUMBER;
        f->n_word = 1;
    }
    enum word_kind kind = kind_of(f);
    bool again = (f->flags & FOLD_MASK) && kind == WORD_NUMBER && f->last == WORD_NUMBER; /* +1 234 567 */
    if (!again) {
        if (!f->parted && !joined(f, kind))
            emit(f, (const uint32_t[]){' '}, 1);
        emit(f, f->word, f->n_word);
    }
    f->last = f->parted ? WORD_PLAIN : kind;
    f->parted = false;
    f->n_word = 0;
    f->digits = f->letters = 0;
}

static void add(struct fold *f, uint32_t c)
{
    if (f->n_word > 0 && fold_spaceless(c) != fold_spaceless(f->word[f->n_word - 1]))
        end_word(f); /* a number or a name among letters without spaces */
    if (f->n_word == WORD) {
        end_word(f);
        f->parted = true;
    }
    f->word[f->n_word++] = c;
}

/* Links: the address of a host, however it begins, in ASCII */

static bool url_char(uint32_t c)
{
    return c > ' ' && c < 0x7F && c != '"' && c != '<' && c != '>' && c != '(' && c != ')';
}

static bool ascii_letter(uint32_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool ascii_alnum(uint32_t c)
{
    return ascii_letter(c) || (c >= '0' && c <= '9');
}

static bool equals(const uint32_t *p, size_t n, const char *word)
{
    if (n != strlen(word))
        return false;
    for (size_t i = 0; i < n; i++)
        if (p[i] != (unsigned char)word[i])
            return false;
    return true;
}

static bool known_ending(const uint32_t *p, size_t n)
{
    static const char *const endings[] = {"app", "ar",     "au",  "biz",  "bit",  "br",   "ca", "cc",   "cn",   "co",
                                          "com", "de",     "dev", "es",   "eu",   "fr",   "gg", "gl",   "id",   "info",
                                          "io",  "jp",     "ke",  "kr",   "link", "live", "ly", "mx",   "net",  "ng",
                                          "nl",  "online", "org", "page", "pl",   "pt",   "ru", "shop", "site", "store",
                                          "top", "tr",     "ua",  "uk",   "vip",  "xyz",  "za"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (equals(p, n, endings[i]))
            return true;
    return false;
}

/* A host at p: labels with dots between. *ret_labels is how many; *ret_ending where the last begins. Returns its length. */
static size_t host_length(const uint32_t *p, size_t n, size_t *ret_labels, size_t *ret_ending)
{
    size_t i = 0, labels = 0, ending = 0;
    for (;;) {
        size_t from = i;
        while (i < n && (ascii_alnum(p[i]) || p[i] == '-' || p[i] == '_'))
            i++;
        if (i == from) {
            i -= labels > 0; /* the dot was a full stop */
            break;
        }
        labels++;
        ending = from;
        if (i >= n || p[i] != '.')
            break;
        i++;
    }
    *ret_labels = labels;
    *ret_ending = ending;
    return i;
}

static bool has_scheme(const uint32_t *p, size_t n)
{
    size_t i = 0;
    while (i < n && ascii_letter(p[i]))
        i++;
    return i > 0 && i + 3 <= n && equals(p + i, 3, "://");
}

/* Does a link begin at p, a run of n url_chars? A host alone is one when its ending is well known ("now.call" is no link);
 * with a path, any ending of letters will do. */
static bool link_begins(const uint32_t *p, size_t n)
{
    size_t labels, ending;
    if (has_scheme(p, n) || (n > 4 && equals(p, 4, "www.")))
        return true;
    size_t host = host_length(p, n, &labels, &ending);
    uint32_t next = host < n ? p[host] : 0;
    if (next == '@') /* an e-mail address */
        return host_length(p + host + 1, n - host - 1, &labels, &ending) > 0 && labels > 1;
    if (labels < 2 || host - ending < 2 || !ascii_letter(p[ending]))
        return false;
    return next == '/' || known_ending(p + ending, host - ending);
}

/* Words */

enum class { SIGN, LETTER, DIGIT };

static enum class class_of(uint32_t c) {
    if (c < 0x80) return ascii_letter(c) ? LETTER
    : c >= '0' && c <= '9'               ? DIGIT
                                         : SIGN;
    uint32_t category = U_MASK(u_charType((UChar32)c));
    if (category & (U_GC_L_MASK | U_GC_M_MASK | U_GC_CO_MASK | U_GC_CN_MASK) || c == 0xFFFD) return LETTER;
    return category & U_GC_N_MASK ? DIGIT : SIGN;
}

/* The letter a sign stands for between two letters: "ce1ebr@te". 0: none. */
static uint32_t stands_for(uint32_t c)
{
    static const char signs[] = "0134578@$!", letters[] = "oleastbasi";
    const char *at = c != 0 && c < 0x80 ? memchr(signs, (int)c, sizeof signs - 1) : NULL;
    return at ? (unsigned char)letters[at - signs] : 0;
}

static bool apostrophe(uint32_t c)
{
    return c == '\'' || c == '`' || c == 0x2019 || c == 0x2018 || c == 0x02BC;
}

/* A number at p[i], with what may stand inside one ("1,234.50", "10:30"): returns where it ends. */
static size_t number_end(const uint32_t *p, size_t n, size_t i)
{
    for (;;) {
        while (i < n && class_of(p[i]) == DIGIT)
            i++;
        if (i + 1 >= n || p[i] >= 0x80 || !memchr(".,:/-+", (int)p[i], 6) || class_of(p[i + 1]) != DIGIT)
            return i;
        i++;
    }
}

static size_t take_number(struct fold *f, const uint32_t *p, size_t n, size_t i)
{
    size_t end = f->flags & FOLD_MASK ? number_end(p, n, i) : i + 1;
    if ((f->flags & FOLD_MASK) && (i > 0 ? p[i - 1] : f->before) != '{')
        mask(f, p + i, end - i);
    add(f, f->flags & FOLD_MASK ? FOLD_NUMBER : p[i]);
    f->digits += (unsigned)(end - i);
    return end;
}

/* Takes the run of url_chars at p[i] when a link begins there, or one goes on. Returns where it ends, i when it is none;
 * then *ret_next is where the next could begin: after the letters here and a sign ("see:https://..."). */
static size_t take_link(struct fold *f, const uint32_t *p, size_t n, size_t i, size_t *ret_next)
{
    size_t begin = i, end = i;
    while (end < n && url_char(p[end]))
        end++;
    if (!f->link && !link_begins(p + i, end - i)) {
        while (i < end && ascii_alnum(p[i]))
            i++;
        while (i < end && !ascii_alnum(p[i]))
            i++;
        *ret_next = i;
        return begin;
    }
    if (!f->link) {
        end_word(f);
        add(f, FOLD_LINK);
    }
    mask(f, p + i, end - i);
    f->link = end == n;
    if (!f->link)
        end_word(f);
    return end;
}

static size_t take_char(struct fold *f, const uint32_t *p, size_t n, size_t i)
{
    enum class class = class_of(p[i]);
    bool between = i > 0 && i + 1 < n && ascii_letter(p[i - 1]) && ascii_letter(p[i + 1]);
    uint32_t letter = class != LETTER && between && (f->flags & FOLD_MASK) ? stands_for(p[i]) : 0;
    if (class == DIGIT && letter == 0)
        return take_number(f, p, n, i);
    if (class == LETTER || letter != 0 || ((f->flags & FOLD_SYMBOLS) && p[i] > ' ')) {
        add(f, letter ? letter : p[i]);
        f->letters++;
    } else if (!apostrophe(p[i])) {
        end_word(f);
    }
    return i + 1;
}

/* The plain letters at p[i], which most of most texts are: no question needs asking. Returns where they end. */
static size_t take_letters(struct fold *f, const uint32_t *p, size_t n, size_t i)
{
    if (!ascii_letter(p[i]))
        return i;
    add(f, p[i++]);
    size_t from = i, room = from + (WORD - f->n_word), end = n < room ? n : room;
    while (i < end && ascii_letter(p[i])) {
        f->word[f->n_word + (i - from)] = p[i];
        i++;
    }
    f->n_word += i - from;
    f->letters += (unsigned)(i - from) + 1;
    return i;
}

/* Every link has one of these in it. */
static bool link_signs(const uint32_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] == '.' || p[i] == ':' || p[i] == '@')
            return true;
    return false;
}

static void fold_words(struct fold *f, const uint32_t *p, size_t n)
{
    size_t next = 0; /* before here no link begins */
    bool links = (f->flags & FOLD_MASK) && (f->link || link_signs(p, n));
    for (size_t i = 0; i < n;) {
        if (links && i >= next && url_char(p[i])) {
            size_t end = take_link(f, p, n, i, &next);
            if (end > i) {
                i = end;
                continue;
            }
        }
        f->link = false;
        size_t end = take_letters(f, p, n, i);
        i = end > i ? end : take_char(f, p, n, i);
    }
    f->before = n > 0 ? p[n - 1] : f->before;
}

/* Scripts and forms */

enum script { SCRIPT_OTHER, SCRIPT_LATIN, SCRIPT_CYRILLIC, SCRIPT_GREEK, SCRIPT_ALIKE, SCRIPTS };

/* The scripts whose letters are put for each other's. Han beside Latin is no disguise. */
static enum script script_of(uint32_t c)
{
    UErrorCode status = U_ZERO_ERROR;
    switch (uscript_getScript((UChar32)c, &status)) {
    case USCRIPT_LATIN:
        return SCRIPT_LATIN;
    case USCRIPT_CYRILLIC:
        return SCRIPT_CYRILLIC;
    case USCRIPT_GREEK:
        return SCRIPT_GREEK;
    case USCRIPT_ARMENIAN:
    case USCRIPT_CHEROKEE:
    case USCRIPT_COPTIC:
    case USCRIPT_LISU:
        return SCRIPT_ALIKE;
    default:
        return SCRIPT_OTHER;
    }
}

/* Letters alike in Latin, Cyrillic and Greek, small or capital: which of the two they are is gone with the case. */
static const struct alike {
    uint8_t latin;
    uint16_t cyrillic, greek;
} alikes[] = {
    {'a', 0x0430, 0x03B1}, {'b', 0x0432, 0x03B2}, {'c', 0x0441, 0},      {'e', 0x0435, 0x03B5}, {'h', 0x043D, 0x03B7},
    {'i', 0x0456, 0x03B9}, {'j', 0x0458, 0x03F3}, {'k', 0x043A, 0x03BA}, {'m', 0x043C, 0x03BC}, {'n', 0x043F, 0x03B7},
    {'o', 0x043E, 0x03BF}, {'p', 0x0440, 0x03C1}, {'r', 0x0433, 0},      {'s', 0x0455, 0},      {'t', 0x0442, 0x03C4},
    {'u', 0x0438, 0x03C5}, {'v', 0x0475, 0x03BD}, {'x', 0x0445, 0x03C7}, {'y', 0x0443, 0x03B3},
};
#define ALIKES (sizeof alikes / sizeof alikes[0])

/* What ICU says that c looks like, in ASCII; 0: nothing. Asking it is dear, so it is asked about the first letters of a text
 * only: one disguised further than that keeps its own table's letters, below. */
static uint32_t confusable(struct fold *f, uint32_t c)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar id[2], skeleton[8];
    int32_t n = 0;
    if (f->spoof == NULL && f->n_alike == 0)
        f->spoof = uspoof_open(&status);
    if (f->spoof == NULL || f->n_alike++ >= ALIKE_MAX)
        return 0;
    U16_APPEND_UNSAFE(id, n, (UChar32)c);
    int32_t got = uspoof_getSkeleton(f->spoof, 0, id, n, skeleton, 8, &status);
    if (U_FAILURE(status) || got != 1 || skeleton[0] >= 0x80)
        return 0;
    return skeleton[0] == 'l' && u_isupper((UChar32)c) ? 'i' : skeleton[0]; /* the capital I is drawn as an l */
}

/* The Latin letter that c looks like, else c. */
static uint32_t to_latin(struct fold *f, uint32_t c)
{
    uint32_t latin = confusable(f, c), lower = (uint32_t)u_tolower((UChar32)c);
    for (size_t i = 0; i < ALIKES && latin == 0; i++)
        if (alikes[i].cyrillic == lower || alikes[i].greek == lower)
            latin = alikes[i].latin;
    return latin != 0 ? latin : c;
}

/* The Cyrillic or Greek letter that a Latin one looks like, else the same. */
static uint32_t from_latin(uint32_t c, enum script to)
{
    for (size_t i = 0; i < ALIKES; i++)
        if (alikes[i].latin == (c | 0x20)) {
            uint32_t found = to == SCRIPT_CYRILLIC ? alikes[i].cyrillic : alikes[i].greek;
            return found ? found : c;
        }
    return c;
}

/* Of a word in two scripts, the letters of the rarer one become what they look like in the other. */
static void unmix(struct fold *f, uint32_t *p, size_t n)
{
    size_t count[SCRIPTS] = {0};
    uint8_t script[PIECE];
    for (size_t i = 0; i < n; i++) {
        script[i] = (uint8_t)script_of(p[i]);
        count[script[i]]++;
    }
    enum script most = SCRIPT_LATIN;
    for (enum script s = SCRIPT_CYRILLIC; s < SCRIPTS; s++)
        if (count[s] > count[most])
            most = s;
    size_t letters = count[SCRIPT_LATIN] + count[SCRIPT_CYRILLIC] + count[SCRIPT_GREEK] + count[SCRIPT_ALIKE];
    if (letters == count[most] || most == SCRIPT_ALIKE)
        return;
    for (size_t i = 0; i < n; i++) {
        if (script[i] == most || script[i] == SCRIPT_OTHER)
            continue;
        if (most != SCRIPT_LATIN)
            p[i] = script[i] == SCRIPT_LATIN ? from_latin(p[i], most) : p[i];
        else
            p[i] = to_latin(f, p[i]);
    }
}

static void fold_piece(struct fold *f, uint32_t *p, size_t n)
{
    UChar text[2 * PIECE], folded[EXPANDED];
    UErrorCode status = U_ZERO_ERROR;
    int32_t n_text = 0;
    unmix(f, p, n);
    for (size_t i = 0; i < n; i++)
        U16_APPEND_UNSAFE(text, n_text, (UChar32)p[i]);
    const UNormalizer2 *forms = unorm2_getNFKCCasefoldInstance(&status);
    int32_t got = unorm2_normalize(forms, text, n_text, folded, EXPANDED, &status);
    if (U_FAILURE(status)) { /* without ICU's data: as it is */
        fold_words(f, p, n);
        return;
    }
    uint32_t out[PIECE];
    size_t n_out = 0;
    for (int32_t i = 0; i < got;) {
        UChar32 c;
        U16_NEXT(folded, i, got, c);
        out[n_out++] = (uint32_t)c;
        if (n_out == PIECE) {
            fold_words(f, out, n_out);
            n_out = 0;
        }
    }
    fold_words(f, out, n_out);
}

static void fold_token(struct fold *f, const char *p, size_t n)
{
    const uint8_t *bytes = (const uint8_t *)p;
    uint32_t piece[PIECE];
    bool ascii = true;
    size_t n_piece = 0;
    for (int32_t i = 0; i < (int32_t)n;) {
        UChar32 c = bytes[i];
        if (c < 0x80)
            i++;
        else
            U8_NEXT_OR_FFFD(bytes, i, (int32_t)n, c);
        ascii = ascii && c < 0x80;
        piece[n_piece++] = c >= 'A' && c <= 'Z' && ascii ? (uint32_t)c + 0x20 : (uint32_t)c;
        if (n_piece == PIECE || i >= (int32_t)n) {
            if (ascii)
                fold_words(f, piece, n_piece);
            else
                fold_piece(f, piece, n_piece);
            n_piece = 0;
            ascii = true;
        }
    }
    f->link = false;
    f->before = 0;
    end_word(f);
}

uint64_t fold_text(struct str text, unsigned flags, fold_sink *sink, void *to)
{
    struct fold f;
    memset(&f, 0, offsetof(struct fold, word)); /* the arrays are written before they are read */
    f.flags = flags;
    f.sink = sink;
    f.to = to;
    size_t n = text.n < SIMILAR_TEXT_MAX ? text.n : SIMILAR_TEXT_MAX;
    for (size_t i = 0; i < n;) {
        size_t from = i;
        while (i < n && (unsigned char)text.p[i] > ' ')
            i++;
        if (i > from)
            fold_token(&f, text.p + from, i - from);
        else
            i++;
    }
    if (f.n_out > 0)
        sink(to, f.out, f.n_out);
    uspoof_close(f.spoof);
    return f.masked;
}

/* SPDX-License-Identifier: Apache-2.0
 * consent_rank.c - how good the evidence of a consent event is.
 *
 * A table: a row is a method and what it wants before it counts for what it is worth. Without that it is somebody's word, and
 * the sentence beside it says what is missing. The evidence is a JSON object of the caller's; here a member of it is only
 * looked for, never acted on: what is written there is kept as proof and is the caller's to answer for. An event is ranked by
 * what its row holds and nothing else, so anybody who has the row comes to the same rank.
 *
 * Some methods are the gateway's own: it writes them down for what it asked, heard or worked out itself, and a caller who claims
 * one is refused. "Confirmed" is what it asked for and heard the answer to; whoever asks people twice by other means records
 * the second answer with the method it came by. A message of WhatsApp's is the person's own words when the gateway heard it:
 * the id of one that others say they have got could be anything. Callers are told apart by the row's actor, which they do not
 * choose. */
#include "core/consent.h"

enum {
    WORDING = 1,
    ADDRESS = 2,
    WAMID = 4,
    MESSAGE = 8,
    CALL = 16,
    SCAN = 32,
    LINK = 64,
    PAGE = 128,
    HEARD = 256,
    OURS = 512
};

static const struct {
    const char *method;
    enum consent_rank rank; /* with all that it wants */
    unsigned wants;
    const char *lacks; /* the sentence when something of it is missing */
} rows[] = {
    {"web_form", CONSENT_RANK_CAPTURED, WORDING | ADDRESS,
     "a web form is proven by the wording and the form's address (source, or url in the evidence)"},
    {"preferences", CONSENT_RANK_CAPTURED, WORDING | PAGE,
     "only what was done on the gateway's own page counts as captured (another page is a web_form)"},
    {"sms", CONSENT_RANK_CAPTURED, WORDING | MESSAGE,
     "an SMS is proven by the wording and the id of the message (message_id in the evidence)"},
    {"ivr", CONSENT_RANK_CAPTURED, WORDING | CALL,
     "a call is proven by the wording and the id of the call (call_id in the evidence)"},
    {"paper", CONSENT_RANK_CAPTURED, WORDING | SCAN,
     "a paper is proven by the wording and the SHA-256 of its scan (scan_sha256 in the evidence)"},
    {"in_person", CONSENT_RANK_CAPTURED, WORDING | SCAN,
     "what was said in person is proven by the wording and the SHA-256 of the scanned note (scan_sha256 in the "
     "evidence)"},
    {"whatsapp", CONSENT_RANK_WRITTEN, WAMID | HEARD,
     "only a WhatsApp message that the gateway itself heard counts as written; here somebody says that there was one"},
    {"in_app_signup", CONSENT_RANK_WRITTEN, LINK,
     "a sign-up inside WhatsApp is proven by its link or Meta's id of a message (link or wamid in the evidence)"},
    {"double_opt_in", CONSENT_RANK_CONFIRMED, OURS | WAMID,
     "only what the gateway asked and heard itself counts as confirmed"},
    {"platform", CONSENT_RANK_WRITTEN, HEARD, "only what WhatsApp told the gateway itself counts as written"},
    {"import", CONSENT_RANK_LISTED, 0, NULL},
};
#define ROWS (sizeof rows / sizeof rows[0])

/* --- a member of the evidence ---------------------------------------------------------------------------------------- */

/* The string that begins at *at, a quote: what stands between the quotes. False: it has no end. */
static bool string_at(struct str s, size_t *at, struct str *ret)
{
    size_t begin = ++*at;
    while (*at < s.n && s.p[*at] != '"')
        *at += s.p[*at] == '\\' ? 2 : 1;
    if (*at >= s.n)
        return false;
    *ret = (struct str){s.p + begin, *at - begin};
    (*at)++;
    return true;
}

static void skip_space(struct str s, size_t *at)
{
    while (*at < s.n && (s.p[*at] == ' ' || s.p[*at] == '\t' || s.p[*at] == '\n' || s.p[*at] == '\r'))
        (*at)++;
}

/* What stands behind the colon: a string without its quotes, or a number as it stands; of anything else nothing. */
static bool value_at(struct str s, size_t at, struct str *ret)
{
    skip_space(s, &at);
    if (at < s.n && s.p[at] == '"')
        return string_at(s, &at, ret);
    size_t begin = at;
    while (at < s.n && ((s.p[at] >= '0' && s.p[at] <= '9') || s.p[at] == '-'))
        at++;
    *ret = (struct str){s.p + begin, at - begin};
    return true;
}

/* The text of a member of the object itself, not of what is inside of it. */
static bool member(struct str s, struct str name, struct str *ret)
{
    int depth = 0;
    for (size_t at = 0; at < s.n;) {
        struct str key;
        char c = s.p[at];
        if (c != '"') {
            depth += (c == '{' || c == '[') - (c == '}' || c == ']');
            at++;
            continue;
        }
        if (!string_at(s, &at, &key))
            return false;
        skip_space(s, &at);
        if (depth == 1 && at < s.n && s.p[at] == ':' && str_eq(key, name))
            return value_at(s, at + 1, ret);
    }
    return false;
}

static bool has(const struct consent_ground *g, const char *name)
{
    struct str v;
    return member(g->evidence, str_of(name), &v) && str_trim(v).n > 0;
}

static bool is_address(struct str s)
{
    return str_starts(s, STR("https://")) || str_starts(s, STR("http://"));
}

static bool is_hash(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f') || (s.p[i] >= 'A' && s.p[i] <= 'F')))
            return false;
    return s.n == 64;
}

/* --- ranks ----------------------------------------------------------------------------------------------------------- */

/* Who wrote it down; callers of the API have another name. */
static unsigned of_ours(struct str actor)
{
    return str_eq(actor, STR(CONSENT_ACTOR_GATEWAY))   ? OURS | HEARD
           : str_eq(actor, STR(CONSENT_ACTOR_WEBHOOK)) ? HEARD
           : str_eq(actor, STR(CONSENT_ACTOR_PAGE))    ? PAGE
                                                       : 0;
}

static unsigned found(const struct consent_ground *g)
{
    struct str v;
    unsigned all = g->has_wording ? WORDING : 0;
    if (is_address(g->source) || (member(g->evidence, STR("url"), &v) && is_address(v)))
        all |= ADDRESS;
    if (str_starts(g->source, STR("wamid.")) || (member(g->evidence, STR("wamid"), &v) && str_starts(v, STR("wamid."))))
        all |= WAMID | LINK;
    if (has(g, "message_id"))
        all |= MESSAGE;
    if (has(g, "call_id"))
        all |= CALL;
    if (member(g->evidence, STR("scan_sha256"), &v) && is_hash(v))
        all |= SCAN;
    if (has(g, "link"))
        all |= LINK;
    return all | of_ours(g->actor);
}

static size_t row_of(struct str method)
{
    size_t i = 0;
    while (i < ROWS && !str_ieq(str_trim(method), str_of(rows[i].method)))
        i++;
    return i;
}

/* What two names of one person, or a number that went to somebody else, brought along: as strong as what it repeats. */
static enum consent_rank repeated(const struct consent_ground *g)
{
    struct str v;
    if (!member(g->evidence, STR("refusal"), &v))
        return CONSENT_RANK_CAPTURED;
    return str_eq(v, STR("listed"))     ? CONSENT_RANK_LISTED
           : str_eq(v, STR("asserted")) ? CONSENT_RANK_ASSERTED
                                        : CONSENT_RANK_CAPTURED;
}

static enum consent_rank rank_of_withdrawal(const struct consent_ground *g)
{
    static const struct str acts[] = {STR_INIT("complaint"), STR_INIT("email"), STR_INIT("phone_call"),
                                      STR_INIT("letter"), STR_INIT("suppression")};
    size_t row = row_of(g->method);
    if (str_eq(g->method, STR("merge")) || str_eq(g->method, STR("number_moved")))
        return repeated(g);
    if (row < ROWS)
        return rows[row].rank < CONSENT_RANK_CAPTURED ? rows[row].rank : CONSENT_RANK_CAPTURED;
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        if (str_ieq(str_trim(g->method), acts[i]))
            return CONSENT_RANK_CAPTURED;
    return CONSENT_RANK_ASSERTED;
}

bool consent_method_is_ours(struct str method)
{
    static const struct str ours[] = {STR_INIT("platform"),     STR_INIT("merge"),     STR_INIT("number_moved"),
                                      STR_INIT("suppression"),  STR_INIT("no_answer"), STR_INIT("preferences"),
                                      STR_INIT("double_opt_in")};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (str_ieq(str_trim(method), ours[i]))
            return true;
    return false;
}

enum consent_rank consent_rank(const struct consent_ground *g, const char **ret_lacks)
{
    const char *unheard;
    const char **lacks = ret_lacks != NULL ? ret_lacks : &unheard;
    size_t row = row_of(g->method);
    *lacks = NULL;
    if (g->act == CONSENT_WITHDRAW)
        return rank_of_withdrawal(g);
    if (g->act != CONSENT_GRANT)
        return CONSENT_RANK_NONE;
    if (row == ROWS)
        return CONSENT_RANK_ASSERTED; /* api, cli, crm, operator, and whatever a program calls it */
    unsigned got = rows[row].wants != 0 ? found(g) : 0;
    if ((got & rows[row].wants) == rows[row].wants)
        return rows[row].rank;
    *lacks = rows[row].lacks;
    return CONSENT_RANK_ASSERTED;
}

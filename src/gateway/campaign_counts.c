/* SPDX-License-Identifier: Apache-2.0
 * campaign_counts.c - a row of a message is worth certain numbers, and what is counted is the difference between two rows.
 *
 * What a message counts for is a function of its row alone: sent when Meta is known to have it (or said in so many words that this person
 * cannot be reached, or stopped: they were tried, too), and so on. Rows change under their version, one after the other, so differences
 * add up to what the last row is worth, however often and in whatever order news came. The minute is that of the last attempt: a
 * message that is worth anything is not attempted again (core/sendlife.c), so it stays in its minute.
 *
 * Reading is the one thing that has a time of its own: "within an hour" is measured from the attempt to when Meta says it was
 * read, not to when we heard of it. Of several such statuses the earliest counts; the row does not have it, so the second is
 * compared with those that were kept.
 *
 * What people do is kept with the recipient as bits, and counted when a bit is new. */
#include "gateway/campaign_counts.h"

#include <string.h>

#define CODE_UNDELIVERABLE 131026
#define CODE_STOPPED       131050
#define CODE_HELD_BACK     131049
#define MINUTE_MS          INT64_C(60000)
#define SEEN_BY_EYES       (SEEN_READ | SEEN_PLAYED)
#define SECOND_MS          1000 /* times of webhooks are whole seconds, ours are not */

/* --- messages ---------------------------------------------------------------------------------------------------------- */

static int64_t minute_of(const struct message *m)
{
    return m->life.begun_at / MINUTE_MS;
}

static struct cohort_change row_of(const struct message *m)
{
    return (struct cohort_change){.bucket = m->bucket,
                                  .campaign = m->campaign,
                                  .stratum = m->stratum,
                                  .minute = minute_of(m)};
}

/* What the row is worth, but for how soon it was read. Whoever is undeliverable or stopped is one of those sent to, also when Meta said so at
 * once; held_back and failed are of those sent to as well: what was refused at once for another reason was sent to nobody. */
static struct cohort_change worth(const struct message *m)
{
    struct cohort_change c = row_of(m);
    bool has = m->life.accepted != 0, failed = has && m->life.state == LIFE_FAILED;
    bool rejected = m->life.begun_at != 0 && m->life.state == LIFE_REJECTED;
    bool undeliverable = m->life.code == CODE_UNDELIVERABLE, stopped = m->life.code == CODE_STOPPED;
    c.sent = has || (rejected && (undeliverable || stopped));
    c.delivered = has && m->life.delivered;
    c.read_any = has && (m->seen & SEEN_BY_EYES) != 0;
    c.undeliverable = (rejected || failed) && undeliverable;
    c.held_back = failed && m->life.code == CODE_HELD_BACK;
    c.failed = failed && !undeliverable && !stopped && m->life.code != CODE_HELD_BACK;
    return c;
}

/* read_15 .. read_1440 of a reading at this time, times `sign`. */
static void read_within(struct cohort_change *c, const struct message *m, int64_t at, int sign)
{
    const struct {
        int *count;
        int64_t minutes;
    } each[] = {{&c->read_15, 15}, {&c->read_60, 60}, {&c->read_240, 240}, {&c->read_1440, 1440}};
    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
        if (at - m->life.begun_at <= each[i].minutes * MINUTE_MS)
            *each[i].count += sign;
}

static void subtract(struct cohort_change *c, const struct cohort_change *from)
{
    c->sent -= from->sent;
    c->delivered -= from->delivered;
    c->read_any -= from->read_any;
    c->undeliverable -= from->undeliverable;
    c->held_back -= from->held_back;
    c->failed -= from->failed;
}

static bool is_nothing(const struct cohort_change *c)
{
    return (c->sent | c->delivered | c->read_any | c->undeliverable | c->held_back | c->failed | c->read_15 |
            c->read_60 | c->read_240 | c->read_1440) == 0;
}

/* It was known as read; the status that came now may be of an earlier reading. */
static int read_earlier(struct store *s, const struct message *m, int64_t at, struct cohort_change *c, struct err *e)
{
    int64_t known = 0;
    int rc = message_read_before(s, m->bucket, m->id, at, &known, e);
    if (rc != 0 || known <= at)
        return rc;
    read_within(c, m, known, -1);
    read_within(c, m, at, 1);
    return 0;
}

int campaign_count(struct store *s, const struct message *before, const struct message *after,
                   const struct life_news *news, struct err *e)
{
    struct cohort_change was = worth(before), change = worth(after);
    int rc = 0;
    if (after->campaign == 0)
        return 0;
    subtract(&change, &was);
    if ((news->seen & SEEN_BY_EYES) != 0 && (before->seen & SEEN_BY_EYES) == 0)
        read_within(&change, after, news->at, 1);
    else if ((news->seen & SEEN_BY_EYES) != 0)
        rc = read_earlier(s, after, news->at, &change, e);
    return rc == 0 && !is_nothing(&change) ? campaign_cohort_add(s, &change, 1, e) : rc;
}

/* --- people ------------------------------------------------------------------------------------------------------------ */

int campaign_told(struct store *s, const struct message *m, int bits, struct err *e)
{
    struct cohort_change c = row_of(m);
    int new = 0;
    if (m->campaign == 0 || m->place == 0)
        return 0;
    int rc = recipient_told(s, m->bucket, m->campaign, m->place, bits, &new, e);
    c.opted_out = (new &TOLD_OPTED_OUT) != 0;
    c.complained = (new &TOLD_COMPLAINED) != 0;
    c.replied = (new &TOLD_REPLIED) != 0;
    return rc == 0 && (c.opted_out | c.complained | c.replied) != 0 ? campaign_cohort_add(s, &c, 1, e) : rc;
}

/* Whether they may have had it in their hands then. */
static bool was_there(const struct message *m, int64_t at)
{
    static const uint32_t states =
        1u << LIFE_SENDING | 1u << LIFE_ACCEPTED | 1u << LIFE_AMBIGUOUS | 1u << LIFE_FAILED | 1u << LIFE_UNDETERMINED;
    int64_t begun = m->life.begun_at;
    return begun != 0 && (states >> m->life.state & 1) && begun - SECOND_MS <= at && at - begun <= CAMPAIGN_TOLD_MS;
}

/* ret->id 0: it has none. */
static int message_of(struct store *s, struct arena *a, const struct campaign_recipient *in, struct message *ret,
                      struct err *e)
{
    struct campaign_recipient r;
    ret->id = 0;
    int rc = recipient_get(s, in->bucket, in->campaign, in->place, a, &r, e);
    if (rc == 0 && r.msg != 0)
        rc = messages_get(s, r.bucket, r.msg, ret, e);
    if (rc == WL_ENOTFOUND)
        ret->id = 0;
    return rc == WL_ENOTFOUND ? 0 : rc;
}

int campaign_told_lately(struct store *s, struct arena *a, int bucket, int64_t contact, int64_t at, int bits,
                         struct err *e)
{
    struct campaign_recipient *in = NULL;
    struct message m, newest = {.id = 0};
    size_t n = 0;
    int rc = contact != 0 ? recipients_of(s, bucket, contact, a, CAMPAIGN_TOLD_MOST, &in, &n, e) : 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = message_of(s, a, &in[i], &m, e);
        if (rc == 0 && m.id != 0 && was_there(&m, at) && (newest.id == 0 || m.life.begun_at > newest.life.begun_at))
            newest = m;
    }
    return rc == 0 && newest.id != 0 ? campaign_told(s, &newest, bits, e) : rc;
}

/* --- complaints -------------------------------------------------------------------------------------------------------- */

/* Said by whoever stops: only what can hardly be meant otherwise. A space stands for whatever is between two words. */
static const char *const complaints[] = {"spam",
                                         "spamming",
                                         "spammers",
                                         "spammer",
                                         "report you",
                                         "reporting you",
                                         "reported you",
                                         "report this",
                                         "will report",
                                         "and reported",
                                         "reported and",
                                         "harassment",
                                         "harassing",
                                         "denunciar",
                                         "denuncio",
                                         "denunciei",
                                         "denuncia",
                                         "denúncia",
                                         "denunciaré",
                                         "denunciarlos",
                                         "denunciado",
                                         "los reporto",
                                         "a reportar",
                                         "reportarlos",
                                         "acoso",
                                         "vais signaler",
                                         "vous signale",
                                         "signalerai",
                                         "porter plainte",
                                         "harcèlement",
                                         "vi segnalo",
                                         "segnalerò",
                                         "denuncerò",
                                         "belästigung",
                                         "abmahnung",
                                         "abmahnen",
                                         "anzeige erstatten",
                                         "anzeige erstatte",
                                         "şikayet",
                                         "sikayet",
                                         "жалоба",
                                         "жалобу",
                                         "жалуюсь",
                                         "спам",
                                         "роскомнадзор",
                                         "скарга",
                                         "скаргу",
                                         "zgłoszę",
                                         "zgłaszam"};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static bool same_letter(char a, char b)
{
    return a == b || (a >= 'A' && a <= 'Z' && a - 'A' + 'a' == b);
}

/* The phrase stands at `at`, up to the end of a word. */
static bool says_at(struct str text, size_t at, const char *phrase)
{
    for (; *phrase != '\0'; phrase++) {
        size_t from = at;
        if (*phrase == ' ')
            while (at < text.n && !is_letter(text.p[at]))
                at++;
        else
            at += at < text.n && same_letter(text.p[at], *phrase);
        if (at == from)
            return false;
    }
    return at == text.n || !is_letter(text.p[at]);
}

bool campaign_complaint(struct str text)
{
    for (size_t at = 0; at < text.n; at++) {
        bool begins = is_letter(text.p[at]) && (at == 0 || !is_letter(text.p[at - 1]));
        for (size_t i = 0; begins && i < sizeof complaints / sizeof *complaints; i++)
            if (says_at(text, at, complaints[i]))
                return true;
    }
    return false;
}

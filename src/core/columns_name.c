/* SPDX-License-Identifier: Apache-2.0
 * columns_name.c - what a column's name says: a table of whole names, then words, then programs with a language of their own.
 *
 * A whole name is certain. Of other names the words decide, and a word that makes it something else beside a number
 * (its type, its owner, when it was checked) takes the role away: a column nobody knows is left out, a wrong one
 * would be read. */
#include "core/columns_impl.h"

static const struct {
    const char *name;
    uint8_t role, rank;
} names[] = {
#define X(name, role, rank) {name, role, rank},
#include "core/header_names.def"
#undef X
};

enum word_class {
    W_PHONE = 1,
    W_MOBILE = 2,
    W_WHATSAPP = 4,
    W_PLACE = 8, /* at work, at home: asked last */
    W_COUNTRY = 16,
    W_CODE = 32,
    W_EMAIL = 64,
    W_SMS = 128,
    W_AGREE = 256,
    W_STOP = 512,   /* wants nothing more */
    W_OTHER = 1024, /* about something beside it: no number, no address, no country */
    W_WHEN = 2048,  /* time, source, way */
    W_OUT = 4096,
    W_OPT = 8192,
    W_STATUS = 16384 /* what it is now: says yes or no */
};

static const struct {
    const char *words;
    unsigned classes;
} classes[] = {
    {"phone telephone tel telefon telefono telefone telepon telp telefoon rufnummer telefonnummer phonenumber msisdn "
     "puhelin",
     W_PHONE},
    {"mobile mobil cell cellphone cellular celular cellulare movil handy gsm portable hp ponsel mobiel telemovel",
     W_PHONE | W_MOBILE},
    {"whatsapp wa", W_PHONE | W_WHATSAPP},
    {"work office business home other billing shipping address mailing company secondary alternate alternative second "
     "fixed landline "
     "privat private geschaftlich travail domicile bureau trabajo casa trabalho ufficio",
     W_PLACE},
    {"country pays pais paese land negara ulke", W_COUNTRY},
    {"code dial dialing calling prefix indicatif kode kodu", W_CODE | W_OTHER},
    {"email mail courriel correo newsletter eposta surel", W_EMAIL},
    {"sms text", W_SMS},
    {"consent opted optin accepts accept accepted marketing permission subscribed subscribe subscription allow allows "
     "agreed agreement "
     "einwilligung consentement consentimiento consentimento consenso izni onayi persetujuan zgoda toestemming",
     W_AGREE},
    {"unsubscribed unsubscribe unsub optout blacklisted blacklist blocklisted blocklist dnc suppressed suppression "
     "desinscrit desabonne "
     "abgemeldet descadastrado disiscritto",
     W_STOP},
    {"out not never no", W_OUT},
    {"opt opted do does", W_OPT},
    {"type label owner agent assignee assistant asst fax verified valid validated validation status extension ext "
     "carrier provider calls "
     "call count last model os device plan emergency parent spouse partner id ip hash url link name city region "
     "network operator lookup "
     "format formatted reason campaign count rate score bounced bounce opens clicks open click attempts domain",
     W_OTHER},
    {"status", W_STATUS},
    {"date time timestamp at on source level method by updated when via channel version wording evidence proof",
     W_WHEN},
};

/* A word, or two of them together: "WhatsApp" is two, and so is "opt in". */
static bool is_word(const struct header_words *h, size_t k, struct str word)
{
    size_t n = strlen(h->word[k]);
    if (!str_starts(word, str_of(h->word[k])))
        return false;
    return word.n == n || (k + 1 < h->words && str_eq((struct str){word.p + n, word.n - n}, str_of(h->word[k + 1])));
}

static unsigned classes_of(const struct header_words *h)
{
    unsigned found = 0;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        struct str rest = str_of(classes[i].words);
        while (rest.n > 0) {
            struct str word = str_cut(rest, ' ', &rest);
            for (size_t k = 0; k < h->words; k++)
                if (is_word(h, k, word))
                    found |= classes[i].classes;
        }
    }
    return found;
}

static bool has(unsigned set, unsigned wanted)
{
    return (set & wanted) == wanted;
}

static enum column_role channel(unsigned set, enum column_role sms, enum column_role whatsapp, enum column_role other)
{
    return set & W_WHATSAPP ? whatsapp : set & W_SMS ? sms : other;
}

/* The first line that holds decides. */
static void column_by_words(const struct header_words *h, struct column *ret)
{
    unsigned set = classes_of(h);
    bool stop = has(set, W_STOP) || has(set, W_OPT | W_OUT);
    bool about = (set & (W_OTHER | W_WHEN)) != 0;
    unsigned phone_rank = set & W_WHATSAPP ? 85 : set & W_PLACE ? 45 : set & W_MOBILE ? 75 : 65;
    const struct {
        bool is;
        enum column_role role;
        unsigned rank;
    } rules[] = {
        {stop && (set & (W_OTHER | W_STATUS)) == W_OTHER, COLUMN_NONE, 0},
        {stop, channel(set, COLUMN_SMS_UNSUBSCRIBED, COLUMN_UNSUBSCRIBED, COLUMN_UNSUBSCRIBED), 50},
        {has(set, W_AGREE | W_WHATSAPP), COLUMN_WHATSAPP_CONSENT, 50},
        {has(set, W_WHATSAPP | W_STATUS), COLUMN_WHATSAPP_CONSENT, 40},
        {has(set, W_AGREE) && (set & W_WHEN) != 0, COLUMN_NONE, 0},
        {has(set, W_AGREE) && (set & (W_SMS | W_WHATSAPP | W_EMAIL)) != 0,
         channel(set, COLUMN_SMS_CONSENT, COLUMN_WHATSAPP_CONSENT, COLUMN_EMAIL_CONSENT), 50},
        {has(set, W_AGREE), COLUMN_NONE, 0},
        {has(set, W_CODE) && (set & (W_PHONE | W_COUNTRY)) == (W_PHONE | W_COUNTRY), COLUMN_CALLING_CODE, 50},
        {has(set, W_COUNTRY | W_CODE) && !(set & W_WHEN), COLUMN_COUNTRY, 50},
        {about, COLUMN_NONE, 0},
        {has(set, W_PHONE), COLUMN_PHONE, phone_rank},
        {has(set, W_COUNTRY), COLUMN_COUNTRY, set & W_PLACE ? 45 : 55},
        {has(set, W_EMAIL), COLUMN_EMAIL, set & W_PLACE ? 45 : 50},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (!rules[i].is)
            continue;
        ret->role = (uint8_t)rules[i].role;
        ret->rank = (uint8_t)rules[i].rank;
        ret->reason = ret->role != COLUMN_NONE ? COLUMN_BY_WORDS : COLUMN_BY_NOTHING;
        return;
    }
}

void column_by_name(const struct header_words *h, struct column *ret)
{
    size_t from = 0, to = sizeof names / sizeof names[0];
    while (from < to) {
        size_t at = (from + to) / 2;
        int order = strcmp(h->whole, names[at].name);
        if (order == 0) {
            ret->role = names[at].role;
            ret->rank = names[at].rank;
            ret->reason = COLUMN_BY_NAME;
            return;
        }
        if (order < 0)
            to = at;
        else
            from = at + 1;
    }
    column_by_words(h, ret);
}

/* --- programs --------------------------------------------------------------------------------------------------------- */

/* A program is known by columns nobody else has together. */
static const struct {
    const char *program;
    const char *has[3]; /* folded; all of them */
    size_t at_most;     /* columns; 0: any number */
} programs[] = {
    {"Shopify", {"totalspent", "totalorders", "taxexempt"}, 0},
    {"Google Contacts", {"givenname", "familyname", "groupmembership"}, 0},
    {"Google Contacts", {"phoneticfirstname", "fileas", "labels"}, 0},
    {"Zoho CRM", {"emailoptout", "leadsource", NULL}, 0},
    {"Zoho CRM", {"contactowner", "mailingcity", NULL}, 0},
    {"HubSpot", {"recordid", "lifecyclestage", NULL}, 0},
    {"HubSpot", {"recordid", "contactowner", NULL}, 0},
    {"Mailchimp", {"memberrating", "leid", "euid"}, 0},
    {"Brevo", {"emailblacklisted", "smsblacklisted", NULL}, 0},
    {"Brevo", {"emailblocklisted", "smsblocklisted", NULL}, 0},
    {"ActiveCampaign", {"datecreated", "ip", "tags"}, 0},
    {"Kit", {"firstname", "createdat", "status"}, 7},
    {"systeme.io", {"surname", "dateregistered", NULL}, 0},
    {"Chatwoot", {"identifier", "phonenumber", "companyname"}, 0},
    {"Chatwoot", {"identifier", "phonenumber", "customattribute#"}, 0},
    {"listmonk", {"email", "name", "attributes"}, 8},
    {"Mautic", {"firstname", "zipcode", "points"}, 0},
    {"Mautic", {"firstname", "preferredlocale", "points"}, 0},
    {"WooCommerce", {"billingphone", "billingemail", NULL}, 0},
    {"WooCommerce", {"userlogin", "billingphone", NULL}, 0},
    {"WordPress", {"userlogin", "useremail", NULL}, 0},
    {"Klaviyo", {"klaviyoid", NULL, NULL}, 0},
    {"Klaviyo", {"emailmarketingconsent", "smsmarketingconsent", NULL}, 0},
    {"Klaviyo", {"profilecreatedon", NULL, NULL}, 0},
    {"Salesforce", {"hasoptedoutofemail", NULL, NULL}, 0},
    {"Salesforce", {"mobilephone", "mailingstreet", "accountid"}, 0},
    {"Pipedrive", {"personname", NULL, NULL}, 0},
    {"Wati", {"allowbroadcast", NULL, NULL}, 0},
    {"Apollo", {"apollocontactid", NULL, NULL}, 0},
    {"Apollo", {"sequencename", "apolloaccountid", NULL}, 0},
    {"Outlook", {"businessfax", "mobilephone", NULL}, 0},
    {"MailerLite", {"subscriber", "optinip", NULL}, 0},
};

/* Names that mean something else in one program's export than everywhere. */
static const struct {
    const char *program, *name;
    uint8_t role, rank;
} dialect[] = {
    {"Mailchimp", "cc", COLUMN_COUNTRY, 70},        {"Wati", "countrycode", COLUMN_CALLING_CODE, 90},
    {"Kit", "status", COLUMN_STATUS, 90},           {"Google Contacts", "location", COLUMN_NONE, 0},
    {"Pipedrive", "personphone", COLUMN_PHONE, 80}, {"MailerLite", "subscriber", COLUMN_EMAIL, 90},
};

static bool any_is(const struct header_words *h, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(h[i].whole, name) == 0)
            return true;
    return false;
}

static bool fits(const struct header_words *h, size_t n, size_t program)
{
    if (programs[program].at_most > 0 && n > programs[program].at_most)
        return false;
    for (size_t k = 0; k < 3 && programs[program].has[k] != NULL; k++)
        if (!any_is(h, n, programs[program].has[k]))
            return false;
    return true;
}

/* They keep numbers as 491701234567. */
static bool writes_whole_numbers(const char *program)
{
    return strcmp(program, "Brevo") == 0;
}

void columns_preset(struct columns *c, const struct header_words *h)
{
    size_t p = 0;
    while (p < sizeof programs / sizeof programs[0] && !fits(h, c->n, p))
        p++;
    if (p == sizeof programs / sizeof programs[0])
        return;
    c->preset = programs[p].program;
    c->international = writes_whole_numbers(c->preset);
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < sizeof dialect / sizeof dialect[0]; k++) {
            if (strcmp(dialect[k].program, c->preset) != 0 || strcmp(dialect[k].name, h[i].whole) != 0)
                continue;
            c->column[i].role = dialect[k].role;
            c->column[i].rank = dialect[k].rank;
            c->column[i].reason = COLUMN_BY_PRESET;
        }
}

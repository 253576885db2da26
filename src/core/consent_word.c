/* SPDX-License-Identifier: Apache-2.0
 * consent_word.c - the words.
 *
 * Whole cells are compared first, folded as the names of columns are. Of a longer text only leaving is understood:
 * "unsubscribed by user on 3 May" left, and "yes, by phone" says what nobody has to guess. */
#include "core/consent_word.h"

#include "core/header_words.h"

/* Folded: no accents, no blanks. */
static const struct {
    const char *words;
    enum consent_says says;
} table[] = {
    {"na none null nil nan undefined notset notavailable notapplicable leer vide vacio vazio vuoto bos",
     CONSENT_WORD_NOTHING},
    {"no n false f never off nao nein non hayir hayr nie nej nei ei tidak nee не нет neveropted inactive inaktiv "
     "inactif "
     "inactivo inativo inattivo pasif disabled notsubscribed neversubscribed nonsubscribed nonsubscriber notoptedin "
     "notconsented noconsent nonconsented falso faux falsch yanlis salah",
     CONSENT_WORD_NO},
    {"yes y true t x on ok okay sim s si ja oui evet tak da да ya vrai verdadero verdadeiro vero wahr dogru benar "
     "grant granted given confirmed accepted accept agree agreed allowed allow active enabled consented consent aktiv "
     "actif "
     "activo ativo attivo aktif aceptado aceito accettato accepte akzeptiert zugestimmt eingewilligt onayli kabul "
     "setuju",
     CONSENT_WORD_YES},
    {"subscribed subscriber optin optedin doubleoptin doubleoptedin singleoptin confirmedoptin resubscribed abonne "
     "abonnee abonniert angemeldet inscrit inscrite inscrito inscrita iscritto iscritta suscrito suscrita assinante "
     "aboneoldu подписан подписана notunsubscribed notoptedout notblocked notblacklisted notblocklisted unblocked",
     CONSENT_WORD_IN},
    {"pending unconfirmed notconfirmed unverified awaiting awaitingconfirmation waiting requested invited bounced "
     "bounce hardbounced hardbounce softbounced softbounce undelivered undeliverable unknown invalid enattente "
     "pendiente pendente inattesa ausstehend unbestatigt beklemede menunggu ожидает transactional imported",
     CONSENT_WORD_PENDING},
    {"declined decline refused refuse refusee rejected reject denied deny abgelehnt verweigert rechazado rechazada "
     "recusado recusada rifiutato rifiutata reddedildi ditolak odmowa disagree disagreed notallowed disallowed",
     CONSENT_WORD_REFUSED},
    {"unsubscribed unsubscribe unsubscribes unsub unsubbed optout optedout suppressed suppress donotcontact "
     "donotdisturb donotcall donotmail donotemail donottext donotsend donotmarket donotmessage dnc dnd stop stopped "
     "stopall withdrawn withdraw withdrawal withdrew revoked revoke userunsubscribed globallyunsubscribed "
     "spamcomplaint complaint complained complainer spam markedasspam reportedspam abuse desabonne desabonnee "
     "desabonner desabonnement desinscrit desinscrite desinscription desinscrire abbestellt abgemeldet abmelden "
     "abmeldung ausgetragen widerrufen "
     "widerruf gesperrt gekundigt baja dadodebaja dadadebaja desuscrito desuscrita cancelado cancelada cancelled "
     "canceled descadastrado descadastrada descadastrar desinscrito desinscrita disiscritto disiscritta "
     "disiscrizione cancellato cancellata revocado revocada revogado revogada revocato revoque revoquee cleaned "
     "blocked block blacklisted blacklist blocklisted blocklist denylisted bloque bloquee bloqueado "
     "bloqueada bloccato bloccata engellendi engelli aboneliktencikti iptal iptaledildi berhenti berhentilangganan "
     "diblokir afgemeld uitgeschreven geblokkeerd wypisany wypisana zablokowany отписан отписана отписался отписалась "
     "заблокирован removeme remove removed nepascontacter nichtkontaktieren nocontactar naocontatar noncontattare",
     CONSENT_WORD_LEFT},
};

static bool in_list(const char *list, struct str word)
{
    struct str rest = str_of(list);
    while (rest.n > 0)
        if (str_eq(word, str_cut(rest, ' ', &rest)))
            return true;
    return false;
}

/* "0", "0.0", "--", "0000-00-00 00:00:00", "1", "2024-05-06": no letters. */
static enum consent_says of_digits(struct str s)
{
    size_t digits = 0, zeros = 0;
    for (size_t i = 0; i < s.n; i++) {
        digits += s.p[i] >= '0' && s.p[i] <= '9';
        zeros += s.p[i] == '0';
    }
    if (digits == 0)
        return CONSENT_WORD_NOTHING;
    if (digits == zeros)
        return digits > 2 ? CONSENT_WORD_NOTHING : CONSENT_WORD_NO;
    if (str_eq(s, STR("1")) || str_eq(s, STR("1.0")))
        return CONSENT_WORD_YES;
    return CONSENT_WORD_UNKNOWN;
}

/* "2024-05-06", with or without a time of the day. */
static bool is_date(struct str s)
{
    static const char shape[] = "####-##-##";
    size_t zeros = 0;
    if (s.n < sizeof shape - 1)
        return false;
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';
        zeros += s.p[i] == '0';
        if (shape[i] == '#' ? !digit : s.p[i] != '-')
            return false;
    }
    return zeros < 8;
}

static bool has_letter(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80 || (s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= 'a' && s.p[i] <= 'z'))
            return true;
    return false;
}

/* A word of leaving, or two of them ("opted out"), in a longer text. */
static bool leaves(const struct header_words *h)
{
    static const char *const beginnings[] = {"unsub",     "optout",   "optedout", "stop",    "withdr", "revoke",
                                             "desabonn",  "desinscr", "abgemeld", "widerru", "disisc", "descadast",
                                             "blacklist", "blocked",  "complain", "suppres", "donot"};
    char two[2 * HEADER_BYTES];
    for (size_t i = 0; i < h->words; i++) {
        size_t a = strlen(h->word[i]), b = i + 1 < h->words ? strlen(h->word[i + 1]) : 0;
        memcpy(two, h->word[i], a);
        if (b > 0)
            memcpy(two + a, h->word[i + 1], b);
        for (size_t k = 0; k < sizeof beginnings / sizeof beginnings[0]; k++)
            if (str_starts((struct str){two, a + b}, str_of(beginnings[k])))
                return true;
    }
    return false;
}

enum consent_says consent_word_of(struct str cell)
{
    struct header_words h;
    struct str s = str_trim(cell);
    if (is_date(s))
        return CONSENT_WORD_DATE;
    if (!has_letter(s))
        return of_digits(s);
    if (!header_fold(s, &h))
        return CONSENT_WORD_UNKNOWN;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (in_list(table[i].words, str_of(h.whole)))
            return table[i].says;
    return leaves(&h) ? CONSENT_WORD_LEFT : CONSENT_WORD_UNKNOWN;
}

/* Beginnings of words, or of two words together. */
static const char in_names[] =
    "consent optin optedin optout optedout subscri unsub marketing permission permiso permissao permesso newsletter "
    "boletin infolettre agree status statut durum einwilli abonn abgemeld abmeld "
    "angemeldet widerruf zustimmung werbe werbung desabonn desinscr inscrit suscri suscrip assinante assinatura iscri "
    "disiscri "
    "descadast izin izni onay persetujuan langganan berhenti zgoda toestemming consens gdpr dsgvo rgpd lgpd dnc donot "
    "blacklist blocklist blocked gesperrt sperr bloque bloccat kontaktieren contacter contactar suppress stop "
    "withdraw revoke baja cancel согласие подпис рассыл отпис allow promo receiv receb recibi recevoir ricev empfang "
    "erhalten zugestimmt einverst acepta aceita accett accept autoriz autoris erlaub wants contactable";
/* What a column tells beside it. */
static const char beside[] = "ip source method version url link hash id campaign wording order payment "
                             "delivery shipping marital civil";

bool consent_word_in_name(struct str name)
{
    struct header_words h;
    char two[2 * HEADER_BYTES];
    if (!header_fold(name, &h))
        return has_letter(name); /* a question of a form, too long for a name: it may be this one */
    bool found = false;
    for (size_t i = 0; i < h.words; i++) {
        size_t a = strlen(h.word[i]), b = i + 1 < h.words ? strlen(h.word[i + 1]) : 0;
        if (in_list(beside, str_of(h.word[i])))
            return false;
        memcpy(two, h.word[i], a);
        if (b > 0)
            memcpy(two + a, h.word[i + 1], b);
        struct str rest = str_of(in_names);
        while (!found && rest.n > 0)
            found = str_starts((struct str){two, a + b}, str_cut(rest, ' ', &rest));
    }
    return found;
}

/* SPDX-License-Identifier: Apache-2.0
 * country_group.c - the groups, each with its members in the order of the alphabet.
 *
 * Parts of the world: UN M.49 as in CLDR 42 (ICU 72), with Kosovo (XK) in Europe and the islands AC and TA beside
 * SH. Unions: as their own sites list them on 2026-11-22. The numbering plan of +1 is the calling code's. */
#include "core/country_group.h"

#include <stddef.h>

const struct country_group country_groups[] = {
    {"EU", "European Union", "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"},
    {"EEA", "European Economic Area",
     "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"},
    {"EFTA", "European Free Trade Association", "CH IS LI NO"},
    {"DACH", "Germany, Austria, Switzerland", "AT CH DE"},
    {"BENELUX", "Benelux", "BE LU NL"},
    {"NORDICS", "Nordic countries", "AX DK FI FO GL IS NO SE"},
    {"BALTICS", "Baltic countries", "EE LT LV"},
    {"GCC", "Gulf Cooperation Council", "AE BH KW OM QA SA"},
    {"ASEAN", "Association of Southeast Asian Nations", "BN ID KH LA MM MY PH SG TH TL VN"},
    {"MERCOSUR", "Mercosur", "AR BO BR PY UY"},
    {"NANP", "North American Numbering Plan (+1)",
     "AG AI AS BB BM BS CA DM DO GD GU JM KN KY LC MP MS PR SX TC TT US VC VG VI"},
    {"AFRICA", "Africa",
     "AC AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW IO KE KM LR LS LY MA MG "
     "ML MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TA TD TF TG TN TZ UG YT ZA ZM ZW"},
    {"AMERICAS", "Americas",
     "AG AI AR AW BB BL BM BO BQ BR BS BV BZ CA CL CO CR CU CW DM DO EC FK GD GF GL GP GS GT GY HN HT "
     "JM KN KY LC MF MQ MS MX NI PA PE PM PR PY SR SV SX TC TT US UY VC VE VG VI"},
    {"LATIN_AMERICA", "Latin America and the Caribbean",
     "AG AI AR AW BB BL BO BQ BR BS BV BZ CL CO CR CU CW DM DO EC FK GD GF GP GS GT GY HN HT JM KN KY "
     "LC MF MQ MS MX NI PA PE PR PY SR SV SX TC TT UY VC VE VG VI"},
    {"NORTHERN_AMERICA", "Northern America", "BM CA GL PM US"},
    {"ASIA", "Asia",
     "AE AF AM AZ BD BH BN BT CN CY GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV "
     "MY NP OM PH PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE"},
    {"WESTERN_ASIA", "Western Asia", "AE AM AZ BH CY GE IL IQ JO KW LB OM PS QA SA SY TR YE"},
    {"EUROPE", "Europe",
     "AD AL AT AX BA BE BG BY CH CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV "
     "MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK"},
    {"OCEANIA", "Oceania", "AS AU CC CK CX FJ FM GU HM KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS"},
    {NULL, NULL, NULL},
};

const struct country_group *country_group(struct str word)
{
    for (const struct country_group *g = country_groups; g->word != NULL; g++)
        if (str_ieq(word, str_of(g->word)))
            return g;
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 * country.c - the country codes of ISO 3166, and what is meant by those that are written otherwise.
 *
 * One text holds every code, the two letters and the three that mean the same: all officially assigned ones (Debian's
 * iso-codes 4.15.0, read 2026-11-22) and Kosovo's XK, which is everybody's custom. Beside them stand the reserved AC and TA,
 * which have calling codes, and ZZ, which ISO gives to nobody: it stands for a place no rule names. A rule that asked for
 * "usa" would match nothing and say nothing, so nothing but these is taken, in capitals. Subdivisions are checked for their
 * form only. */
#include "core/country.h"

#include <string.h>

static const char codes[] = /* two letters, three letters */
    "ADAND AEARE AFAFG AGATG AIAIA ALALB AMARM AOAGO AQATA ARARG ASASM ATAUT AUAUS AWABW AXALA AZAZE BABIH "
    "BBBRB BDBGD BEBEL BFBFA BGBGR BHBHR BIBDI BJBEN BLBLM BMBMU BNBRN BOBOL BQBES BRBRA BSBHS BTBTN BVBVT "
    "BWBWA BYBLR BZBLZ CACAN CCCCK CDCOD CFCAF CGCOG CHCHE CICIV CKCOK CLCHL CMCMR CNCHN COCOL CRCRI CUCUB "
    "CVCPV CWCUW CXCXR CYCYP CZCZE DEDEU DJDJI DKDNK DMDMA DODOM DZDZA ECECU EEEST EGEGY EHESH ERERI ESESP "
    "ETETH FIFIN FJFJI FKFLK FMFSM FOFRO FRFRA GAGAB GBGBR GDGRD GEGEO GFGUF GGGGY GHGHA GIGIB GLGRL GMGMB "
    "GNGIN GPGLP GQGNQ GRGRC GSSGS GTGTM GUGUM GWGNB GYGUY HKHKG HMHMD HNHND HRHRV HTHTI HUHUN IDIDN IEIRL "
    "ILISR IMIMN ININD IOIOT IQIRQ IRIRN ISISL ITITA JEJEY JMJAM JOJOR JPJPN KEKEN KGKGZ KHKHM KIKIR KMCOM "
    "KNKNA KPPRK KRKOR KWKWT KYCYM KZKAZ LALAO LBLBN LCLCA LILIE LKLKA LRLBR LSLSO LTLTU LULUX LVLVA LYLBY "
    "MAMAR MCMCO MDMDA MEMNE MFMAF MGMDG MHMHL MKMKD MLMLI MMMMR MNMNG MOMAC MPMNP MQMTQ MRMRT MSMSR MTMLT "
    "MUMUS MVMDV MWMWI MXMEX MYMYS MZMOZ NANAM NCNCL NENER NFNFK NGNGA NINIC NLNLD NONOR NPNPL NRNRU NUNIU "
    "NZNZL OMOMN PAPAN PEPER PFPYF PGPNG PHPHL PKPAK PLPOL PMSPM PNPCN PRPRI PSPSE PTPRT PWPLW PYPRY QAQAT "
    "REREU ROROU RSSRB RURUS RWRWA SASAU SBSLB SCSYC SDSDN SESWE SGSGP SHSHN SISVN SJSJM SKSVK SLSLE SMSMR "
    "SNSEN SOSOM SRSUR SSSSD STSTP SVSLV SXSXM SYSYR SZSWZ TCTCA TDTCD TFATF TGTGO THTHA TJTJK TKTKL TLTLS "
    "TMTKM TNTUN TOTON TRTUR TTTTO TVTUV TWTWN TZTZA UAUKR UGUGA UMUMI USUSA UYURY UZUZB VAVAT VCVCT VEVEN "
    "VGVGB VIVIR VNVNM VUVUT WFWLF WSWSM XKXKX YEYEM YTMYT ZAZAF ZMZMB ZWZWE";
#define CODE_STEP 6 /* "ADAND " */

static const char beside[] = "AC TA ZZ";
#define BESIDE_STEP 3

/* Spellings of habit that are no code of ISO's. */
static const char habits[][2][3] = {{"UK", "GB"}, {"EL", "GR"}};

static char capital(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* The two letters of the entry whose `n` letters from `at` on are these; NULL: there is none. */
static const char *entry(const char *letters, size_t at, size_t n)
{
    for (size_t i = 0; i + CODE_STEP - 1 < sizeof codes; i += CODE_STEP)
        if (memcmp(codes + i + at, letters, n) == 0)
            return codes + i;
    return NULL;
}

static bool known(const char two[2])
{
    for (size_t i = 0; i + BESIDE_STEP - 1 < sizeof beside; i += BESIDE_STEP)
        if (memcmp(beside + i, two, 2) == 0)
            return true;
    return entry(two, 0, 2) != NULL;
}

/* What was meant by two or three letters of any case, as two capitals and a NUL; false when nobody can tell. */
static bool meant(struct str text, char *ret)
{
    char big[3] = "";
    const char *is = NULL;
    for (size_t i = 0; i < text.n && i < 3; i++)
        big[i] = capital(text.p[i]);
    for (size_t i = 0; i < sizeof habits / sizeof habits[0] && text.n == 2; i++)
        if (memcmp(big, habits[i][0], 2) == 0)
            is = habits[i][1];
    if (is == NULL && text.n == 2 && known(big))
        is = big;
    if (is == NULL && text.n == 3)
        is = entry(big, 2, 3);
    if (is == NULL)
        return false;
    memcpy(ret, is, 2);
    ret[2] = '\0';
    return true;
}

/* "-TX": a minus and one to three capitals or digits. */
static bool is_part(struct str rest)
{
    if (rest.n < 2 || rest.n > 4 || rest.p[0] != '-')
        return false;
    for (size_t i = 1; i < rest.n; i++)
        if (!(rest.p[i] >= 'A' && rest.p[i] <= 'Z') && !(rest.p[i] >= '0' && rest.p[i] <= '9'))
            return false;
    return true;
}

static int shown(struct str s)
{
    return s.n > 20 ? 20 : (int)s.n;
}

/* Refused, with what was meant when that can be told. */
static int no_country(struct str text, struct str country, struct str rest, enum place_kind kind, struct err *e)
{
    char near[8] = "";
    bool guess = meant(country, near);
    for (size_t i = 0; guess && i < rest.n && i < 4; i++)
        near[2 + i] = capital(rest.p[i]);
    return err_set(e, WL_EINVAL, "%.*s is no country: two capitals of ISO 3166 are wanted%s%s%s%s", shown(text),
                   text.n > 0 ? text.p : "", kind == PLACE_REGION ? ", a minus and a region" : "",
                   guess ? "; did you mean " : "", near, guess ? "?" : "");
}

int country_check(struct str text, enum place_kind kind, struct err *e)
{
    const char *minus = text.n > 0 && kind != PLACE_COUNTRY ? memchr(text.p, '-', text.n) : NULL;
    struct str country = {text.p, minus != NULL ? (size_t)(minus - text.p) : text.n};
    struct str rest = {minus, text.n - country.n};
    if (country.n != 2 || !known(country.p))
        return no_country(text, country, rest, kind, e);
    bool zz = memcmp(country.p, "ZZ", 2) == 0;
    if (minus == NULL ? kind != PLACE_REGION || zz : is_part(rest))
        return 0;
    return err_set(e, WL_EINVAL,
                   "%.*s is no region: a country, a minus and one to three capitals or digits, as in US-TX",
                   shown(text), text.p);
}

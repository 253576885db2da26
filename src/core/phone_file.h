/* SPDX-License-Identifier: Apache-2.0
 * phone_file.h - the numbering plans of the world as one file of tables (".pnd").
 *
 * Written by phone_compile.c, checked once and read in place by phone_data.c, by nobody else. Little-endian; every section starts
 * at a multiple of 8; offsets count from the beginning of the file. A header, then a directory of sections, then the sections.
 *
 * The heart is a decision graph over digits. Every distinct sub-question is one node of ten references, one for each next digit. A
 * reference below header.leaves is an answer, whatever digits follow; any other is the node (reference - leaves), and always one
 * with a lower number than the node it stands in, so that a walk ends. What an answer means depends on the root the walk began at:
 * a payload, or a layout. Roots are kept by length, 0 to PHONE_NSN_MAX digits: the graph never has to ask whether digits are left.
 *
 * Prefix tables (time zones, networks) are graphs of their own over all digits of an international number: eleven references,
 * the last for "the prefix ends here", and the longest prefix wins. 0 is "nothing"; a reference r > 0 below
 * the table's own `leaves` is the string r of that table; any other, only of a digit, the node (r - leaves), again lower than its parent. */
#ifndef WL_CORE_PHONE_FILE_H
#define WL_CORE_PHONE_FILE_H

#include <stdint.h>

#define PHONE_FILE_MAGIC   "WLPN"
#define PHONE_FILE_VERSION 1
#define PHONE_FILE_MAX     (4u << 20) /* bytes */
#define PHONE_NSN_MAX      17         /* digits of a national number, leading zeros included (libphonenumber) */
#define PHONE_ROOTS        (PHONE_NSN_MAX + 1)
#define PHONE_TYPES        12 /* as in libphonenumber's PhoneNumberType; 11: unknown, not valid */
#define PHONE_LENGTH_KINDS 12 /* general at 0, then types 0 to 10 at 1 + type (fixed-or-mobile's place: of both) */
#define PHONE_CODES        1000

enum phone_section {
    PHONE_SECTION_NODE = 1, /* struct phone_node: the decision graph */
    PHONE_SECTION_ROOT, /* uint16_t[PHONE_ROOTS]: references by length; rows named by struct phone_code and phone_region_row */
    PHONE_SECTION_PAYLOAD, /* struct phone_payload */
    PHONE_SECTION_CODE, /* uint16_t[PHONE_CODES]: index of the calling code 0..999 in PLAN, 0 none (1, 44, 971: as a number) */
    PHONE_SECTION_PLAN,         /* struct phone_plan: calling codes; row 0 is nobody's */
    PHONE_SECTION_REGION,       /* struct phone_region_row, by id, "001" rows (by calling code) last; row 0 is "ZZ" */
    PHONE_SECTION_LENGTH,       /* struct phone_lengths, shared */
    PHONE_SECTION_PROGRAM,      /* struct phone_step: programs, phone_program.h; step 0 is PHONE_FAIL */
    PHONE_SECTION_LAYOUT,       /* struct phone_layout; row 0: digits as they are */
    PHONE_SECTION_TEXT,         /* NUL-terminated UTF-8 strings; offset 0 is "" */
    PHONE_SECTION_EXAMPLE,      /* struct phone_example, by region and type */
    PHONE_SECTION_ZONE_NODE,    /* struct phone_prefix_node */
    PHONE_SECTION_ZONE_NAME,    /* uint32_t: offsets in TEXT, "Europe/Berlin&Europe/Busingen"; 0 "" */
    PHONE_SECTION_CARRIER_NODE, /* struct phone_prefix_node */
    PHONE_SECTION_CARRIER_NAME, /* uint32_t: offsets in TEXT */
    PHONE_SECTION_SOURCE, /* uint32_t: offsets in TEXT, one line for each source: "google-libphonenumber 3.2.47 sha256:..." */
    PHONE_SECTION_MASK, /* uint32_t: sets of lengths, bits 0..17: that many digits; row 0 is the empty one */
    PHONE_SECTIONS
};

struct phone_file_header { /* 64 bytes */
    char magic[4];
    uint16_t version;
    uint16_t sections;                                             /* rows of the directory behind the header */
    uint32_t size;                                                 /* of the whole file */
    uint32_t leaves;                                               /* of the decision graph */
    uint32_t zone_root, zone_leaves, carrier_root, carrier_leaves; /* references of the prefix tables */
    uint32_t released;                                             /* the data's date, days since 1970-01-01 */
    uint32_t name;                                                 /* offset in TEXT: "google-libphonenumber 3.2.47" */
    uint32_t unicode;   /* major version whose digits and letters the text reader follows */
    uint8_t digest[16]; /* first half of SHA-256 over the file with these bytes zero */
    uint32_t reserved;
};

struct phone_section_row {        /* 16 bytes */
    uint32_t id, at, count, size; /* size: of one element */
};

struct phone_node {
    uint16_t next[10];
};
#define PHONE_PREFIX_ENDS 10
struct phone_prefix_node {
    uint16_t next[PHONE_PREFIX_ENDS + 1];
};

enum { PHONE_GENERAL = 1 }; /* payload flag: the general description's pattern matches (whatever its lengths) */

struct phone_payload { /* 4 bytes */
    uint16_t region;   /* row of REGION: whom libphonenumber names; 0 "ZZ" */
    uint8_t type, flags;
};

/* A calling code. root: region, type and the main region's general pattern of a national number. layout: how it is written. */
struct phone_plan { /* 16 bytes */
    uint16_t code;
    uint16_t main;         /* row of REGION whose rules a number with this code follows */
    uint16_t regions;      /* how many share it */
    uint16_t root, layout; /* rows of ROOT */
    uint16_t flags;        /* PHONE_PLAN_* */
    uint16_t reserved[2];
};
enum {
    PHONE_PLAN_GEOGRAPHIC_MOBILE = 1, /* mobile numbers have a place (52, 54, 55, 62, 86: kGeoMobileCountries) */
    PHONE_PLAN_NOBODYS = 2            /* non-geographic: region "001" */
};

/* A region, or a non-geographic entity. root: type and general pattern of its own description, alone. Only payloads whose region is the
 * row itself or 0 speak of it: the main region of a calling code may share the code's root. */
struct phone_region_row { /* 44 bytes */
    char id[4];
    uint16_t code;
    uint16_t plan;
    uint16_t root;
    uint16_t lengths; /* row of LENGTH */
    uint16_t
        prefix_first; /* bit d: the national prefix rule can match a number that begins with digit d; bit 10: also nothing */
    uint16_t
        prefix_single; /* the rule is one of these digits and nothing else (bits as above); 0: run prefix_program */
    uint32_t prefix_program; /* step of PROGRAM; 0 no rule */
    uint32_t prefix_text;    /* TEXT: the national prefix, "0" */
    uint32_t transform;      /* TEXT: "$1" notation; 0 none */
    uint32_t idd_program;    /* step of PROGRAM: international dialling prefix; 0 none */
    uint32_t idd_text;       /* TEXT: the preferred one, or a single one; 0 none */
    uint32_t extension_text; /* TEXT: " ext. " of this region; 0 the usual */
    uint16_t prefix_groups;  /* capturing groups of the national prefix rule */
    uint16_t flags;          /* PHONE_REGION_* */
};
enum {
    PHONE_REGION_MAIN = 1,
    PHONE_REGION_PORTABLE = 2, /* numbers move between networks: a network found is the original one */
    PHONE_REGION_NOBODYS = 4,
    PHONE_REGION_LEADING = 8 /* known by its leading digits */
};

struct phone_lengths { /* 24 bytes; rows of MASK */
    uint8_t possible[PHONE_LENGTH_KINDS];
    uint8_t local_only[PHONE_LENGTH_KINDS];
};

/* How the digits of one cell are written. groups: digits of $1, $2, ... in 4 bits each from the lowest, 0 none, and the last one always
 * PHONE_LAYOUT_REST, all that are left; texts in "$1" notation with
 * the national prefix already in its place. A dollar sign is never literal. */
#define PHONE_LAYOUT_REST 15
struct phone_layout { /* 12 bytes */
    uint32_t groups;
    uint32_t national, international; /* TEXT; 0: digits as they are */
};

struct phone_example { /* 8 bytes */
    uint16_t region;
    uint8_t type, reserved;
    uint32_t text; /* TEXT: national digits */
};

/* One step of a program. Perl semantics: alternatives in order, the first that leads to a match wins. Programs only go forward: a SPLIT's and a
 * JUMP's arg is 1 or more. A region without an IDD rule has a program that matches at once, as libphonenumber's empty pattern does. */
enum phone_step_op {
    PHONE_FAIL,
    PHONE_MATCH,
    PHONE_DIGIT, /* arg: bits of the digits allowed; on to the next step */
    PHONE_SPLIT, /* try the next step first, then step + arg */
    PHONE_JUMP,  /* step + arg */
    PHONE_SAVE,  /* arg: 2 * group, or 2 * group + 1 at its end; groups count from 1 */
    PHONE_END    /* on to the next step if no digit is left: "([2-9]\d{6})$|1" */
};
#define PHONE_GROUPS_MAX 6
struct phone_step {
    uint16_t op, arg;
};

#endif

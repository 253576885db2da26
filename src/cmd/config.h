/* SPDX-License-Identifier: Apache-2.0
 * config.h - the settings of a gateway: one table of keys, and the values merged from everywhere.
 *
 * The table says of each key its type, default, range and meaning; the reader, check-config, the commented sample
 * and wayleave.conf(5) all come from it. Values are merged in this order, later ones win: built-in default, the
 * file, the .yaml files of conf.d next to it in order of name, the environment (WAYLEAVE__WEBHOOK__PATH), --set on the command
 * line. Every value remembers where it came from. An unknown key is an error, never ignored. Relative paths in a
 * file are relative to that file. Secrets are read from the files that *_file keys name and are never printed. */
#ifndef WL_CMD_CONFIG_H
#define WL_CMD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "gateway/gateway.h"

enum config_type {
    CONFIG_TEXT,
    CONFIG_SAYING,  /* a text for people: no placeholder but the known ones */
    CONFIG_METHODS, /* methods of consents with commas between them; one that looks misspelled is refused */
    CONFIG_PATH,
    CONFIG_SECRET_FILE, /* a path; its content is the value of the key without "_file" */
    CONFIG_PATHS,       /* struct path_list; a list of paths, or one, or several with commas between them */
    CONFIG_LAWS,        /* the same, where a bare word ("co") is a law that came with the program */
    CONFIG_STORE,       /* a path or sqlite:PATH */
    CONFIG_ADDRESS,     /* 127.0.0.1:8080, [::1]:8080 */
    CONFIG_ORIGIN,      /* https://host, trailing slashes taken off */
    CONFIG_URL,         /* kept as it is */
    CONFIG_URL_PATH,    /* /webhook */
    CONFIG_BOOL,
    CONFIG_COUNT,   /* unsigned */
    CONFIG_ITEMS,   /* size_t, a plain number */
    CONFIG_SIZE,    /* size_t; 1MiB, 100MB, 4096 */
    CONFIG_MILLIS,  /* int64_t; 30s, 250ms */
    CONFIG_SECONDS, /* unsigned; the same spellings */
    CONFIG_ID,      /* int64_t; digits */
    CONFIG_WORD     /* int; one of `words`, by position */
};

struct config_key {
    const char *path; /* "webhook.app_secret"; "senders[].id" for every entry of a list */
    enum config_type type;
    const char *fallback; /* as written in a file; NULL: not set, or worked out (`derived`) */
    const char *derived;  /* how the default is worked out, for people */
    int64_t min, max;     /* of numbers: items, bytes, milliseconds, seconds */
    size_t offset;        /* into struct config, or into an entry of its list */
    bool secret;
    const char *sample; /* what the commented sample shows when there is no fallback */
    const char *words;  /* CONFIG_WORD: space-separated */
    const char *help;
};
extern const struct config_key config_keys[]; /* ends with path NULL */

/* A list of mappings, told apart by their id, or by a name. */
struct config_list {
    const char *path;      /* "senders" */
    const char *entry;     /* what one is called in a sentence */
    const char *key;       /* "id", a number; or "name", a text whose hash is the entry's id here */
    const char *id;        /* what its id is, for whoever left it out */
    const char *example;   /* a key of it, for whoever spelled one wrong */
    size_t max;            /* entries */
    size_t size;           /* of one entry's struct; its int64_t id comes first */
    size_t entries, count; /* offsets into struct config: the pointer to the first, and the size_t of how many */
};
extern const struct config_list config_lists[];                         /* ends with path NULL */
const struct config_list *config_list_of(const struct config_key *key); /* NULL: a key that is there once */

struct config_value {
    const struct config_key *key;
    int64_t entry;      /* the id of the list's entry, 0 where there is no list */
    const char *text;   /* as typed, paths made whole; NULL: not set */
    const char *origin; /* "default", "FILE:LINE", "environment WAYLEAVE__...", "--set" */
    bool explicit;      /* somebody set it: not the default */
    struct config_value *next;
};

struct config {
    struct gateway_options gateway;
    int log_level; /* enum log_level */
    /* --- how it came about --- */
    struct arena *arena;
    struct config_value *values; /* in the order of the table, entries of lists by order of appearance */
    const char *file;            /* the main file, NULL: none was read */
    size_t n_files;
    const char *credentials; /* $CREDENTIALS_DIRECTORY of the service manager, or NULL */
    struct buf warnings;     /* one sentence a line: legal, but probably not meant */
    struct buf problems;     /* one sentence a line: why it was refused */
};

struct config_source {
    const char *file;       /* --config; NULL: $WAYLEAVE_CONFIG, else /etc/wayleave/wayleave.yaml when it exists */
    char *const *environ;   /* NULL: none */
    const char *const *set; /* "key=value", NULL-terminated; NULL: none */
    bool secrets;           /* read secret files and look at certificates: for serve and check-config */
};

/* WL_EINVAL: *ret is set all the same, its `problems` lists everything that is wrong and e holds the first.
 * config_free() it in either case. Only when the main file cannot be opened at all is *ret left as it was. */
int config_load(struct config **ret, const struct config_source *from, struct err *e);
void config_free(struct config *c);                                              /* wipes secrets; accepts NULL */
const struct config_value *config_get(const struct config *c, const char *path); /* NULL: no such key */

/* config_print.c. A printed value never is a secret: "(set)" or "(not set)". */
void config_print(const struct config *c, FILE *out);
struct json_out;
void config_json(const struct config *c, struct json_out *out);
void config_sample(FILE *out);   /* a whole commented file that says what the defaults say */
void config_man(FILE *out);      /* the KEYS section of wayleave.conf(5) */
void config_markdown(FILE *out); /* the table in docs/configuration.md */

/* config_value.c: one value's text into `into` (the field at key->offset). WL_EINVAL with a sentence that begins
 * with a verb: "must be ...". Text is copied to the arena. */
int config_value_read(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e);
/* 20000 as the shortest spelling a person would use: "20s". Returns out. */
#define DURATION_TEXT 24
const char *config_duration_text(int64_t ms, char out[DURATION_TEXT]);
/* Where a relative path typed in that file leads; `base` is the file's directory or NULL. */
const char *config_path(struct arena *a, const char *base, const char *path);
/* "/usr/share/wayleave/rules/whatsapp-platform.yaml" or where a source tree has it; never NULL. */
const char *config_rules_file(struct arena *a);
/* What came with the program beside its rules: "regimes.yaml", "optout" (a directory). */
const char *config_shipped(struct arena *a, const char *name);
/* The file of a law that came with the program, by its name ("co"), whether it is there or not; NULL when that is no
 * name of a law: lower-case letters, digits and '-'. */
const char *config_law_file(struct arena *a, struct str name);

#endif

/* SPDX-License-Identifier: Apache-2.0
 * screen_job.h - what the parts of `wayleave screen` share: one list on its way from a file to others.
 *
 * A batch of rows passes through the same steps each time: the verdict of every row for itself, on all processors (screen_work.c); what
 * the gateway knows, when that was asked for (screen_activity.c); which rows repeat a number (screen_seen.c); writing and counting in
 * the order of the file (screen_write.c). Of a run that was interrupted there is a checkpoint (screen_resume.c). */
#ifndef WL_CMD_SCREEN_JOB_H
#define WL_CMD_SCREEN_JOB_H

#include <sys/stat.h>

#include "cmd/command.h"
#include "cmd/phone_tables.h"
#include "cmd/pool.h"
#include "cmd/progress.h"
#include "cmd/screen_seen.h"
#include "cmd/table_in.h"
#include "cmd/table_out.h"
#include "core/columns.h"
#include "core/screen.h"

extern const struct option screen_options[]; /* of the row in commands_screen.def */

/* Columns that are written behind those of the file. */
enum screen_column {
    SCREEN_E164,
    SCREEN_COUNTRY,
    SCREEN_TYPE,
    SCREEN_NETWORK,
    SCREEN_ZONE,
    SCREEN_VERDICT,
    SCREEN_REASON,
    SCREEN_ACTIVITY, /* from here on: with --activity */
    SCREEN_SCORE,
    SCREEN_LAST_SEEN,
    SCREEN_COLUMNS
};
extern const char *const screen_column_name[SCREEN_COLUMNS];

#define SCREEN_SEEN_TEXT 12 /* "2026-11-22" */
struct screen_known {       /* what the gateway knows of a number */
    const char *class;      /* "interactive"; NULL: not asked */
    char score[24], last_seen[SCREEN_SEEN_TEXT];
};

struct screen_work { /* of one row of the batch */
    struct phone_cell s;
    uint8_t share;       /* whose room holds its cells */
    uint32_t at, n;      /* its cells from e164 to zone, ready to be written */
    const char *network; /* NULL: none was looked for */
};

struct screen_cell { /* where a value comes from that the filter asks for */
    int column;      /* of the file, or -1 */
    int own;         /* enum screen_column, or -1 */
};

/* As far as a run came. */
struct screen_point {
    uint64_t at, line;               /* the row that is next */
    uint64_t good, bad, seen;        /* bytes written, numbers noted */
    uint64_t survey_at, survey_line; /* where a survey began; line 0: none did */
};

/* Each worker's own. */
#define SCREEN_WORDS 1024
struct screen_room {
    struct buf bytes; /* of one row */
    struct buf own;   /* cells that are ready, of the rows of its share */
    struct screen_word {
        const char *text; /* of the plans */
        uint32_t n;
        bool bare;         /* needs no quotes */
    } words[SCREEN_WORDS]; /* by address: the lengths of names that come again and again */
    struct {
        uint64_t text; /* its bytes */
        uint32_t n;
        int region;
    } country; /* the last one read */
};

struct screen_job {
    const struct args *args;
    struct arena *arena;
    struct phone_tables tables;
    const struct phone_data *data;
    struct screen screen;
    struct screen_tally *tally;
    struct number_filter *filter; /* NULL: everything is wanted */
    struct screen_cell asks[NUMBER_FILTER_COLUMNS_MAX];
    int default_region;

    const char *in_name, *out_path, *bad_path; /* NULL: nothing is written there */
    bool together, last, dry, piped;           /* piped: can be read once only */
    struct table_options source;
    struct stat opened;      /* the file, when it was opened first */
    struct table *in, *head; /* head: the first one opened, when `in` is another */
    struct table_batch batch;
    bool sampled;  /* the batch was read already, to look at it */
    bool full;     /* the numbers of the batch do not fit into memory */
    bool surveyed; /* a survey answers, numbers are noted no more */
    uint64_t first_at, first_line;
    struct columns columns;
    size_t width, header;      /* cells of the file that are written; of its header */
    char delimiter;            /* of the file */
    char out_delimiter;        /* of both files that are written */
    struct str said[VERDICTS]; /* cells of verdict and reason, where they are the same for every row */

    struct pool *pool;
    struct screen_room room[POOL_WORKERS_MAX];
    struct screen_work *work;
    struct screen_known *known; /* NULL without --activity */
    struct number_seen *seen;
    size_t rows_max; /* of the three */
    struct screen_activity *activity;
    struct seen *numbers;
    size_t memory, expected; /* for numbers: at most; what the file will probably need */

    struct table_out *good, *bad;
    size_t own; /* SCREEN_COLUMNS, or those without activity */
    struct screen_resume *resume;
    struct progress progress;
    uint64_t passes_done, passes; /* for the progress bar */
};

/* screen_places.c: an exit status. */
int screen_places(struct screen_job *j);

/* screen_open.c. "256M": false, it is no size. */
bool screen_bytes(const char *word, size_t *ret);
/* CMD_OK, or an exit status after having said why. */
int screen_open(struct screen_job *j);
/* Reads again from a row on. */
int screen_reopen(struct screen_job *j, uint64_t at, uint64_t line, struct err *e);
/* The file is the one that was opened, as it was then: rows that were read twice were the same rows. */
int screen_unchanged(const struct screen_job *j, struct err *e);
void screen_close(struct screen_job *j);
/* Room for a batch of so many rows. */
void screen_room_for(struct screen_job *j, size_t rows);

/* screen_work.c: fills j->work for the batch, with what a filter says that asks for no activity. */
void screen_work(struct screen_job *j);
/* The filter, for rows that are right up to now. */
enum verdict screen_filter(const struct screen_job *j, size_t row, struct screen_room *room);

/* screen_activity.c */
int screen_activity_open(struct screen_job *j); /* an exit status */
/* Asks for the batch, and filters it. */
int screen_activity_ask(struct screen_job *j, struct err *e);
void screen_activity_close(struct screen_job *j);

/* screen_write.c */
int screen_write_open(struct screen_job *j, const struct screen_point *from); /* an exit status */
int screen_write(struct screen_job *j, struct err *e);
int screen_write_close(struct screen_job *j, struct err *e);
void screen_write_drop(struct screen_job *j, bool keep);

/* screen_resume.c */
/* Finds the checkpoint of an interrupted run when --resume was given. ret->line 0: from the beginning. */
int screen_resume_open(struct screen_job *j, struct screen_point *ret);
const char *screen_resume_seen_path(const struct screen_job *j); /* NULL: there are no checkpoints */
bool screen_resume_there(const struct screen_job *j);            /* there is a checkpoint to go on from */
/* Called before each row that is written. */
int screen_resume_pass(struct screen_job *j, const struct table_row *row, struct err *e);
void screen_resume_survey(struct screen_job *j, uint64_t at, uint64_t line);
void screen_resume_close(struct screen_job *j, bool complete);

/* screen_report.c, screen_html.c */
struct screen_line { /* of a table of counts */
    const char *name;
    uint64_t n;
};
/* A verdict's sentence for all of its rows. */
struct str screen_sentence(enum verdict v);
/* Largest first; allocated in the arena. */
size_t screen_countries(const struct screen_job *j, struct screen_line **ret);
size_t screen_types(const struct screen_job *j, struct screen_line **ret);
size_t screen_networks(const struct screen_job *j, struct screen_line **ret);
void screen_report_text(const struct screen_job *j, FILE *out);
void screen_report_json(const struct screen_job *j, struct buf *out);
void screen_report_html(const struct screen_job *j, struct buf *out);
/* --report, --json and what a person reads: an exit status. */
int screen_report(const struct screen_job *j);

#endif

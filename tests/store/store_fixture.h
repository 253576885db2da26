/* SPDX-License-Identifier: Apache-2.0
 * store_fixture.h - an empty store for one test, thrown away after it.
 *
 * By default a SQLite file in a directory of its own. WAYLEAVE_TEST_STORE names another place: a store url in which
 * every '%' becomes a word unique to the test, so that the same tests run on any engine the store knows. */
#ifndef WL_TESTS_STORE_FIXTURE_H
#define WL_TESTS_STORE_FIXTURE_H

#include "t.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/messages.h"
#include "store/people.h"

#define NOW    1700000000000
#define SENDER 106540352242922

struct fx {
    char dir[64];
    char url[512];
    struct store *s;
    struct arena *a;
    struct err e;
};

static inline void fx_place(struct fx *f)
{
    static int turn;
    const char *env = getenv("WAYLEAVE_TEST_STORE");
    memset(f, 0, sizeof *f);
    memcpy(f->dir, "/tmp/wl_store_XXXXXX", 21);
    assert_non_null(mkdtemp(f->dir));
    f->a = arena_create(64u << 20);
    assert_non_null(f->a);
    if (env == NULL || *env == '\0') {
        snprintf(f->url, sizeof f->url, "%s/store.db", f->dir);
        return;
    }
    size_t n = 0;
    turn++;
    for (const char *p = env; *p && n < sizeof f->url - 64; p++) {
        if (*p == '%')
            n += (size_t)snprintf(f->url + n, 64, "t%d_%d", (int)getpid(), turn);
        else
            f->url[n++] = *p;
    }
}

/* Tests that look under the store's covers only make sense on SQLite's file. */
static inline bool fx_is_file(const struct fx *f)
{
    return strncmp(f->url, "/tmp/", 5) == 0;
}

static inline void fx_start(struct fx *f)
{
    fx_place(f);
    assert_ok(store_open(&f->s, f->url, NULL, &f->e), f->e);
}

static inline void fx_reopen(struct fx *f)
{
    store_free(f->s);
    f->s = NULL;
    assert_ok(store_open(&f->s, f->url, NULL, &f->e), f->e);
}

static inline void fx_end(struct fx *f)
{
    store_free(f->s);
    arena_free(f->a);
    DIR *d = opendir(f->dir);
    for (struct dirent *at; d != NULL && (at = readdir(d)) != NULL;) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", f->dir, at->d_name);
        unlink(path); /* refuses . and .. */
    }
    if (d != NULL)
        closedir(d);
    rmdir(f->dir);
}

#define BEGIN(f)  assert_ok(store_begin((f)->s, &(f)->e), (f)->e)
#define COMMIT(f) assert_ok(store_commit((f)->s, &(f)->e), (f)->e)
#define OK(f, rc) assert_ok(rc, (f)->e)

static inline struct identity fx_name(enum identity_kind kind, const char *value)
{
    struct identity id = {.kind = kind};
    snprintf(id.value, sizeof id.value, "%s", value);
    return id;
}

/* Creates one person in a transaction of its own. */
static inline struct person fx_person(struct fx *f, enum identity_kind kind, const char *value)
{
    struct identity id = fx_name(kind, value);
    struct person p;
    BEGIN(f);
    OK(f, people_ensure(f->s, &id, 1, NOW, &p, &f->e));
    COMMIT(f);
    return p;
}

static inline struct message fx_message(struct fx *f, int64_t contact)
{
    return (
        struct message){.id = store_id(f->s, NOW),
                        .contact = contact,
                        .sender = SENDER,
                        .life = {.state = LIFE_SENDING, .category = 2, .attempts = 1, .once = true, .begun_at = NOW},
                        .epoch = 1,
                        .ts = NOW,
                        .kind = 2,
                        .type = "template"};
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 * config.c - merges the file, conf.d, the environment and --set into one configuration.
 *
 * Everything ends as a list of values, each with its origin; later sources overwrite earlier ones key by key, and
 * entries of lists (senders, apps) are merged by their id. Reading goes on after a mistake, so that all of them are reported at once. Only
 * when the merge is done are types read, secret files opened and the settings checked against each other: a value
 * somebody overrides need not be right. */
#include "cmd/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/yaml.h"

#define ARENA_BYTES   (32u << 20)
#define SECRET_MAX    4096
#define PROBLEM_BYTES (256u << 10)
#define NAME_MAX_KEYS 96
#define PATHS_BYTES   (64u << 10)
#define ENV_PREFIX    "WAYLEAVE__"
#define MAIN_FILE     "/etc/wayleave/wayleave.yaml"

__attribute__((format(printf, 3, 4))) static void problem(struct config *c, const char *origin, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    buf_printf(&c->problems, "%s%s%s\n", origin ? origin : "", origin ? ": " : "", text);
}

__attribute__((format(printf, 2, 3))) static void warning(struct config *c, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    buf_printf(&c->warnings, "%s\n", text);
}

static const char *env_get(const struct config_source *from, const char *name)
{
    size_t n = strlen(name);
    for (char *const *v = from->environ; v && *v; v++)
        if (strncmp(*v, name, n) == 0 && (*v)[n] == '=' && (*v)[n + 1] != '\0')
            return *v + n + 1;
    return NULL;
}

/* ---------------------------------------------------------------- keys */

/* `rules: PATH` is how the platform's rules were named when there was nothing else. */
static const struct config_key *key_find(struct str path)
{
    if (str_eq(path, STR("rules")))
        path = STR("rules.platform");
    for (const struct config_key *k = config_keys; k->path; k++)
        if (str_eq(path, str_of(k->path)))
            return k;
    return NULL;
}

static bool is_section(const char *path)
{
    size_t n = strlen(path);
    for (const struct config_key *k = config_keys; k->path; k++)
        if (strncmp(k->path, path, n) == 0 && k->path[n] == '.')
            return true;
    return false;
}

/* The key a wrong one was probably meant to be: the same last word elsewhere, else the nearest of the words possible
 * at that place (a section's keys, or sections and keys of the top level). */
static const char *key_near(struct arena *a, struct str path)
{
    static const char *const sections[] = {"tls", "upstream", "webhook", "admin", "rules", "limits", "senders", NULL};
    const char *dot = memrchr(path.p, '.', path.n);
    struct str leaf = dot ? (struct str){dot + 1, path.n - (size_t)(dot + 1 - path.p)} : path;
    const char *possible[NAME_MAX_KEYS];
    size_t n = 0, section = path.n - leaf.n;
    for (size_t i = 0; section == 0 && sections[i]; i++)
        possible[n++] = sections[i];
    for (const struct config_key *k = config_keys; k->path && n < NAME_MAX_KEYS - 1; k++) {
        const char *last = strrchr(k->path, '.');
        if (last && str_eq(leaf, str_of(last + 1)) && config_list_of(k) == NULL)
            return k->path;
        if (section > 0 ? strncmp(k->path, path.p, section) == 0 : last == NULL)
            possible[n++] = k->path + section;
    }
    possible[n] = NULL;
    const char *near = nearest_word(leaf, possible);
    return near ? arena_printf(a, "%.*s%s", (int)section, path.p, near) : NULL;
}

static void unknown_key(struct config *c, const char *origin, struct str path)
{
    const char *section = arena_strndup(c->arena, path.p, path.n);
    const char *near = key_near(c->arena, path);
    if (section && is_section(section))
        problem(c, origin, "%s is a section; name one of its keys", section);
    else if (near)
        problem(c, origin, "there is no key %.*s; did you mean %s?", (int)path.n, path.p, near);
    else
        problem(c, origin, "there is no key %.*s; wayleave check-config --new-config lists them all", (int)path.n,
                path.p);
}

/* ---------------------------------------------------------------- values */

static struct config_value *value_of(struct config *c, const struct config_key *key, int64_t entry, bool make)
{
    struct config_value **at = &c->values;
    for (; *at; at = &(*at)->next)
        if ((*at)->key == key && (*at)->entry == entry)
            return *at;
    struct config_value *v = make ? arena_new(c->arena, struct config_value) : NULL;
    if (v) {
        v->key = key;
        v->entry = entry;
        v->origin = "default";
        *at = v;
    }
    return v;
}

const struct config_value *config_get(const struct config *c, const char *path)
{
    for (const struct config_value *v = c->values; v; v = v->next)
        if (strcmp(v->key->path, path) == 0)
            return v;
    return NULL;
}

static bool is_list(enum config_type t)
{
    return t == CONFIG_PATHS || t == CONFIG_LAWS;
}

static bool is_path(enum config_type t)
{
    return t == CONFIG_PATH || t == CONFIG_SECRET_FILE;
}

/* "$CREDENTIALS_DIRECTORY/app-secret" is how a systemd unit with LoadCredential= names a secret; no other variable is
 * replaced. */
static const char *whole_path(struct config *c, const char *base, const char *path)
{
    static const char variable[] = "$CREDENTIALS_DIRECTORY/";
    const size_t n = sizeof variable - 1;
    if (c->credentials && strncmp(path, variable, n) == 0)
        return arena_printf(c->arena, "%s/%s", c->credentials, path + n);
    return config_path(c->arena, base, path);
}

/* Names of laws become their files, and paths whole ones. */
static const char *whole_paths(struct config *c, const struct config_key *key, const char *base, const char *text)
{
    struct str rest = str_of(text);
    struct buf out;
    buf_init(&out, PATHS_BYTES);
    while (rest.n > 0) {
        struct str one = str_trim(str_cut(rest, ',', &rest));
        const char *law = key->type == CONFIG_LAWS ? config_law_file(c->arena, one) : NULL;
        const char *path = law ? law : whole_path(c, base, arena_strndup(c->arena, one.p, one.n));
        if (one.n > 0 && path != NULL)
            buf_printf(&out, "%s%s", out.len > 0 ? ", " : "", path);
    }
    const char *whole = out.failed ? NULL : arena_strndup(c->arena, buf_cstr(&out), out.len);
    buf_done(&out);
    return whole;
}

/* "" takes a value away again: how an override says "not this". */
static void value_set(struct config *c, const struct config_key *key, int64_t entry, const char *text, const char *base,
                      const char *origin)
{
    struct config_value *v = value_of(c, key, entry, true);
    if (v == NULL) {
        problem(c, origin, "the configuration is too large");
        return;
    }
    struct str s = str_of(text);
    v->explicit = true;
    v->origin = origin;
    if (s.n == 0)
        v->text = NULL;
    else if (is_path(key->type))
        v->text = whole_path(c, base, text);
    else if (is_list(key->type))
        v->text = whole_paths(c, key, base, text);
    else if (key->type == CONFIG_STORE && str_starts(s, STR("sqlite:")))
        v->text = arena_printf(c->arena, "sqlite:%s", config_path(c->arena, base, text + 7));
    else if (key->type == CONFIG_STORE && strstr(text, "://") == NULL)
        v->text = config_path(c->arena, base, text);
    else
        v->text = arena_strdup(c->arena, text);
}

/* "webhook.apps[].id". */
static const struct config_key *entry_key(struct config *c, const struct config_list *l, struct str leaf)
{
    const char *path = arena_printf(c->arena, "%s[].%.*s", l->path, (int)leaf.n, leaf.p);
    return path ? key_find(str_of(path)) : NULL;
}

/* The values that say which entries a list has. */
static bool is_entry(const struct config_value *v, const struct config_list *l)
{
    return v->entry != 0 && config_list_of(v->key) == l && str_ends(str_of(v->key->path), STR("[].id"));
}

/* An entry exists from the moment any source names its id. */
static bool entry_make(struct config *c, const struct config_list *l, int64_t id, const char *origin)
{
    size_t n = 0;
    for (const struct config_value *v = c->values; v; v = v->next)
        n += is_entry(v, l) && v->entry != id;
    if (n >= l->max) {
        problem(c, origin, "more than %zu %ss", l->max, l->entry);
        return false;
    }
    for (const struct config_key *k = config_keys; k->path; k++)
        if (config_list_of(k) == l && value_of(c, k, id, true) == NULL)
            return false;
    value_set(c, entry_key(c, l, STR("id")), id, arena_printf(c->arena, "%lld", (long long)id), NULL, origin);
    return true;
}

/* ---------------------------------------------------------------- files */

static const char *at_line(struct config *c, const struct yaml *n, int line)
{
    return arena_printf(c->arena, "%s:%d", n->file, line);
}

static const char *directory_of(struct config *c, const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? arena_strndup(c->arena, file, slash == file ? 1 : (size_t)(slash - file)) : "";
}

static void read_list(struct config *c, const struct yaml *list, const struct config_key *key, const char *base)
{
    const char *origin = at_line(c, list, list->key_line);
    struct buf text;
    buf_init(&text, PATHS_BYTES);
    for (const struct yaml *n = list->child; n; n = n->next) {
        bool plain = n->kind == YAML_SCALAR && n->text.n > 0 && memchr(n->text.p, '\0', n->text.n) == NULL;
        if (!plain || memchr(n->text.p, ',', n->text.n) != NULL)
            problem(c, at_line(c, n, n->line), "%s wants paths without a comma in them", key->path);
        else
            buf_printf(&text, "%s%s", text.len > 0 ? "," : "", n->text.p);
    }
    value_set(c, key, 0, text.failed ? "" : buf_cstr(&text), base, origin);
    buf_done(&text);
}

static void read_leaf(struct config *c, const struct yaml *n, const struct config_key *key, int64_t entry,
                      const char *base)
{
    const char *origin = at_line(c, n, n->key_line);
    if (n->kind == YAML_SEQUENCE && is_list(key->type))
        read_list(c, n, key, base);
    else if (n->kind != YAML_SCALAR)
        problem(c, origin, "%s wants one value, not a %s", key->path, n->kind == YAML_MAPPING ? "section" : "list");
    else if (memchr(n->text.p, '\0', n->text.n) != NULL)
        problem(c, origin, "%s holds a NUL byte", key->path);
    else
        value_set(c, key, entry, n->text.p, base, origin);
}

static void read_entry(struct config *c, const struct config_list *l, const struct yaml *n, const char *base)
{
    const struct yaml *id = yaml_get(n, "id");
    int64_t number = 0;
    if (n->kind != YAML_MAPPING || id == NULL) {
        problem(c, at_line(c, n, n->line), "every entry of %s wants an id: %s", l->path, l->id);
        return;
    }
    if (id->kind != YAML_SCALAR || !str_i64(id->text, &number) || number <= 0) {
        problem(c, at_line(c, id, id->line), "%s[].id must be an id of digits, as Meta shows it: %s", l->path, l->id);
        return;
    }
    if (!entry_make(c, l, number, at_line(c, id, id->key_line)))
        return;
    for (const struct yaml *v = n->child; v; v = v->next) {
        const struct config_key *key = entry_key(c, l, v->key);
        if (key == NULL)
            unknown_key(c, at_line(c, v, v->key_line),
                        str_of(arena_printf(c->arena, "%s[].%.*s", l->path, (int)v->key.n, v->key.p)));
        else if (v != id)
            read_leaf(c, v, key, number, base);
    }
}

static void read_entries(struct config *c, const struct config_list *l, const struct yaml *list, const char *base)
{
    if (list->kind == YAML_SCALAR && list->text.n == 0)
        return;
    if (list->kind != YAML_SEQUENCE || (size_t)list->children > l->max) {
        problem(c, at_line(c, list, list->key_line), "%s wants a list (- id: ...) of at most %zu", l->path, l->max);
        return;
    }
    for (const struct yaml *n = list->child; n; n = n->next) {
        const struct yaml *id = yaml_get(n, "id");
        for (const struct yaml *m = list->child; id && m != n; m = m->next) {
            const struct yaml *other = yaml_get(m, "id");
            if (other && str_eq(other->text, id->text))
                problem(c, at_line(c, id, id->line), "%s %.*s is listed twice, first on line %d", l->entry,
                        (int)id->text.n, id->text.p, other->line);
        }
        read_entry(c, l, n, base);
    }
}

static const struct config_list *list_find(struct str path)
{
    const struct config_list *l = config_lists;
    while (l->path && !str_eq(path, str_of(l->path)))
        l++;
    return l->path ? l : NULL;
}

static void read_section(struct config *c, const struct yaml *section, const char *prefix, const char *base)
{
    for (const struct yaml *n = section->child; n; n = n->next) {
        const char *path = arena_printf(c->arena, "%s%.*s", prefix, (int)n->key.n, n->key.p);
        if (path == NULL)
            return;
        const struct config_key *key = key_find(str_of(path));
        const struct config_list *list = list_find(str_of(path));
        if (list != NULL)
            read_entries(c, list, n, base);
        else if (key != NULL && config_list_of(key) == NULL && !(n->kind == YAML_MAPPING && is_section(path)))
            read_leaf(c, n, key, 0, base);
        else if (!is_section(path))
            unknown_key(c, at_line(c, n, n->key_line), str_of(path));
        else if (n->kind == YAML_MAPPING)
            read_section(c, n, arena_printf(c->arena, "%s.", path), base);
        else if (n->kind != YAML_SCALAR || n->text.n > 0)
            problem(c, at_line(c, n, n->key_line), "%s is a section: its keys follow on lines of their own", path);
    }
}

static void read_file(struct config *c, const char *path)
{
    struct yaml *root;
    struct err e = {0};
    if (yaml_parse_file(c->arena, path, &root, &e) != 0) {
        problem(c, NULL, "%s", e.text);
        return;
    }
    c->n_files++;
    if (root->kind != YAML_MAPPING)
        problem(c, at_line(c, root, root->line), "a configuration is a list of keys and values");
    else
        read_section(c, root, "", directory_of(c, path));
}

static int yaml_name(const struct dirent *d)
{
    return d->d_name[0] != '.' && str_ends(str_of(d->d_name), STR(".yaml"));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* not alphasort: its order depends on the locale */
}

/* False: the main file cannot be opened. What would be in force without it is not what anybody meant, so nothing more
 * is said about it. */
static bool read_files(struct config *c, const struct config_source *from, struct err *e)
{
    const char *file = from->file ? from->file : env_get(from, "WAYLEAVE_CONFIG");
    if (file == NULL && from->environ && access(MAIN_FILE, F_OK) == 0)
        file = MAIN_FILE;
    if (file == NULL)
        return true;
    if (access(file, R_OK) != 0) {
        err_set(e, WL_EINVAL, "the configuration %s cannot be read: %s", file, strerror(errno));
        return false;
    }
    c->file = arena_strdup(c->arena, file);
    read_file(c, c->file);
    const char *base = directory_of(c, c->file);
    const char *dir = config_path(c->arena, base, "conf.d");
    struct dirent **found = NULL;
    int n = scandir(dir, &found, yaml_name, by_name);
    for (int i = 0; i < n; i++) {
        read_file(c, arena_printf(c->arena, "%s/%s", dir, found[i]->d_name));
        free(found[i]);
    }
    free(found);
    if (n < 0 && errno != ENOENT && errno != ENOTDIR)
        problem(c, dir, "cannot be read: %s", strerror(errno));
    return true;
}

/* ---------------------------------------------------------------- environment and --set */

/* "senders.111.token_file": the list, and what follows its name. */
static const struct config_list *list_before(struct str path, struct str *ret_rest)
{
    for (const struct config_list *l = config_lists; l->path; l++) {
        size_t n = strlen(l->path);
        if (str_starts(path, str_of(l->path)) && (path.n == n || path.p[n] == '.')) {
            *ret_rest = path.n > n ? (struct str){path.p + n + 1, path.n - n - 1} : (struct str){NULL, 0};
            return l;
        }
    }
    return NULL;
}

/* "webhook.path" or "senders.111.token_file". */
static void set_by_path(struct config *c, const char *path, const char *text, const char *origin)
{
    struct str s = str_of(path), rest;
    int64_t entry = 0;
    const struct config_list *l = list_before(s, &rest);
    if (l != NULL) {
        struct str id = str_cut(rest, '.', &rest);
        if (!str_i64(id, &entry) || entry <= 0 || rest.n == 0) {
            problem(c, origin, "a key of one %s is written %s.ID.%s", l->entry, l->path, l->example);
            return;
        }
        s = str_of(arena_printf(c->arena, "%s[].%.*s", l->path, (int)rest.n, rest.p));
    }
    const struct config_key *key = key_find(s);
    if (key == NULL || config_list_of(key) != l)
        unknown_key(c, origin, s);
    else if (l == NULL || entry_make(c, l, entry, origin))
        value_set(c, key, entry, text, NULL, origin);
}

static void read_environment(struct config *c, char *const *list)
{
    const size_t skip = sizeof ENV_PREFIX - 1;
    for (char *const *v = list; v && *v; v++) {
        const char *equals = strchr(*v, '=');
        if (strncmp(*v, ENV_PREFIX, skip) != 0 || equals == NULL)
            continue;
        size_t n = (size_t)(equals - *v);
        char *path = arena_strndup(c->arena, *v + skip, n - skip);
        const char *origin = arena_printf(c->arena, "environment %.*s", (int)n, *v);
        if (path == NULL || origin == NULL)
            return;
        char *to = path;
        for (const char *p = path; *p; p++) {
            bool dot = p[0] == '_' && p[1] == '_';
            *to++ = dot ? '.' : (char)(*p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);
            p += dot;
        }
        *to = '\0';
        set_by_path(c, path, equals + 1, origin);
    }
}

static void read_settings(struct config *c, const char *const *set)
{
    for (; set && *set; set++) {
        const char *equals = strchr(*set, '=');
        if (equals == NULL)
            problem(c, "--set", "wants KEY=VALUE, not \"%s\"", *set);
        else
            set_by_path(c, arena_strndup(c->arena, *set, (size_t)(equals - *set)), equals + 1, "--set");
    }
}

/* ---------------------------------------------------------------- from text to options */

static void warn_if_public(struct config *c, const char *path, int fd)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && (st.st_mode & S_IRWXO & ~(mode_t)S_IXOTH) != 0)
        warning(c, "%s can be read by everybody on this machine: chmod o-rwx it", path);
}

/* The file's text without the newline editors add. NULL after a problem. */
static char *read_secret(struct config *c, const struct config_value *v)
{
    char bytes[SECRET_MAX + 1];
    int fd = open(v->text, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;
    char *secret = NULL;
    if (n < 0) {
        problem(c, v->origin, "%s: %s cannot be read: %s", v->key->path, v->text, strerror(errno));
    } else if (n > SECRET_MAX || memchr(bytes, '\0', (size_t)n) != NULL) {
        problem(c, v->origin, "%s: %s does not look like a secret in text", v->key->path, v->text);
    } else {
        struct str s = str_trim((struct str){bytes, (size_t)n});
        warn_if_public(c, v->text, fd);
        if (s.n == 0)
            problem(c, v->origin, "%s: %s is empty", v->key->path, v->text);
        else
            secret = arena_strndup(c->arena, s.p, s.n);
    }
    if (fd >= 0)
        close(fd);
    explicit_bzero(bytes, sizeof bytes);
    return secret;
}

static void apply_secret_file(struct config *c, const struct config_source *from, const struct config_value *v,
                              void *into)
{
    struct str plain = {v->key->path, strlen(v->key->path) - 5}; /* without "_file" */
    const struct config_value *inline_value = value_of(c, key_find(plain), v->entry, false);
    if (inline_value && inline_value->text) {
        problem(c, v->origin, "%s and %.*s (%s) are both set; keep one", v->key->path, (int)plain.n, plain.p,
                inline_value->origin);
        return;
    }
    char *secret = from->secrets ? read_secret(c, v) : NULL;
    if (secret)
        memcpy(into, &secret, sizeof secret);
}

/* Where a list's entries stand, once they are made. */
static char **entries_of(struct config *c, const struct config_list *l)
{
    return (char **)((char *)c + l->entries);
}

static void apply_value(struct config *c, const struct config_source *from, struct config_value *v)
{
    struct err e = {0};
    char *base = (char *)c;
    const struct config_list *l = config_list_of(v->key);
    if (l != NULL) {
        base = *entries_of(c, l);
        while (*(int64_t *)(void *)base != v->entry)
            base += l->size;
    }
    if (v->text == NULL)
        return;
    if (v->key->type == CONFIG_SECRET_FILE)
        apply_secret_file(c, from, v, base + v->key->offset);
    else if (config_value_read(v->key, v->text, base + v->key->offset, c->arena, &e) != 0)
        problem(c, v->origin, "%s %s", v->key->path, e.text);
}

static bool make_entries(struct config *c, const struct config_list *l)
{
    size_t n = 0;
    for (const struct config_value *v = c->values; v; v = v->next)
        n += is_entry(v, l);
    char *at = n > 0 ? arena_array(c->arena, n, l->size) : NULL;
    if (n > 0 && at == NULL)
        return false;
    *entries_of(c, l) = at;
    memcpy((char *)c + l->count, &n, sizeof n);
    for (const struct config_value *v = c->values; v; v = v->next) {
        if (is_entry(v, l)) {
            memcpy(at, &v->entry, sizeof v->entry);
            at += l->size;
        }
    }
    return true;
}

static bool make_lists(struct config *c)
{
    bool fit = true;
    for (const struct config_list *l = config_lists; l->path; l++)
        fit = fit && make_entries(c, l);
    return fit;
}

static void defaults(struct config *c, const struct config_source *from)
{
    for (const struct config_key *k = config_keys; k->path; k++) {
        struct config_value *v = config_list_of(k) != NULL ? NULL : value_of(c, k, 0, true);
        if (v)
            v->text = k->fallback;
    }
    const char *state = env_get(from, "STATE_DIRECTORY"); /* systemd: one or more, separated by ':' */
    struct str rest, first = str_cut(str_of(state ? state : ""), ':', &rest);
    struct config_value *v = value_of(c, key_find(STR("state_dir")), 0, true);
    v->text = first.n > 0 ? arena_strndup(c->arena, first.p, first.n) : "wayleave-data";
    value_of(c, key_find(STR("rules.platform")), 0, true)->text = config_rules_file(c->arena);
    value_of(c, key_find(STR("erasure.regimes")), 0, true)->text = config_shipped(c->arena, "regimes.yaml");
    value_of(c, key_find(STR("optout.shipped")), 0, true)->text = config_shipped(c->arena, "optout");
}

/* An override of "" on a key that cannot be absent means its default. */
static void refill(struct config *c, const struct config_source *from)
{
    struct config fresh = {.arena = c->arena};
    defaults(&fresh, from);
    for (struct config_value *v = c->values; v; v = v->next) {
        const struct config_value *d = v->entry == 0 && v->text == NULL ? value_of(&fresh, v->key, 0, false) : NULL;
        if (d && d->text) {
            v->text = d->text;
            v->origin = "default";
            v->explicit = false;
        }
    }
}

/* ---------------------------------------------------------------- settings against each other */

static void check_readable(struct config *c, const char *key)
{
    const struct config_value *v = config_get(c, key);
    if (v && v->text && access(v->text, R_OK) != 0)
        problem(c, v->explicit ? v->origin : NULL, "%s: %s cannot be read: %s", key, v->text, strerror(errno));
}

static void check_list(struct config *c, const char *key)
{
    const struct config_value *v = config_get(c, key);
    const struct path_list *l = (const struct path_list *)((const char *)c + v->key->offset);
    for (size_t i = 0; i < l->n; i++)
        if (access(l->path[i], R_OK) != 0)
            problem(c, v->origin, "%s: %s cannot be read: %s", key, l->path[i], strerror(errno));
}

static void check_together(struct config *c)
{
    const struct gateway_options *g = &c->gateway;
    const char *origin = config_get(c, "listen_tls")->origin;
    if (g->listen_tls && (g->tls_cert == NULL || g->tls_key == NULL))
        problem(c, origin, "listen_tls needs tls.cert and tls.key");
    if (g->listen_tls == NULL && (g->tls_cert || g->tls_key))
        warning(c, "tls.cert and tls.key do nothing without listen_tls");
    if (config_get(c, "webhook.forward_secret")->text && g->forward_url == NULL)
        warning(c, "webhook.forward_secret does nothing without webhook.forward_url");
    if (g->listen && strncmp(g->listen, "127.", 4) != 0 && strncmp(g->listen, "[::1]", 5) != 0)
        warning(c, "listen: %s takes plain HTTP from other machines; tokens would cross the network in the clear",
                g->listen);
    if (g->webhook_path && (strncmp(g->webhook_path, "/wayleave/", 10) == 0 || strncmp(g->webhook_path, "/v", 2) == 0))
        warning(c, "webhook.path: %s may hide a path of the API", g->webhook_path);
}

/* What is sent later is sent with the token kept for its number. */
static void check_hold(struct config *c)
{
    const struct gateway_options *g = &c->gateway;
    const char *origin = config_get(c, "hold")->origin;
    for (size_t i = 0; i < g->n_senders; i++) {
        const struct sender_option *s = &g->senders[i];
        if (s->token_file != NULL)
            continue;
        if (s->hold == HOLD_QUEUE)
            problem(c, origin, "hold of sender %lld: queue needs its token_file", (long long)s->id);
        else if (s->hold == HOLD_AS_SET && g->hold != 0)
            warning(c, "hold: queue does nothing for sender %lld, which has no token_file", (long long)s->id);
    }
}

static bool is_set(struct config *c, const char *key, int64_t entry)
{
    const struct config_value *v = value_of(c, key_find(str_of(key)), entry, false);
    return v != NULL && v->text != NULL;
}

static void check_app(struct config *c, const struct config_value *v)
{
    if (!is_set(c, "webhook.apps[].app_secret", v->entry) && !is_set(c, "webhook.apps[].app_secret_file", v->entry))
        problem(c, v->origin, "app %lld of webhook.apps has no app_secret_file", (long long)v->entry);
    if (v->entry == c->gateway.webhook_app_id)
        problem(c, v->origin, "app %lld is webhook.app_id already", (long long)v->entry);
}

static bool same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Which app a webhook came from is told by the secret that signed it. */
static void check_apps(struct config *c)
{
    const struct gateway_options *g = &c->gateway;
    if (is_set(c, "webhook.app_id", 0) && !is_set(c, "webhook.app_secret", 0) &&
        !is_set(c, "webhook.app_secret_file", 0))
        problem(c, config_get(c, "webhook.app_id")->origin, "webhook.app_id needs webhook.app_secret_file");
    for (const struct config_value *v = c->values; v; v = v->next)
        if (strcmp(v->key->path, "webhook.apps[].id") == 0)
            check_app(c, v);
    for (size_t i = 0; i < g->n_webhook_apps; i++) {
        bool taken = same(g->webhook_apps[i].secret, g->webhook_app_secret);
        for (size_t k = 0; k < i; k++)
            taken = taken || same(g->webhook_apps[i].secret, g->webhook_apps[k].secret);
        if (taken)
            problem(c, NULL, "app %lld of webhook.apps has the app secret of another one",
                    (long long)g->webhook_apps[i].id);
    }
}

static void check_files(struct config *c)
{
    const struct gateway_options *g = &c->gateway;
    static const char *const files[] = {"tls.cert", "tls.key", "upstream.ca_file", "rules.platform", "phone.data"};
    static const char *const lists[] = {"rules.laws", "rules.policy", "rules.shadow", "optout.packs"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        check_readable(c, files[i]);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        check_list(c, lists[i]);
    for (const struct config_value *v = c->values; v; v = v->next) {
        if (strcmp(v->key->path, "senders[].token_file") != 0)
            continue;
        int fd = v->text ? open(v->text, O_RDONLY | O_CLOEXEC) : -1;
        if (v->text == NULL)
            warning(c,
                    "sender %lld has no token_file: its templates are not polled and the gateway cannot send by itself",
                    (long long)v->entry);
        else if (fd < 0)
            problem(c, v->origin, "token_file of sender %lld: %s cannot be read: %s", (long long)v->entry, v->text,
                    strerror(errno));
        else
            warn_if_public(c, v->text, fd);
        if (fd >= 0)
            close(fd);
    }
    if (g->webhook_app_secret == NULL && g->n_webhook_apps == 0)
        warning(
            c,
            "webhook.app_secret_file is not set: every webhook is refused, so no window opens and no opt-out is seen");
    bool verifiable = g->webhook_verify_token != NULL;
    for (size_t i = 0; i < g->n_webhook_apps; i++)
        verifiable = verifiable || g->webhook_apps[i].verify_token != NULL;
    if (!verifiable)
        warning(c, "webhook.verify_token_file is not set: Meta cannot verify the webhook's address");
    if (g->n_senders == 0)
        warning(c, "no senders: templates are not polled, and `wayleave send` has no token to send with");
}

int config_load(struct config **ret, const struct config_source *from, struct err *e)
{
    struct config *c = calloc(1, sizeof *c);
    if (c == NULL || (c->arena = arena_create(ARENA_BYTES)) == NULL) {
        free(c);
        return err_set(e, WL_ENOMEM, "no memory for the configuration");
    }
    buf_init(&c->problems, PROBLEM_BYTES);
    buf_init(&c->warnings, PROBLEM_BYTES);
    c->credentials = env_get(from, "CREDENTIALS_DIRECTORY");
    defaults(c, from);
    if (!read_files(c, from, e)) {
        config_free(c);
        return WL_EINVAL;
    }
    read_environment(c, from->environ);
    read_settings(c, from->set);
    refill(c, from);
    if (make_lists(c))
        for (struct config_value *v = c->values; v; v = v->next)
            apply_value(c, from, v);
    else
        problem(c, NULL, "the configuration is too large");
    check_together(c);
    check_hold(c);
    check_apps(c);
    if (from->secrets)
        check_files(c);
    *ret = c;
    if (c->problems.len == 0)
        return 0;
    struct str rest, first = str_cut(buf_str(&c->problems), '\n', &rest);
    return err_set(e, WL_EINVAL, "%.*s", (int)first.n, first.p);
}

static void wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
}

void config_free(struct config *c)
{
    if (c == NULL)
        return;
    wipe(c->gateway.webhook_verify_token);
    wipe(c->gateway.webhook_app_secret);
    wipe(c->gateway.forward_secret);
    for (size_t i = 0; i < c->gateway.n_webhook_apps; i++) {
        wipe(c->gateway.webhook_apps[i].secret);
        wipe(c->gateway.webhook_apps[i].verify_token);
    }
    for (struct config_value *v = c->values; v; v = v->next)
        if (v->key->secret && v->text && v->explicit)
            explicit_bzero((char *)(uintptr_t)v->text, strlen(v->text));
    buf_done(&c->problems);
    buf_done(&c->warnings);
    arena_free(c->arena);
    free(c);
}

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

#include "base/digest.h"
#include "base/yaml.h"
#include "cmd/config_impl.h"

#define ARENA_BYTES    (32u << 20)
#define SECRET_MAX     4096
#define PROBLEM_BYTES  (256u << 10)
#define NAME_MAX_KEYS  96
#define PATHS_BYTES    (64u << 10)
#define ENTRY_NAME_MAX 64
#define ENV_PREFIX     "WAYLEAVE__"
#define MAIN_FILE      "/etc/wayleave/wayleave.yaml"

void config_problem(struct config *c, const char *origin, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    buf_printf(&c->problems, "%s%s%s\n", origin ? origin : "", origin ? ": " : "", text);
}

void config_warning(struct config *c, const char *fmt, ...)
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
const struct config_key *config_key_find(struct str path)
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
    static const char *const sections[] = {"tls",    "upstream",  "webhook", "admin",     "rules",
                                           "limits", "campaigns", "senders", "approvers", NULL};
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
        config_problem(c, origin, "%s is a section; name one of its keys", section);
    else if (near)
        config_problem(c, origin, "there is no key %.*s; did you mean %s?", (int)path.n, path.p, near);
    else
        config_problem(c, origin, "there is no key %.*s; wayleave check-config --new-config lists them all",
                       (int)path.n, path.p);
}

/* ---------------------------------------------------------------- values */

struct config_value *config_value_of(struct config *c, const struct config_key *key, int64_t entry, bool make)
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
    struct config_value *v = config_value_of(c, key, entry, true);
    if (v == NULL) {
        config_problem(c, origin, "the configuration is too large");
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
    return path ? config_key_find(str_of(path)) : NULL;
}

/* The values that say which entries a list has. */
static bool is_entry(const struct config_value *v, const struct config_list *l)
{
    const char *leaf = strrchr(v->key->path, '.');
    return v->entry != 0 && config_list_of(v->key) == l && leaf != NULL && strcmp(leaf + 1, l->key) == 0;
}

/* Which entry a text names: its number, or of a name a hash, in which Ada is ada. 0: it names none. */
static int64_t entry_id(const struct config_list *l, struct str text)
{
    char lower[ENTRY_NAME_MAX];
    int64_t id = 0;
    if (strcmp(l->key, "id") == 0)
        return str_i64(text, &id) && id > 0 ? id : 0;
    if (text.n == 0 || text.n > sizeof lower)
        return 0;
    for (size_t i = 0; i < text.n; i++) {
        char ch = text.p[i];
        if ((unsigned char)ch <= ' ' || ch == 0x7f || ch == '.')
            return 0;
        lower[i] = (char)(ch >= 'A' && ch <= 'Z' ? ch - 'A' + 'a' : ch);
    }
    return (int64_t)(hash64(lower, text.n) >> 1 | 1);
}

/* An entry exists from the moment any source names it. */
static bool entry_make(struct config *c, const struct config_list *l, int64_t id, struct str name, const char *origin)
{
    size_t n = 0;
    for (const struct config_value *v = c->values; v; v = v->next)
        n += is_entry(v, l) && v->entry != id;
    if (n >= l->max) {
        config_problem(c, origin, "more than %zu %ss", l->max, l->entry);
        return false;
    }
    for (const struct config_key *k = config_keys; k->path; k++)
        if (config_list_of(k) == l && config_value_of(c, k, id, true) == NULL)
            return false;
    value_set(c, entry_key(c, l, str_of(l->key)), id, arena_strndup(c->arena, name.p, name.n), NULL, origin);
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
            config_problem(c, at_line(c, n, n->line), "%s wants paths without a comma in them", key->path);
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
        config_problem(c, origin, "%s wants one value, not a %s", key->path,
                       n->kind == YAML_MAPPING ? "section" : "list");
    else if (memchr(n->text.p, '\0', n->text.n) != NULL)
        config_problem(c, origin, "%s holds a NUL byte", key->path);
    else
        value_set(c, key, entry, n->text.p, base, origin);
}

static void read_entry(struct config *c, const struct config_list *l, const struct yaml *n, const char *base)
{
    const struct yaml *id = yaml_get(n, l->key);
    bool named = strcmp(l->key, "id") != 0;
    if (n->kind != YAML_MAPPING || id == NULL) {
        config_problem(c, at_line(c, n, n->line), "every entry of %s wants %s: %s", l->path, named ? "a name" : "an id",
                       l->id);
        return;
    }
    int64_t number = id->kind == YAML_SCALAR ? entry_id(l, id->text) : 0;
    if (number == 0) {
        config_problem(c, at_line(c, id, id->line), "%s[].%s must be %s: %s", l->path, l->key,
                       named ? "1 to 64 bytes without a space or a dot" : "an id of digits, as Meta shows it", l->id);
        return;
    }
    if (!entry_make(c, l, number, id->text, at_line(c, id, id->key_line)))
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
        config_problem(c, at_line(c, list, list->key_line), "%s wants a list (- %s: ...) of at most %zu", l->path,
                       l->key, l->max);
        return;
    }
    for (const struct yaml *n = list->child; n; n = n->next) {
        const struct yaml *id = yaml_get(n, l->key);
        for (const struct yaml *m = list->child; id && m != n; m = m->next) {
            const struct yaml *other = yaml_get(m, l->key);
            if (other && entry_id(l, other->text) != 0 && entry_id(l, other->text) == entry_id(l, id->text))
                config_problem(c, at_line(c, id, id->line), "%s %.*s is listed twice, first on line %d", l->entry,
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
        const struct config_key *key = config_key_find(str_of(path));
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
            config_problem(c, at_line(c, n, n->key_line), "%s is a section: its keys follow on lines of their own",
                           path);
    }
}

static void read_file(struct config *c, const char *path)
{
    struct yaml *root;
    struct err e = {0};
    if (yaml_parse_file(c->arena, path, &root, &e) != 0) {
        config_problem(c, NULL, "%s", e.text);
        return;
    }
    c->n_files++;
    if (root->kind != YAML_MAPPING)
        config_problem(c, at_line(c, root, root->line), "a configuration is a list of keys and values");
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
        config_problem(c, dir, "cannot be read: %s", strerror(errno));
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
    struct str s = str_of(path), rest, id = {NULL, 0};
    int64_t entry = 0;
    const struct config_list *l = list_before(s, &rest);
    if (l != NULL) {
        id = str_cut(rest, '.', &rest);
        entry = entry_id(l, id);
        if (entry == 0 || rest.n == 0) {
            config_problem(c, origin, "a key of one %s is written %s.%s.%s", l->entry, l->path,
                           strcmp(l->key, "id") == 0 ? "ID" : "NAME", l->example);
            return;
        }
        s = str_of(arena_printf(c->arena, "%s[].%.*s", l->path, (int)rest.n, rest.p));
    }
    const struct config_key *key = config_key_find(s);
    if (key == NULL || config_list_of(key) != l)
        unknown_key(c, origin, s);
    else if (l == NULL || entry_make(c, l, entry, id, origin))
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
            config_problem(c, "--set", "wants KEY=VALUE, not \"%s\"", *set);
        else
            set_by_path(c, arena_strndup(c->arena, *set, (size_t)(equals - *set)), equals + 1, "--set");
    }
}

/* ---------------------------------------------------------------- from text to options */

void config_warn_if_public(struct config *c, const char *path, int fd)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && (st.st_mode & S_IRWXO & ~(mode_t)S_IXOTH) != 0)
        config_warning(c, "%s can be read by everybody on this machine: chmod o-rwx it", path);
}

/* The file's text without the newline editors add. NULL after a problem. */
static char *read_secret(struct config *c, const struct config_value *v)
{
    char bytes[SECRET_MAX + 1];
    int fd = open(v->text, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;
    char *secret = NULL;
    if (n < 0) {
        config_problem(c, v->origin, "%s: %s cannot be read: %s", v->key->path, v->text, strerror(errno));
    } else if (n > SECRET_MAX || memchr(bytes, '\0', (size_t)n) != NULL) {
        config_problem(c, v->origin, "%s: %s does not look like a secret in text", v->key->path, v->text);
    } else {
        struct str s = str_trim((struct str){bytes, (size_t)n});
        config_warn_if_public(c, v->text, fd);
        if (s.n == 0)
            config_problem(c, v->origin, "%s: %s is empty", v->key->path, v->text);
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
    const struct config_value *inline_value = config_value_of(c, config_key_find(plain), v->entry, false);
    if (inline_value && inline_value->text) {
        config_problem(c, v->origin, "%s and %.*s (%s) are both set; keep one", v->key->path, (int)plain.n, plain.p,
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
        config_problem(c, v->origin, "%s %s", v->key->path, e.text);
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
        struct config_value *v = config_list_of(k) != NULL ? NULL : config_value_of(c, k, 0, true);
        if (v)
            v->text = k->fallback;
    }
    const char *state = env_get(from, "STATE_DIRECTORY"); /* systemd: one or more, separated by ':' */
    struct str rest, first = str_cut(str_of(state ? state : ""), ':', &rest);
    struct config_value *v = config_value_of(c, config_key_find(STR("state_dir")), 0, true);
    v->text = first.n > 0 ? arena_strndup(c->arena, first.p, first.n) : "wayleave-data";
    config_value_of(c, config_key_find(STR("rules.platform")), 0, true)->text = config_rules_file(c->arena);
    config_value_of(c, config_key_find(STR("erasure.regimes")), 0, true)->text =
        config_shipped(c->arena, "regimes.yaml");
    config_value_of(c, config_key_find(STR("optout.shipped")), 0, true)->text = config_shipped(c->arena, "optout");
}

/* An override of "" on a key that cannot be absent means its default. */
static void refill(struct config *c, const struct config_source *from)
{
    struct config fresh = {.arena = c->arena};
    defaults(&fresh, from);
    for (struct config_value *v = c->values; v; v = v->next) {
        const struct config_value *d =
            v->entry == 0 && v->text == NULL ? config_value_of(&fresh, v->key, 0, false) : NULL;
        if (d && d->text) {
            v->text = d->text;
            v->origin = "default";
            v->explicit = false;
        }
    }
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
        config_problem(c, NULL, "the configuration is too large");
    config_check(c, from->secrets);
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
    for (size_t i = 0; i < c->gateway.n_approvers; i++)
        wipe(c->gateway.approvers[i].key);
    for (struct config_value *v = c->values; v; v = v->next)
        if (v->key->secret && v->text && v->explicit)
            explicit_bzero((char *)(uintptr_t)v->text, strlen(v->text));
    buf_done(&c->problems);
    buf_done(&c->warnings);
    arena_free(c->arena);
    free(c);
}

/* SPDX-License-Identifier: Apache-2.0
 * config_value.c - one setting's text, read as its type says.
 *
 * A reader per type, in a table. Each checks the whole text and the key's range, and says what would have been
 * right ("must be a duration such as 30s"); where it stood is the caller's to add. Files are not opened here, so
 * that a configuration can be checked on another machine than the one it is for. */
#include "cmd/config.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/yaml.h"
#include "core/saying.h"

#define PATHS_MAX 60 /* a book has at most 64 files */

#ifndef WAYLEAVE_DATADIR
#define WAYLEAVE_DATADIR "/usr/share/wayleave"
#endif

static int keep_text(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    (void)key;
    char *copy = arena_strdup(a, text);
    if (copy == NULL)
        return err_set(e, WL_ENOMEM, "is too long");
    memcpy(into, &copy, sizeof copy);
    return 0;
}

static int read_saying(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    int rc = saying_check(str_of(text), e);
    return rc == 0 ? keep_text(key, text, into, a, e) : rc;
}

/* The letters and digits of both are the same: "webform", "web-form". */
static bool same_letters(struct str a, struct str b)
{
    size_t i = 0, k = 0;
    for (;; i++, k++) {
        while (i < a.n && strchr("_- ", a.p[i]) != NULL)
            i++;
        while (k < b.n && strchr("_- ", b.p[k]) != NULL)
            k++;
        if (i == a.n || k == b.n)
            return i == a.n && k == b.n;
        if (!str_ieq((struct str){a.p + i, 1}, (struct str){b.p + k, 1}))
            return false;
    }
}

/* The known word that this one is nearly; NULL: it is one, or like none. Short ones are too near to each other. */
static const char *misspelled(struct str word, const char *const *known)
{
    const char *near = word.n >= 5 ? nearest_word(word, known) : NULL;
    size_t n = near != NULL ? strlen(near) : 0;
    for (const char *const *k = known; *k != NULL; k++) {
        if (str_ieq(word, str_of(*k)))
            return NULL;
        if (same_letters(word, str_of(*k)))
            return *k;
    }
    return near != NULL && n + 1 >= word.n && word.n + 1 >= n ? near : NULL;
}

/* A business may have methods of its own; a word that is nearly one of the known ones is a mistake, and would wait for ever. */
static int read_methods(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    static const char *const known[] = {"web_form",      "sms",    "ivr", "paper",    "in_person", "whatsapp",
                                        "in_app_signup", "import", "api", "operator", NULL};
    for (struct str rest = str_of(text); rest.n > 0;) {
        struct str word = str_trim(str_cut(rest, ',', &rest));
        const char *near = word.n > 0 ? misspelled(word, known) : NULL;
        if (near != NULL)
            return err_set(e, WL_EINVAL, "must not have \"%.*s\": did you mean %s?", word.n > 40 ? 40 : (int)word.n,
                           word.p, near);
    }
    return keep_text(key, text, into, a, e);
}

static int read_store(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    if (strstr(text, "://") != NULL)
        return err_set(e, WL_EINVAL, "must be a path or sqlite:PATH; other databases are not supported yet");
    return keep_text(key, text, into, a, e);
}

static bool port_ok(struct str port)
{
    int64_t n;
    return port.n > 0 && port.n <= 5 && port.p[0] != '-' && str_i64(port, &n) && n <= 65535;
}

static int read_address(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    char host[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    const char *colon = strrchr(text, ':');
    bool v6 = text[0] == '[' && colon != NULL && colon > text + 1 && colon[-1] == ']';
    size_t n = colon == NULL ? 0 : (size_t)(colon - text) - (v6 ? 2 : 0);
    if (colon == NULL || n == 0 || n >= sizeof host || !port_ok(str_of(colon + 1)))
        return err_set(e, WL_EINVAL, "must be an address and a port, such as 127.0.0.1:8080 or [::1]:8080");
    memcpy(host, text + (v6 ? 1 : 0), n);
    host[n] = '\0';
    if (inet_pton(v6 ? AF_INET6 : AF_INET, host, bytes) != 1)
        return err_set(e, WL_EINVAL,
                       "must begin with a numeric address, such as 127.0.0.1 (this machine only) or 0.0.0.0 (all)");
    return keep_text(key, text, into, a, e);
}

static bool web_url(const char *text)
{
    struct str s = str_of(text);
    bool http = str_starts(s, STR("http://")), https = str_starts(s, STR("https://"));
    const char *host = text + (https ? 8 : 7);
    if (!(http || https) || *host == '\0' || *host == '/' || *host == ':')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == 0x7F)
            return false;
    return strcspn(host, "/") <= strcspn(host, "@"); /* no user:password@ */
}

static int read_url(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    if (!web_url(text))
        return err_set(e, WL_EINVAL, "must be an address beginning with http:// or https://, without a password in it");
    return keep_text(key, text, into, a, e);
}

static int read_origin(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == '/')
        n--;
    char *cut = arena_strndup(a, text, n);
    if (cut == NULL)
        return err_set(e, WL_ENOMEM, "is too long");
    if (strpbrk(cut, "?#") != NULL)
        return err_set(e, WL_EINVAL, "must be an address without '?' and '#'");
    return read_url(key, cut, into, a, e);
}

static int read_url_path(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    if (text[0] != '/' || text[1] == '\0' || strpbrk(text, " ?#%") != NULL)
        return err_set(e, WL_EINVAL, "must be a path such as /webhook");
    return keep_text(key, text, into, a, e);
}

static int read_bool(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    (void)key, (void)a;
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        return err_set(e, WL_EINVAL, "must be true or false");
    memcpy(into, &yes, sizeof yes);
    return 0;
}

static bool read_number(const struct config_key *key, const char *text, int64_t *ret)
{
    return str_i64(str_of(text), ret) && *ret >= key->min && *ret <= key->max;
}

static int read_count(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    (void)a;
    int64_t n;
    if (!read_number(key, text, &n))
        return err_set(e, WL_EINVAL, "must be a number from %lld to %lld", (long long)key->min, (long long)key->max);
    unsigned value = (unsigned)n;
    size_t items = (size_t)n;
    if (key->type == CONFIG_ITEMS)
        memcpy(into, &items, sizeof items);
    else
        memcpy(into, &value, sizeof value);
    return 0;
}

static int read_id(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    (void)a;
    int64_t n;
    if (!read_number(key, text, &n))
        return err_set(e, WL_EINVAL, "must be an id of digits, as Meta shows it (not the phone number)");
    memcpy(into, &n, sizeof n);
    return 0;
}

static const struct {
    const char *unit;
    int64_t bytes;
} size_units[] = {{"", 1},           {"B", 1},           {"kB", 1000},       {"KB", 1000},
                  {"MB", 1000000},   {"GB", 1000000000}, {"KiB", 1LL << 10}, {"MiB", 1LL << 20},
                  {"GiB", 1LL << 30}};

static bool size_parse(const char *text, int64_t *ret)
{
    size_t digits = strspn(text, "0123456789");
    int64_t n;
    if (!str_i64((struct str){text, digits}, &n))
        return false;
    const char *unit = text + digits + strspn(text + digits, " ");
    for (size_t i = 0; i < sizeof size_units / sizeof size_units[0]; i++)
        if (strcmp(unit, size_units[i].unit) == 0)
            return !__builtin_mul_overflow(n, size_units[i].bytes, ret);
    return false;
}

static int read_size(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    (void)a;
    int64_t n;
    if (!size_parse(text, &n))
        return err_set(e, WL_EINVAL, "must be a size such as 512KiB, 1MiB or 100MB");
    if (n < key->min || n > key->max)
        return err_set(e, WL_EINVAL, "must be from %lld to %lld bytes", (long long)key->min, (long long)key->max);
    size_t value = (size_t)n;
    memcpy(into, &value, sizeof value);
    return 0;
}

const char *config_duration_text(int64_t ms, char out[DURATION_TEXT])
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    size_t i = ms < 2 * units[0].ms; /* "24h", but "30d" */
    while (i < 4 && (ms == 0 || ms % units[i].ms != 0))
        i++;
    snprintf(out, DURATION_TEXT, "%lld%s", (long long)(ms / units[i].ms), ms == 0 ? "" : units[i].unit);
    return out;
}

static int read_duration(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    (void)a;
    int64_t ms, scale = key->type == CONFIG_SECONDS ? 1000 : 1;
    char least[DURATION_TEXT], most[DURATION_TEXT];
    struct yaml node = {.kind = YAML_SCALAR, .line = 1, .text = str_of(text), .key = str_of(key->path), .file = ""};
    if (yaml_duration(&node, &ms, NULL) != 0)
        return err_set(e, WL_EINVAL, "must be a duration such as 250ms, 30s, 5m, 24h or 30d");
    if (ms < key->min * scale || ms > key->max * scale)
        return err_set(e, WL_EINVAL, "must be from %s to %s", config_duration_text(key->min * scale, least),
                       config_duration_text(key->max * scale, most));
    if (ms % scale != 0)
        return err_set(e, WL_EINVAL, "must be whole seconds");
    unsigned seconds = (unsigned)(ms / 1000);
    if (key->type == CONFIG_SECONDS)
        memcpy(into, &seconds, sizeof seconds);
    else
        memcpy(into, &ms, sizeof ms);
    return 0;
}

static int read_paths(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    struct str rest = str_of(text);
    struct path_list list = {arena_new_array(a, char *, PATHS_MAX), 0};
    (void)key;
    while (rest.n > 0 && list.path != NULL) {
        struct str one = str_trim(str_cut(rest, ',', &rest));
        if (list.n == PATHS_MAX)
            return err_set(e, WL_EINVAL, "must be at most %d files", PATHS_MAX);
        if (one.n > 0 && (list.path[list.n++] = arena_strndup(a, one.p, one.n)) == NULL)
            list.path = NULL;
    }
    if (list.path == NULL)
        return err_set(e, WL_ENOMEM, "is too long");
    memcpy(into, &list, sizeof list);
    return 0;
}

static int read_word(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    (void)a;
    struct str rest = str_of(key->words);
    for (int i = 0; rest.n > 0; i++) {
        struct str word = str_cut(rest, ' ', &rest);
        if (str_eq(word, str_of(text))) {
            memcpy(into, &i, sizeof i);
            return 0;
        }
    }
    return err_set(e, WL_EINVAL, "must be one of: %s", key->words);
}

static int (*const readers[])(const struct config_key *, const char *, void *, struct arena *, struct err *) = {
    [CONFIG_SAYING] = read_saying, [CONFIG_METHODS] = read_methods,  [CONFIG_TEXT] = keep_text,
    [CONFIG_PATH] = keep_text,     [CONFIG_SECRET_FILE] = keep_text, [CONFIG_PATHS] = read_paths,
    [CONFIG_LAWS] = read_paths,    [CONFIG_STORE] = read_store,      [CONFIG_ADDRESS] = read_address,
    [CONFIG_ORIGIN] = read_origin, [CONFIG_URL] = read_url,          [CONFIG_URL_PATH] = read_url_path,
    [CONFIG_BOOL] = read_bool,     [CONFIG_COUNT] = read_count,      [CONFIG_ITEMS] = read_count,
    [CONFIG_SIZE] = read_size,     [CONFIG_MILLIS] = read_duration,  [CONFIG_SECONDS] = read_duration,
    [CONFIG_ID] = read_id,         [CONFIG_WORD] = read_word,
};

int config_value_read(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    return readers[key->type](key, text, into, a, e);
}

const char *config_path(struct arena *a, const char *base, const char *path)
{
    if (path[0] == '/' || base == NULL || *base == '\0')
        return arena_strdup(a, path);
    return arena_printf(a, "%s/%s", base, path);
}

const char *config_rules_file(struct arena *a)
{
    static const char name[] = "rules/whatsapp-platform.yaml";
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = '\0';
    /* Beside an installed program; the tree a build came from; where the build would have installed it. */
    const char *tries[] = {
        slash ? arena_printf(a, "%s/../share/wayleave/%s", exe, name) : NULL,
#ifdef WAYLEAVE_SOURCE_DATADIR
        arena_printf(a, "%s/%s", WAYLEAVE_SOURCE_DATADIR, name),
#endif
        arena_printf(a, "%s/%s", WAYLEAVE_DATADIR, name),
    };
    const size_t n_tries = sizeof tries / sizeof tries[0];
    for (size_t i = 0; i < n_tries; i++)
        if (tries[i] && access(tries[i], R_OK) == 0)
            return tries[i];
    return tries[n_tries - 1];
}

/* What stands beside the rules that came with the program. */
const char *config_shipped(struct arena *a, const char *name)
{
    struct str rules = str_of(config_rules_file(a)), own = STR("rules/whatsapp-platform.yaml");
    return arena_printf(a, "%.*s%s", (int)(rules.n - own.n), rules.p, name);
}

const char *config_law_file(struct arena *a, struct str name)
{
    const char *platform = config_rules_file(a), *slash = strrchr(platform, '/');
    bool law = name.n > 0 && name.n < 32;
    for (size_t i = 0; i < name.n; i++)
        law = law &&
              ((name.p[i] >= 'a' && name.p[i] <= 'z') || (name.p[i] >= '0' && name.p[i] <= '9') || name.p[i] == '-');
    return law ? arena_printf(a, "%.*s/law/%.*s.yaml", slash ? (int)(slash - platform) : 1, slash ? platform : ".",
                              (int)name.n, name.p)
               : NULL;
}

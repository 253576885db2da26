/* SPDX-License-Identifier: Apache-2.0
 * import_file.c - opens what is imported, and what failed is written to.
 *
 * What comes through a pipe is kept in an unnamed file, because it is read twice: for its SHA-256, which every consent it
 * brings is recorded with, and for its rows. The file of failures holds people's numbers: its owner alone may read it. */
#include "cmd/import_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/term.h"

/* NULL: errno says why. */
static FILE *open_twice(const char *path, bool piped)
{
    char bytes[16384];
    size_t n;
    FILE *from = piped ? stdin : fopen(path, "re");
    if (from == NULL || (!piped && fseek(from, 0, SEEK_SET) == 0))
        return from;
    FILE *kept = tmpfile();
    while (kept && (n = fread(bytes, 1, sizeof bytes, from)) > 0)
        fwrite(bytes, 1, n, kept);
    bool bad = kept == NULL || ferror(from) || ferror(kept) || fseek(kept, 0, SEEK_SET) != 0;
    if (!piped)
        fclose(from);
    if (bad && kept)
        fclose(kept);
    return bad ? NULL : kept;
}

int import_file_open(const char *path, struct import_file *ret)
{
    bool piped = strcmp(path, "-") == 0;
    const char *slash = strrchr(path, '/');
    char bytes[16384];
    uint8_t digest[SHA256_BYTES];
    size_t n;
    *ret = (struct import_file){.name = piped ? "standard input" : slash ? slash + 1 : path};
    if ((ret->in = open_twice(path, piped)) == NULL)
        return cmd_fail(CMD_FAILED, NULL, "%s cannot be read: %s", path, strerror(errno));
    struct sha256_state *s = sha256_begin();
    while ((n = fread(bytes, 1, sizeof bytes, ret->in)) > 0) {
        sha256_add(s, bytes, n);
        ret->bytes += (int64_t)n;
    }
    sha256_end(s, digest);
    hex_encode(digest, sizeof digest, ret->sha256);
    if (ferror(ret->in) || fseek(ret->in, 0, SEEK_SET) != 0)
        return cmd_fail(CMD_FAILED, NULL, "%s cannot be read to its end: %s", path, strerror(errno));
    return CMD_OK;
}

void import_file_close(struct import_file *f)
{
    if (f->in)
        fclose(f->in);
    f->in = NULL;
}

int import_errors_open(const struct import_file *f, const char *path, FILE **ret)
{
    struct stat in, out;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &out) != 0 || fstat(fileno(f->in), &in) != 0)
        return cmd_fail(CMD_FAILED, NULL, "%s cannot be written: %s", path, strerror(errno));
    bool same = in.st_dev == out.st_dev && in.st_ino == out.st_ino;
    if (same || ftruncate(fd, 0) != 0 || (*ret = fdopen(fd, "w")) == NULL) {
        close(fd);
        return cmd_fail(CMD_USAGE, "name another file", "%s %s", path,
                        same ? "is the file being imported" : "cannot be written");
    }
    return CMD_OK;
}

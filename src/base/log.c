/* SPDX-License-Identifier: Apache-2.0
 * log.c - lines to standard error.
 *
 * A line is built on the stack and leaves in one write(2), so lines of different threads never mix. It is at
 * most LINE bytes, the size a pipe takes whole. Control characters in the sentence become '?': text that came
 * from outside must not be able to start a line of its own or steer a terminal. errno survives. Rotation,
 * files and syslog are the service manager's business. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE 4096

static atomic_int most_level = LOG_INFO_LEVEL;

void log_set_level(enum log_level most)
{
    atomic_store_explicit(&most_level, (int)most, memory_order_relaxed);
}

void log_write(enum log_level level, const char *area, const char *fmt, ...)
{
    static const char *const names[] = {"ERROR", "WARN", "INFO", "DEBUG"};
    if ((int)level > atomic_load_explicit(&most_level, memory_order_relaxed))
        return;
    int saved = errno;
    char line[LINE], when[TIME_TEXT];
    int n = snprintf(line, sizeof line / 2, "%s %s %s: ", time_text(clock_now_ms(), when), names[level], area);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof line / 2 ? (size_t)n : sizeof line / 2 - 1;
    size_t room = sizeof line - 1 - len;
    va_list ap;
    va_start(ap, fmt);
    n = vsnprintf(line + len, room, fmt, ap);
    va_end(ap);
    len += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[len++] = '\n';
    ssize_t written;
    do
        written = write(STDERR_FILENO, line, len);
    while (written < 0 && errno == EINTR);
    errno = saved; /* and if nobody can be told, nobody is told */
}

char *log_mask(struct str number, char *out)
{
    bool plus = number.n > 0 && number.p[0] == '+';
    struct str s = plus ? (struct str){number.p + 1, number.n - 1} : number;
    /* Of a short number four characters would be most of it. */
    if (s.n < 8) {
        snprintf(out, LOG_MASK, "%s…", plus ? "+" : "");
        return out;
    }
    char shown[] = {s.p[0], s.p[1], s.p[s.n - 2], s.p[s.n - 1]};
    for (size_t i = 0; i < sizeof shown; i++)
        if (shown[i] <= 0x20 || shown[i] >= 0x7f)
            shown[i] = '?';
    snprintf(out, LOG_MASK, "%s%.2s…%.2s", plus ? "+" : "", shown, shown + 2);
    return out;
}

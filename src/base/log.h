/* SPDX-License-Identifier: Apache-2.0
 * log.h - one line an event to standard error, for operators.
 *
 * Lines are "TIME LEVEL area: sentence". Secrets and phone numbers never reach a log: pass numbers through
 * log_mask() and never log a token, a body or a query string. Only gateway, net, sandbox and cmd log; core
 * and store return errors instead. Thread-safe; a line is one write(2). */
#ifndef WL_BASE_LOG_H
#define WL_BASE_LOG_H

#include "base/buf.h"

enum log_level { LOG_ERROR_LEVEL, LOG_WARN_LEVEL, LOG_INFO_LEVEL, LOG_DEBUG_LEVEL };

void log_set_level(enum log_level most); /* default LOG_INFO_LEVEL */
void log_write(enum log_level level, const char *area, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define log_error(area, ...) log_write(LOG_ERROR_LEVEL, area, __VA_ARGS__)
#define log_warn(area, ...)  log_write(LOG_WARN_LEVEL, area, __VA_ARGS__)
#define log_info(area, ...)  log_write(LOG_INFO_LEVEL, area, __VA_ARGS__)
#define log_debug(area, ...) log_write(LOG_DEBUG_LEVEL, area, __VA_ARGS__)

/* "+5511…8877" -> "+55…77": enough to recognise, not to call. out holds >= 16 bytes. Returns out. */
#define LOG_MASK 16
char *log_mask(struct str number, char *out);

#endif

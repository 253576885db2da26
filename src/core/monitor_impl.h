/* SPDX-License-Identifier: Apache-2.0
 * monitor_impl.h - the curve of reactions.
 *
 * Shared by the tests that weigh people by it (monitor.c) and by whoever learns how quick a sender's people are (baseline.c). Nobody else
 * needs it: a monitor is asked, not computed by hand. */
#ifndef WL_CORE_MONITOR_IMPL_H
#define WL_CORE_MONITOR_IMPL_H

#include <stdint.h>

/* Share of all reactions that usually came within so many seconds of being sent to; 0..1, rising. */
double monitor_came_by(int64_t seconds);

#endif

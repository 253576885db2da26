/* SPDX-License-Identifier: Apache-2.0
 * number_sort.h - phone numbers, and any 64-bit integers, put in order, each once.
 *
 * Radix sort: time grows with how many there are and how many digits differ, not with how they lie. Pure; the
 * caller gives the second array. */
#ifndef WL_CORE_NUMBER_SORT_H
#define WL_CORE_NUMBER_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Sorts n numbers. scratch has room for n. The result lies in one of the two arrays, which is returned. */
uint64_t *number_sort(uint64_t *number, uint64_t *scratch, size_t n);
/* Leaves each of n sorted numbers once; how many are left. */
size_t number_unique(uint64_t *number, size_t n);

#endif

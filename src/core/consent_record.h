/* SPDX-License-Identifier: Apache-2.0
 * consent_record.h - a consent event as a record for others: one JSON text, always the same bytes for the same event.
 *
 * Names as in ISO/IEC TS 27560 and its W3C DPV mapping where they exist (docs/ledger.md lists them). The ledger's leaf commits to
 * these bytes, so a change of how they are written is a new `schema_version`, and old ones are written the old way for ever. */
#ifndef WL_CORE_CONSENT_RECORD_H
#define WL_CORE_CONSENT_RECORD_H

#include "core/consent.h"

#define CONSENT_RECORD_MAX 65536

struct consent_record {
    struct str id;      /* store_id_text() */
    struct str subject; /* "phone:15550001111", "user_id:US.123" */
    struct consent_event event;
    int64_t recorded_at;
    struct str method, source, language, evidence, actor, business, policy, jurisdiction;
    const uint8_t *notice; /* SHA-256 of the wording shown; NULL: none was */
    int64_t sender;        /* 0 all */
};
/* WL_ETOOBIG past CONSENT_RECORD_MAX. */
int consent_record_write(const struct consent_record *r, struct buf *out, struct err *e);

#endif

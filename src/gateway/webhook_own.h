/* SPDX-License-Identifier: Apache-2.0
 * webhook_own.h - how what we post ourselves is known again at our own door, and is no webhook of Meta's.
 *
 * Two things come: what `wayleave doctor` tries the door with, which says nothing and is not kept, and what the fan-out handed
 * to an address that turned out to be ours, which would go round for ever. The first proves itself with the app secret, the
 * second carries a word made from a key that only this gateway has: behind another gateway it is a webhook like any. */
#ifndef WL_GATEWAY_WEBHOOK_OWN_H
#define WL_GATEWAY_WEBHOOK_OWN_H

#include "base/digest.h"

#define WEBHOOK_PROBE_HEADER "Wayleave-Probe"
#define WEBHOOK_PROBE_BODY   "{\"object\":\"whatsapp_business_account\",\"entry\":[]}" /* the only one there is */
#define WEBHOOK_VIA_HEADER   "Wayleave-Via"
#define WEBHOOK_VIA          33 /* with the NUL */

/* The header of a probe, from the secret of an app. It is no signature of any body. */
void webhook_probe_proof(struct str secret, char out[SHA256_HEX]);
/* What the fan-out's posts carry; `key` is mark_key. */
void webhook_via(const uint8_t key[32], char out[WEBHOOK_VIA]);

#endif

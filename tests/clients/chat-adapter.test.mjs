// SPDX-License-Identifier: Apache-2.0
// @chat-adapter/whatsapp (the Chat SDK's adapter): base URL in apiUrl. It downloads media only over https from
// public addresses, so downloading is not asked of it here.

import assert from "node:assert/strict";
import { bodyComponent, exercise, picture, rig } from "./exercise.mjs";

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

async function make() {
  const { createWhatsAppAdapter, WhatsAppApiError } = await import("@chat-adapter/whatsapp");
  const adapter = createWhatsAppAdapter({
    accessToken: rig.token,
    apiUrl: rig.base,
    appSecret: "unused",
    logger: silent,
    phoneNumberId: rig.phoneId,
    verifyToken: "unused",
  });
  const thread = (to) => adapter.encodeThreadId({ phoneNumberId: rig.phoneId, userWaId: to });
  const dot = { data: picture, filename: "dot.png", mimeType: "image/png" };
  return {
    text: async (to) => (await adapter.postMessage(thread(to), "hello")).id,
    template: async (to) => {
      const { name, language } = rig.template;
      return (await adapter.sendTemplate(thread(to), { name, language, components: bodyComponent })).id;
    },
    media: async (to) => (await adapter.postMessage(thread(to), { markdown: "", files: [dot] })).id,
    refused: (error) => {
      assert.ok(error instanceof WhatsAppApiError, `${error}`);
      assert.equal(error.status, 400);
      assert.equal(error.errorCode, 131050);
      assert.match(error.providerMessage, /131050/);
      assert.ok(error.details, "the reason is in error_data.details");
    },
  };
}

exercise("@chat-adapter/whatsapp", 3, { least: 20 }, make);

// SPDX-License-Identifier: Apache-2.0
// whatsapp 0.0.5-Alpha, Meta's own SDK. WA_BASE_URL is a host and nothing else: always https, always port 443,
// bodies always chunked. It has no media upload of its own; the picture goes up by a plain request and is sent by
// its id. A refusal is an ordinary answer with status 400 to it.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { bodyComponent, exercise, isRefusal, picture, rig } from "./exercise.mjs";

async function idOf(pending) {
  const answer = await pending;
  const body = await answer.responseBodyToJSON();
  return answer.statusCode() === 200 ? body.messages[0].id : { status: answer.statusCode(), body };
}

async function upload() {
  const form = new FormData();
  form.set("messaging_product", "whatsapp");
  form.set("type", "image/png");
  form.set("file", new Blob([picture], { type: "image/png" }), "dot.png");
  const headers = { Authorization: `Bearer ${rig.token}` };
  const answer = await fetch(`${rig.base}/v21.0/${rig.phoneId}/media`, { method: "POST", headers, body: form });
  return (await answer.json()).id;
}

async function make() {
  Object.assign(process.env, {
    NODE_ENV: "production",
    WA_BASE_URL: rig.tlsHost,
    M4D_APP_ID: "1",
    M4D_APP_SECRET: "unused",
    WA_PHONE_NUMBER_ID: rig.phoneId,
    WA_BUSINESS_ACCOUNT_ID: rig.wabaId,
    CLOUD_API_ACCESS_TOKEN: rig.token,
    CLOUD_API_VERSION: "v21.0",
    WEBHOOK_ENDPOINT: "unused",
    WEBHOOK_VERIFICATION_TOKEN: "unused",
    REQUEST_TIMEOUT: "20000",
  });
  const WhatsApp = createRequire(import.meta.url)("whatsapp");
  const sdk = new WhatsApp(Number(rig.phoneId));
  const language = { policy: "deterministic", code: rig.template.language };
  return {
    quiet: true,
    text: (to) => idOf(sdk.messages.text({ body: "hello" }, to)),
    template: (to) => idOf(sdk.messages.template({ name: rig.template.name, language, components: bodyComponent }, to)),
    media: async (to) => idOf(sdk.messages.image({ id: await upload() }, to)),
    refused: (outcome) => {
      assert.equal(outcome.status, 400);
      isRefusal(outcome.body.error);
    },
  };
}

const absent = rig.tlsHost ? false : process.env.TLS_ABSENT || "nothing listens on port 443 of a loopback address";
exercise("whatsapp 0.0.5-Alpha", 6, { absent }, make);

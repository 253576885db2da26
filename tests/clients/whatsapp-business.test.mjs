// SPDX-License-Identifier: Apache-2.0
// whatsapp-business (axios) has its base URL compiled in; its HTTP client's defaults can be changed after.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { bodyComponent, exercise, isRefusal, pictureFile, rig } from "./exercise.mjs";

async function make() {
  const { WABAClient } = createRequire(import.meta.url)("whatsapp-business");
  const client = new WABAClient({ accountId: rig.wabaId, apiToken: rig.token, phoneId: rig.phoneId });
  client.restClient.fetch.defaults.baseURL = `${rig.base}/v17.0`;
  const send = async (message) => (await client.sendMessage(message)).messages[0].id;
  const language = { code: rig.template.language, policy: "deterministic" };
  return {
    text: (to) => send({ to, type: "text", text: { body: "hello" } }),
    template: (to) => send({ to, type: "template", template: { name: rig.template.name, language, components: bodyComponent } }),
    media: async (to) => {
      const { id } = await client.uploadMedia({ file: pictureFile(), type: "image/png" });
      return send({ to, type: "image", image: { id } });
    },
    refused: (error) => {
      assert.ok(!(error instanceof TypeError), `${error}`);
      isRefusal(error.error ?? error);
    },
  };
}

exercise("whatsapp-business", 5, {}, make);

// SPDX-License-Identifier: Apache-2.0
// @kapso/whatsapp-cloud-api: a base URL in the constructor; sends `to` with a plus sign as it was given.

import assert from "node:assert/strict";
import { bodyComponent, exercise, picture, rig } from "./exercise.mjs";

const phoneNumberId = rig.phoneId;
const idOf = (answer) => answer.messages[0].id;

async function make() {
  const { WhatsAppClient, GraphApiError } = await import("@kapso/whatsapp-cloud-api");
  const client = new WhatsAppClient({ baseUrl: rig.base, accessToken: rig.token, graphVersion: "v23.0" });
  const upload = () =>
    client.media.upload({ phoneNumberId, type: "image/png", file: new Blob([picture], { type: "image/png" }), fileName: "dot.png" });
  return {
    client,
    upload,
    text: async (to) => idOf(await client.messages.sendText({ phoneNumberId, to: `+${to}`, body: "hello" })),
    template: async (to) =>
      idOf(
        await client.messages.sendTemplate({
          phoneNumberId,
          to: `+${to}`,
          template: { name: rig.template.name, language: { code: rig.template.language }, components: bodyComponent },
        }),
      ),
    media: async (to) => {
      const { id } = await upload();
      return idOf(await client.messages.sendImage({ phoneNumberId, to: `+${to}`, image: { id } }));
    },
    refused: (error) => {
      assert.ok(error instanceof GraphApiError, `${error}`);
      assert.equal(error.httpStatus, 400);
      assert.equal(error.code, 131050);
      assert.ok(error.details, "the reason is in error_data.details");
    },
  };
}

exercise("@kapso/whatsapp-cloud-api", 0, { least: 20 }, make, {
  // Several clients fetch media from Meta's hosts or from their base URL only.
  "an upload comes back byte for byte, from the gateway's own origin": async ({ client, upload }) => {
    const { id } = await upload();
    const { url } = await client.media.get({ mediaId: id, phoneNumberId });
    assert.equal(new URL(url).origin, new URL(rig.base).origin);
    const bytes = await client.media.download({ mediaId: id, phoneNumberId, auth: "always" });
    assert.deepEqual(Buffer.from(bytes), picture);
  },
});

// SPDX-License-Identifier: Apache-2.0
// @great-detail/whatsapp, two majors. 8 takes prefixUrl. 9 takes baseUrl and loses the version on the way
// (POST /{phone}/messages): the gateway must accept unversioned paths.

import assert from "node:assert/strict";
import { bodyComponent, exercise, picture, rig } from "./exercise.mjs";

const phoneNumberID = rig.phoneId;

const make = (packageName, address) => async () => {
  const { default: Client } = await import(packageName);
  const sdk = new Client({ ...address, request: { headers: { Authorization: `Bearer ${rig.token}` } } });
  const bodyOf = (answer) => (typeof answer.json === "function" ? answer.json() : answer);
  const send = async (message) => {
    const body = await bodyOf(await sdk.message.createMessage({ phoneNumberID, ...message }));
    return body.messages[0].id;
  };
  return {
    text: (to) => send({ to, type: "text", text: { body: "hello" } }),
    template: (to) =>
      send({
        to,
        type: "template",
        template: { name: rig.template.name, language: { code: rig.template.language }, components: bodyComponent },
      }),
    media: async (to) => {
      const { File } = await import("node:buffer");
      const file = new File([picture], "dot.png", { type: "image/png" });
      const { id } = await bodyOf(await sdk.media.upload({ phoneNumberID, mimeType: "image/png", filename: "dot.png", file }));
      return send({ to, type: "image", image: { id } });
    },
    refused: (error) => {
      assert.equal(error.name, "HTTPError", `${error}`);
      assert.equal(error.response.status, 400);
    },
  };
};

exercise("@great-detail/whatsapp 8", 1, { least: 20 }, make("@great-detail/whatsapp", { prefixUrl: rig.base }));
exercise("@great-detail/whatsapp 9", 2, { least: 22 }, make("great-detail-whatsapp-9", { baseUrl: rig.base }));

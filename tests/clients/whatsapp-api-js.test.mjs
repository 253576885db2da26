// SPDX-License-Identifier: Apache-2.0
// whatsapp-api-js has no base URL; its fetch can be replaced. It returns a refusal instead of throwing it.

import assert from "node:assert/strict";
import { bodyComponent, exercise, isRefusal, picture, rig } from "./exercise.mjs";

async function make() {
  const { WhatsAppAPI } = await import("whatsapp-api-js");
  const { Text, Image, Template, Language, BodyComponent, BodyParameter } = await import("whatsapp-api-js/messages");
  const api = new WhatsAppAPI({
    token: rig.token,
    secure: false,
    v: "v23.0",
    ponyfill: { fetch: (url, init) => fetch(String(url).replace("https://graph.facebook.com", rig.base), init) },
  });
  const send = async (to, message) => {
    const answer = await api.sendMessage(rig.phoneId, { phone: to }, message, undefined, "order-17");
    return "error" in answer ? answer : answer.messages[0].id;
  };
  const parameter = new BodyParameter(bodyComponent[0].parameters[0].text);
  return {
    quiet: true,
    text: (to) => send(to, new Text("hello")),
    template: (to) => send(to, new Template(rig.template.name, new Language(rig.template.language), new BodyComponent(parameter))),
    media: async (to) => {
      const form = new FormData();
      form.set("file", new Blob([picture], { type: "image/png" }), "dot.png");
      const { id } = await api.uploadMedia(rig.phoneId, form);
      return send(to, new Image(id, true));
    },
    refused: (answer) => {
      isRefusal(answer.error);
      assert.equal(answer.error.type, "OAuthException");
    },
  };
}

exercise("whatsapp-api-js", 4, { least: 20 }, make);

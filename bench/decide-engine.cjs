// SPDX-License-Identifier: Apache-2.0
// Asks Cedar about the messages bench/decide wrote. Policies are parsed once; a call is what an application makes for each
// message: the facts as a context, back comes the list of policies that forbid. It must be as long as decide() says.
"use strict";
const fs = require("fs");
const cedar = require("@cedar-policy/cedar-wasm/nodejs");

const { policies, messages, decide } = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const parsed = cedar.preparsePolicySet("rules", { staticPolicies: policies });
if (parsed.type !== "success") {
  throw new Error(JSON.stringify(parsed).slice(0, 500));
}

const calls = messages.map((m) => ({
  principal: { type: "App", id: "a" },
  action: { type: "Action", id: "send" },
  resource: { type: "Person", id: "p" },
  context: m.context,
  entities: [],
  preparsedPolicySetId: "rules",
}));

let wrong = 0;
calls.forEach((call, i) => {
  const answer = cedar.statefulIsAuthorized(call);
  if (answer.type !== "success" || answer.response.diagnostics.errors.length > 0) {
    throw new Error(JSON.stringify(answer).slice(0, 500));
  }
  wrong += answer.response.diagnostics.reason.length !== messages[i].true;
});
if (wrong > 0) {
  throw new Error(`${wrong} of ${messages.length} messages are answered otherwise`);
}

let best = 0;
for (let turn = 0; turn < 5; turn++) {
  const start = process.cpuUsage();
  for (const call of calls) {
    cedar.statefulIsAuthorized(call);
  }
  const used = process.cpuUsage(start);
  best = Math.max(best, (calls.length / (used.user + used.system)) * 1e6);
}
const rules = Object.keys(policies).length;
console.log(`cedar, ${rules} of the rules          ${Math.round(best)} decisions/s   ${(decide / best).toFixed(0)} times slower than decide() with all`);

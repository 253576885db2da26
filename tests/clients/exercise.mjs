// SPDX-License-Identifier: Apache-2.0
// The same five questions to every client: does text pass, a template, an uploaded picture sent by its id; does
// a refusal reach the program as this client's own kind of error; is a message that was answered with success
// really on the other side. How each is asked is the client file's business; the rig's facts come from the
// environment (tests/scenarios/rig.py sets it).

import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; run tests/clients/run`);
  return value;
}

export const rig = {
  base: need("BASE_URL").replace(/\/$/, ""),
  tlsHost: process.env.TLS_HOST || "", // host alone, https on port 443
  token: need("TOKEN"),
  phoneId: need("PHONE_ID"),
  wabaId: need("WABA_ID"),
  sandbox: need("SANDBOX_URL").replace(/\/$/, ""),
  people: need("PEOPLE").split(","), // digits; consent for marketing, and wrote within the hour
  stranger: need("STRANGER"), // digits; no consent, never wrote
  template: { name: need("TEMPLATE"), language: need("TEMPLATE_LANGUAGE"), parameter: "Ana" },
};

// The smallest PNG there is: one transparent pixel.
export const picture = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);

export function pictureFile() {
  const path = join(mkdtempSync(join(tmpdir(), "wayleave-client-")), "dot.png");
  writeFileSync(path, picture);
  return path;
}

export const bodyComponent = [{ type: "body", parameters: [{ type: "text", text: rig.template.parameter }] }];

/** What the sandbox holds for a message id, or undefined. */
async function ledgerEntry(wamid) {
  const answer = await fetch(`${rig.sandbox}/_sandbox/ledger?wamid=${encodeURIComponent(wamid)}`);
  assert.equal(answer.status, 200, `the sandbox's ledger answered ${answer.status}`);
  return (await answer.json()).data.find((row) => row.wamid === wamid);
}

async function arrived(id, to) {
  assert.match(String(id), /^wamid\./, "the client did not get a message id");
  const entry = await ledgerEntry(id);
  assert.ok(entry, `${id} was answered with success but never reached the platform`);
  assert.equal(String(entry.to).replace(/\D/g, ""), to);
}

/**
 * @param {string} name    the package, as it appears in the report
 * @param {number} person  which of the rig's people this client writes to (each has one, for the pair limits)
 * @param {object} needs   least: lowest Node major; absent: why it cannot run here, if so
 * @param {Function} make  resolves to the client, loaded only where it can run:
 *                         text(to), template(to), media(to): resolve to a message id;
 *                         refused(outcome): asserts on what template() threw, or returned for clients that return errors;
 *                         quiet: true for clients that return the error instead of throwing it;
 *                         more: further tests by name
 */
export function exercise(name, person, needs, make, more = {}) {
  const major = Number(process.versions.node.split(".")[0]);
  const skip = needs.absent || (needs.least > major ? `needs Node ${needs.least}, this is ${process.versions.node}` : false);
  const to = rig.people[person];
  let made;
  const run = (what, body) =>
    test(`${name}: ${what}`, { skip, timeout: 30_000 }, async () => body(await (made ??= make())));

  run("text", async (client) => arrived(await client.text(to), to));
  run("template", async (client) => arrived(await client.template(to), to));
  run("media", async (client) => arrived(await client.media(to), to));
  run("a refusal is this client's own error", async (client) => {
    let outcome;
    let threw = false;
    try {
      outcome = await client.template(rig.stranger);
    } catch (error) {
      outcome = error;
      threw = true;
    }
    assert.equal(threw, !client.quiet, threw ? `it threw ${outcome}` : `no error came up; got ${JSON.stringify(outcome)}`);
    await client.refused(outcome);
  });
  for (const [what, body] of Object.entries(more)) run(what, body);
}

/** Asserts on the Graph error object itself, which every client carries somewhere. */
export function isRefusal(error) {
  assert.ok(error, "the Graph error is missing");
  assert.equal(error.code, 131050);
  assert.equal(typeof error.message, "string");
  assert.match(error.message, /131050/);
}

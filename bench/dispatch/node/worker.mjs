// SPDX-License-Identifier: Apache-2.0
// What people use today: BullMQ on Redis, one queue per number with the queue's own limiter, and a client library.
//
//   worker.mjs fill N PREFIX FIRST           puts N jobs into the queues (in bulk), prints how fast
//   worker.mjs work CONCURRENCY LIMIT N      works until N jobs are done, prints how fast; LIMIT messages a second and number
//
// Environment: REDIS_PORT, UPSTREAM (http://127.0.0.1:PORT), NUMBERS (ids with commas), TOKEN.
// Jobs are retried three times with exponential backoff, as the manual of the library recommends; completed jobs are removed.

import { Queue, Worker } from "bullmq";
import { WhatsAppAPI } from "whatsapp-api-js";
import { BodyComponent, BodyParameter, Language, Template } from "whatsapp-api-js/messages";

const { REDIS_PORT, UPSTREAM, NUMBERS, TOKEN = "sandbox-token" } = process.env;
const numbers = NUMBERS.split(",");
const connection = { host: "127.0.0.1", port: Number(REDIS_PORT), maxRetriesPerRequest: null };
const name = (number) => `send-${number}`;
const [, , verb, ...rest] = process.argv;
const say = (v) => process.stdout.write(JSON.stringify(v) + "\n");

async function fill(n, prefix, first) {
  const options = { attempts: 3, backoff: { type: "exponential", delay: 1000 }, removeOnComplete: true, removeOnFail: 1000 };
  const queues = numbers.map((number) => new Queue(name(number), { connection }));
  const start = performance.now();
  for (let at = 0; at < n; at += numbers.length * 200) {
    const end = Math.min(n, at + numbers.length * 200);
    const jobs = numbers.map(() => []);
    for (let i = at; i < end; i++) {
      const data = { to: prefix + String(first + i).padStart(8, "0"), code: String(i % 1000000).padStart(6, "0") };
      jobs[i % numbers.length].push({ name: "send", data, opts: options });
    }
    await Promise.all(queues.map((q, k) => q.addBulk(jobs[k])));
  }
  const seconds = (performance.now() - start) / 1000;
  say({ filled: n, seconds, per_s: Math.round(n / seconds) });
  await Promise.all(queues.map((q) => q.close()));
}

async function work(concurrency, limit, n) {
  const api = new WhatsAppAPI({
    token: TOKEN,
    secure: false,
    v: "v25.0",
    ponyfill: { fetch: (url, init) => fetch(String(url).replace("https://graph.facebook.com", UPSTREAM), init) },
  });
  let done = 0, failed = 0;
  const finished = new Promise((resolve) => {
    const count = () => ++done + failed >= n && resolve();
    for (const number of numbers) {
      const worker = new Worker(
        name(number),
        async (job) => {
          const template = new Template("order_ready", new Language("en_US"), new BodyComponent(new BodyParameter(job.data.code)));
          const answer = await api.sendMessage(number, { phone: job.data.to }, template);
          if ("error" in answer) throw new Error(answer.error.message);
          return answer.messages[0].id;
        },
        { connection, concurrency, limiter: limit > 0 ? { max: limit, duration: 1000 } : undefined },
      );
      worker.on("completed", count);
      worker.on("failed", (job) => { if (job && job.attemptsMade >= 3) { failed++; done--; count(); } });
      worker.on("error", () => {});
    }
  });
  const start = performance.now();
  say({ ready: true });
  await finished;
  const seconds = (performance.now() - start) / 1000;
  say({ done, failed, seconds, per_s: Math.round(done / seconds) });
  process.exit(0);
}

if (verb === "fill") await fill(Number(rest[0]), rest[1], Number(rest[2]));
else if (verb === "work") await work(Number(rest[0]), Number(rest[1]), Number(rest[2]));
else process.exit(2);

// SPDX-License-Identifier: Apache-2.0
// A webhook receiver as applications have it: checks the signature, puts the body on a queue in Redis, answers when Redis has.
// PORT, SECRET, REDIS_PORT and COMMAND (xadd, lpush) come from the environment.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import Redis from "ioredis";

const { PORT, SECRET, REDIS_PORT, COMMAND } = process.env;
const redis = new Redis({ port: Number(REDIS_PORT), host: "127.0.0.1", enableAutoPipelining: true });
const put = COMMAND === "lpush" ? (body) => redis.lpush("webhooks", body) : (body) => redis.xadd("webhooks", "*", "body", body);

createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", async () => {
    const body = Buffer.concat(pieces);
    const ours = Buffer.from("sha256=" + createHmac("sha256", SECRET).update(body).digest("hex"));
    const theirs = Buffer.from(request.headers["x-hub-signature-256"] ?? "");
    if (theirs.length !== ours.length || !timingSafeEqual(theirs, ours)) {
      response.writeHead(401).end();
      return;
    }
    try {
      await put(body);
      response.writeHead(200, { "Content-Length": 0 }).end();
    } catch {
      response.writeHead(503).end();
    }
  });
}).listen(Number(PORT), "127.0.0.1");

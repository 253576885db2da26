// SPDX-License-Identifier: Apache-2.0
// The other side for test_http_client: an HTTP/2 server, an HTTPS server without HTTP/2 and a plain one, with paths that
// misbehave as servers do. Arguments: key and certificate. Prints the three ports, ends with standard input.
'use strict';
const fs = require('fs'), http = require('http'), https = require('https'), http2 = require('http2');
const tls = { key: fs.readFileSync(process.argv[2]), cert: fs.readFileSync(process.argv[3]) };
const seen = {};
let open = 0, most = 0;

function big(res, n) {
  const piece = Buffer.alloc(65536, 'y');
  (function more() {
    while (n > 0) {
      const part = piece.subarray(0, Math.min(n, piece.length));
      n -= part.length;
      if (!res.write(part)) return res.once('drain', more);
    }
    res.end();
  })();
}

function handle(req, res) {
  const url = new URL(req.url, 'http://x'), path = url.pathname;
  seen[path] = (seen[path] || 0) + 1;
  const session = req.stream && req.stream.session;
  const paths = {
    '/big': () => { res.writeHead(200, { 'content-type': 'text/plain' }); big(res, Number(url.searchParams.get('n'))); },
    '/half': () => { res.writeHead(200); res.write('half'); setTimeout(() => (session ? session.destroy() : res.destroy()), 50); },
    '/never': () => {},
    '/slow': () => { most = Math.max(most, ++open); setTimeout(() => { open--; res.end('slow'); }, 20); },
    '/most': () => res.end(String(most)),
    '/seen': () => res.end(String(seen[url.searchParams.get('of')] || 0)),
    '/refuse': () => req.stream.close(http2.constants.NGHTTP2_REFUSED_STREAM),
    '/reset': () => req.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR),
    '/die': () => (session ? session.destroy() : req.socket.destroy()),
    '/refuse-once': () => (seen[path] === 1 ? req.stream.close(http2.constants.NGHTTP2_REFUSED_STREAM) : res.end('at last')),
    '/goaway-above': () => (seen[path] === 1 ? session.goaway(0, Math.max(0, req.stream.id - 2)) : res.end('at last')),
    '/goaway-at': () => { session.goaway(0, req.stream.id); setTimeout(() => res.end('still answered'), 50); },
    '/hints': () => { res.writeEarlyHints({ link: '</x>; rel=preload' }); res.end('after hints'); },
    '/early': () => { res.writeHead(413); res.end('too much'); },
    '/empty': () => { res.writeHead(204); res.end(); },
  };
  if (paths[path]) return paths[path]();
  let n = 0, sum = 0;
  const parts = [];
  req.on('data', (d) => { n += d.length; if (path !== '/sink') parts.push(d); sum = (sum + d[0] + d[d.length - 1]) & 65535; });
  req.on('end', () => {
    if (path === '/sink') return res.end(String(n));
    res.setHeader('X-Two', ['one', 'two']);
    res.end(JSON.stringify({ method: req.method, url: req.url, version: req.httpVersion, headers: req.headers,
      body: Buffer.concat(parts).toString() }));
  });
}

const servers = [
  http2.createSecureServer({ ...tls, settings: { maxConcurrentStreams: 10 } }, handle),
  https.createServer(tls, handle),
  http.createServer(handle),
];
let left = servers.length;
for (const s of servers) {
  s.on('sessionError', () => {});
  s.on('clientError', () => {});
  s.listen(0, '127.0.0.1', () => { if (--left === 0) console.log(servers.map((x) => x.address().port).join(' ')); });
}
process.on('uncaughtException', () => {});
process.stdin.on('data', () => {});
process.stdin.on('end', () => process.exit(0));

// The agent of the proof: asks hostile destinations for every form of what it must not see, and keeps every byte that it gets.
import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import http2 from "node:http2";
import https from "node:https";

const { seed, count, concurrency, kinds, forms, places, codings, placeholder } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const out = openSync("received.bin", "w");
const tally = { answered: 0, refused: 0, broken: 0, sockets: 0 };
const keep = (...parts) => { for (const part of parts) writeSync(out, part); };

let state = seed >>> 0;
function random(limit) {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
}
const oneOf = (list) => list[random(list.length)];

function plan(index) {
  const kind = oneOf(kinds);
  const asked = new URLSearchParams({ i: index, f: oneOf(forms), p: oneOf(places), c: oneOf(codings) });
  const request = { host: `${kind}.canary.test`, method: "GET", path: `/e?${asked}`, headers: {}, body: undefined };
  if (kind === "sigv4") {
    const now = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
    request.headers = { "x-amz-date": now, authorization: `AWS4-HMAC-SHA256 Credential=AKIAWEIRDUMMY2345678/${now.slice(0, 8)}/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=${"0".repeat(64)}` };
  }
  if (kind === "placeholder") place(request, random(4));
  return request;
}

function place(request, where) {
  if (where === 0) request.headers["x-token"] = `Token ${placeholder}`;
  if (where === 1) request.path = request.path.replace("/e?", `/e/${placeholder}/x?`);
  if (where === 2) request.path += `&t=${placeholder}`;
  if (where !== 3) return;
  request.method = "POST";
  request.body = JSON.stringify({ token: placeholder, more: [1, { deep: placeholder }] });
  request.headers = { "content-type": "application/json", "content-length": String(Buffer.byteLength(request.body)) };
}

const pool = new https.Agent({ keepAlive: true, maxSockets: 6 });
const tapped = new WeakSet();
function tap(socket) {
  if (tapped.has(socket)) return;
  tapped.add(socket);
  socket.on("data", (bytes) => { keep(bytes); });
}

/** Over HTTP/1.1: every byte of the connection, and each body once more in one piece. */
async function overHttp1({ host, method, path, headers, body }) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const sent = https.request({ host, method, path, headers, agent: pool }, (answer) => {
    const chunks = [];
    answer.on("data", (bytes) => { chunks.push(bytes); });
    answer.on("close", () => {
      keep(...chunks, "\n", JSON.stringify(answer.rawTrailers), "\n");
      resolve(answer.statusCode);
    });
    answer.on("error", () => {});
  });
  sent.on("socket", tap).on("error", reject).end(body);
  return promise;
}

const sessions = new Map();
function session(host) {
  let open = sessions.get(host);
  if (open === undefined || open.closed || open.destroyed) {
    open = http2.connect(`https://${host}`);
    open.on("error", () => {});
    sessions.set(host, open);
  }
  return open;
}

/** Over HTTP/2, many at once on one connection. */
async function overHttp2({ host, method, path, headers, body }) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const stream = session(host).request({ ":method": method, ":path": path, ...headers });
  const chunks = [];
  let status = 0;
  const note = (fields) => { keep(JSON.stringify(fields), "\n"); };
  stream.on("headers", note).on("trailers", note).on("response", (fields) => { status = fields[":status"]; note(fields); });
  stream.on("data", (bytes) => { chunks.push(bytes); });
  stream.on("error", () => {}).on("close", () => {
    keep(...chunks, "\n");
    if (status === 0) reject(new Error("no answer"));
    else resolve(status);
  });
  stream.end(body);
  return promise;
}

/** A WebSocket: every byte, and what its messages say in one piece. */
async function overWebSocket(host, path, text) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const headers = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
  const sent = https.request({ host, path, headers });
  sent.on("response", (answer) => { answer.resume(); reject(new Error(`refused with ${answer.statusCode}`)); }).on("error", reject);
  sent.on("upgrade", (_answer, socket, first) => {
    const chunks = [first];
    socket.on("data", (bytes) => { chunks.push(bytes); }).on("error", () => {}).on("close", () => {
      const all = Buffer.concat(chunks);
      keep(all, "\n", payloads(all), "\n");
      resolve(101);
    });
    const payload = Buffer.from(text);
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
  });
  sent.end();
  return promise;
}

function payloads(bytes) {
  const said = [[], []];
  for (let at = 0; at + 2 <= bytes.length;) {
    const short = bytes[at + 1] & 0x7f;
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    const length = extra === 0 ? short : extra === 2 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    said[bytes[at] & 0x08 ? 1 : 0].push(bytes.subarray(at + 2 + extra, at + 2 + extra + length));
    at += 2 + extra + length;
  }
  return Buffer.concat(said.flat());
}

async function ask(index) {
  const dice = random(100);
  const request = plan(index);
  if (dice < 4) {
    tally.sockets += 1;
    const kind = oneOf(["header", "placeholder"]);
    return overWebSocket(`${kind}.canary.test`, `/e?f=${oneOf(forms)}`, kind === "placeholder" ? `{"token":"${placeholder}"}` : "hello");
  }
  return dice < 25 ? overHttp2(request) : overHttp1(request);
}

let next = 0;
async function work() {
  while (next < count) {
    next += 1;
    try {
      const status = await ask(next);
      tally[status === 403 ? "refused" : "answered"] += 1;
    } catch {
      tally.broken += 1;
    }
  }
}

await Promise.all(Array.from({ length: concurrency }, work));
closeSync(out);
console.log(JSON.stringify(tally));
writeFileSync("done", "");
// Until its memory has been looked at.
while (!existsSync("go")) await new Promise((resolve) => { setTimeout(resolve, 100); });
process.exit(0);

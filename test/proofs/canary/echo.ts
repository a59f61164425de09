import { randomInt } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { writeFrame } from "../../../proxy/exchange/frame-header.ts";
import { acceptFor } from "../../../proxy/exchange/web-socket-handshake.ts";
import type { Stage } from "../../support/stage.ts";
import { FORMS } from "./forms.ts";
import { hostOf, type LentSecrets, type LentValue } from "./lent.ts";

type Request = Http2ServerRequest | IncomingMessage;
type Response = Http2ServerResponse & ServerResponse;

export const CODINGS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  identity: (body) => body, gzip: (body) => gzipSync(body), deflate: (body) => deflateSync(body), "deflate-raw": (body) => deflateRawSync(body),
  br: (body) => brotliCompressSync(body), zstd: (body) => zstdCompressSync(body), "gzip, br": (body) => brotliCompressSync(gzipSync(body)),
};

/** Where in an answer the secret is given back. */
export const PLACES = ["length", "pieces", "bytes", "events", "header", "field-name", "location", "set-cookie", "authenticate", "trailer", "hints", "error", "not-found", "cut", "half-compressed"] as const;
type Place = (typeof PLACES)[number];

/** What the hostile destination counted. */
export interface Echoes {
  /** Answers that had a secret in them and were not ended half-way; of WebSockets, connections. */
  given: number;
  /** Requests of which no secret was to be seen. */
  bare: number;
  certificates: number;
  close(): void;
}

/** A destination that gives back every secret it is sent, in the way that the request asks for. */
export async function startEcho(stage: Stage, lent: LentSecrets): Promise<Echoes> {
  const leaf = await stage.authority.leaf(lent.kinds.map(hostOf));
  const server = createSecureServer({ cert: leaf.certPem, key: leaf.keyPem, allowHTTP1: true, requestCert: true, rejectUnauthorized: false });
  const echoes: Echoes = { given: 0, bare: 0, certificates: 0, close: () => { server.close(); } };
  const noteSecret = (request: Request, body: string): LentValue | null => {
    const { host, haystack } = wordsOf(request, body);
    if (host === hostOf("certificate")) {
      if (Object.keys((request.socket as TLSSocket).getPeerCertificate()).length > 0) echoes.certificates += 1;
      return null;
    }
    const value = lent.shownBy(host, haystack);
    if (value === null) echoes.bare += 1;
    else {
      value.arrivals += 1;
      if (!/p=(?:cut|half-compressed)/.test(request.url ?? "")) echoes.given += 1;
    }
    return value;
  };
  server.on("request", (request, response) => { void answer(request, response as Response, noteSecret).catch(() => { response.destroy(); }); });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => { socket.on("error", () => {}); talk(request, socket, noteSecret); });
  server.on("sessionError", () => {}).on("secureConnection", (socket) => { socket.on("error", () => {}); });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  for (const kind of lent.kinds) stage.route(hostOf(kind), 443, (server.address() as AddressInfo).port);
  return echoes;
}

type Note = (request: Request, body: string) => LentValue | null;

/** All that a request says, as it is and decoded. */
function wordsOf(request: Request, body: string): { host: string; haystack: string } {
  const fields = Object.values(request.headers).flat().join("\n");
  const basic = Buffer.from(/Basic (\S+)/.exec(request.headers.authorization ?? "")?.[1] ?? "", "base64").toString();
  const url = request.url ?? "";
  const host = String(request.headers[":authority"] ?? request.headers.host).split(":", 1)[0] ?? "";
  return { host, haystack: [url, decodeURIComponent(url.replaceAll("+", " ").replace(/%(?![0-9A-Fa-f]{2})/g, "%25")), fields, basic, body].join("\n") };
}

async function answer(request: Request, response: Response, note: Note): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const value = note(request, Buffer.concat(chunks).toString())?.text ?? "no secret was here";
  const asked = new URL(request.url ?? "/", "https://canary.test").searchParams;
  const form = FORMS[asked.get("f") ?? "raw"]?.(value) ?? value;
  const place = (asked.get("p") ?? "length") as Place;
  const text = typeof form === "string" ? form.replaceAll(/[\r\n]+/g, "") : value;
  response.setHeader("content-type", place === "events" ? "text/event-stream" : "text/plain");
  await give(response, place, { body: Buffer.concat([Buffer.from("you sent "), Buffer.from(form as string), Buffer.from(" to me\n")]), text, value, coding: asked.get("c") ?? "identity" });
}

interface Gift {
  readonly body: Buffer;
  /** The form as a field can hold it. */
  readonly text: string;
  readonly value: string;
  readonly coding: string;
}

async function give(response: Response, place: Place, { body, text, value, coding }: Gift): Promise<void> {
  const end = (status: number, fields: Record<string, string | string[]>, rest: string | Buffer) => { response.writeHead(status, fields).end(rest); };
  switch (place) {
    case "header": return end(200, { "x-back": text }, "ok");
    case "field-name": return end(200, { [/^[\w-]+$/.test(value) ? `x-${value}`.toLowerCase() : "x-back"]: text }, "ok");
    case "location": return end(302, { location: `https://elsewhere.test/?leak=${text}` }, "");
    case "set-cookie": return end(200, { "set-cookie": [`a=${text}`, "b=2"] }, "ok");
    case "authenticate": return end(401, { "www-authenticate": `Bearer realm="${text}"` }, "who?");
    case "not-found": return end(404, {}, body);
    case "hints": response.writeEarlyHints({ link: "</a>; rel=preload", "x-back": text }); return end(200, {}, body);
    case "trailer": response.writeHead(200, { trailer: "x-back" }); response.write("ok"); response.addTrailers({ "x-back": text }); return void response.end();
    case "cut": response.writeHead(200, { "content-length": String(body.byteLength + 100) }); response.write(body); await turn(); return void response.destroy();
    case "length": case "pieces": case "bytes": case "events": case "error": case "half-compressed": await giveBody(response, place, body, coding);
  }
}

async function giveBody(response: Response, place: Place, body: Buffer, coding: string): Promise<void> {
  const coded = place === "events" ? body : CODINGS[coding]?.(body) ?? body;
  if (place !== "events" && coding !== "identity") response.setHeader("content-encoding", coding.replace("-raw", ""));
  if (place === "length") response.setHeader("content-length", coded.byteLength);
  if (place === "length") return void response.end(coded);
  if (place === "error") return void response.writeHead(500).end(coded);
  if (place === "events") response.write("data: ");
  const sent = place === "half-compressed" ? coded.subarray(0, -1) : coded;
  for (let at = 0; at < sent.byteLength;) {
    const to = at + (place === "bytes" ? 1 : randomInt(1, 40));
    response.write(sent.subarray(at, to));
    at = to;
    if (randomInt(4) === 0) await turn();
  }
  response.end(place === "events" ? "\n\n" : undefined);
}

/** One message of a WebSocket is answered with frames of all kinds. */
function talk(request: IncomingMessage, socket: Duplex, note: Note): void {
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${acceptFor(request.headers["sec-websocket-key"] ?? "")}\r\n\r\n`);
  socket.once("data", (frame: Buffer) => {
    const mask = frame.subarray(2, 6);
    const said = Buffer.from(frame.subarray(6, 6 + ((frame[1] ?? 0) & 0x7f))).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
    const value = note(request, Buffer.from(said).toString())?.text ?? "no secret was here";
    const form = FORMS[new URL(request.url ?? "/", "https://canary.test").searchParams.get("f") ?? "raw"]?.(value) ?? value;
    const body = Buffer.from(form as string);
    const cut = randomInt(body.byteLength);
    socket.write(writeFrame(1, false, Buffer.concat([Buffer.from("see "), body.subarray(0, cut)])));
    socket.write(writeFrame(9, true, Buffer.from(value).subarray(0, 120)));
    for (const byte of writeFrame(0, true, body.subarray(cut))) socket.write(Buffer.of(byte));
    socket.write(writeFrame(2, true, body.subarray(0, cut)));
    socket.write(writeFrame(2, true, body.subarray(cut)));
    socket.end(writeFrame(8, true, Buffer.concat([Buffer.of(3, 0xe8), Buffer.from(value).subarray(0, 100)])));
  });
}

import { createHash, createHmac, pbkdf2Sync, randomBytes, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import type { PemPair } from "./tls-authority.ts";

/** What a server that means harm, or is none, does instead of what PostgreSQL would. Left out: it does right. */
export interface Deviation {
  /** Answer to the request for TLS. */
  readonly sslAnswer?: string;
  /** Sent instead of the request for SASL, and then nothing. */
  readonly insteadOfSasl?: Buffer;
  readonly mechanisms?: readonly string[];
  /** The server-first message, from the right one. */
  readonly serverFirst?: (right: string) => string;
  /** The server-final message, from the right one. */
  readonly serverFinal?: (right: string) => string;
  /** Says that the client is in before it has proved anything itself. */
  readonly skipsFinal?: boolean;
  /** What follows once the client is in; default a session that is ready. */
  readonly afterwards?: readonly Buffer[];
  /** Called with the certificate's hash that SCRAM is bound to. */
  readonly endPoint?: (right: Buffer) => Buffer;
}

export interface Impostor extends AsyncDisposable {
  readonly port: number;
  deviation: Deviation;
  /** All that clients have sent inside TLS and in clear, as text of bytes. */
  readonly heard: string;
  /** Proofs of clients that were right for the password. */
  readonly proofs: number;
}

export const message = (type: string, body: Buffer): Buffer => Buffer.concat([Buffer.from(type), uint32(4 + body.byteLength), body]);
export const authentication = (kind: number, body = ""): Buffer => message("R", Buffer.concat([uint32(kind), Buffer.from(body)]));
export const errorResponse = (sqlState: string, text: string): Buffer => message("E", Buffer.from(`SFATAL\0VFATAL\0C${sqlState}\0M${text}\0\0`));
export const ready = (): Buffer => message("Z", Buffer.from("I"));
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A server that ends TLS with the given certificate and speaks SCRAM-SHA-256 by its own reading of RFC 5802, as far as it is let. */
export async function startImpostor(tls: PemPair, password: string): Promise<Impostor> {
  const state = { deviation: {} as Deviation, heard: "", proofs: 0 };
  const open = new Set<Socket>();
  const certificate = new X509Certificate(tls.certPem);
  const server = createServer((socket) => {
    open.add(socket.on("close", () => { open.delete(socket); }));
    void serve(socket, { tls, password, state, endPoint: createHash("sha256").update(certificate.raw).digest() }).catch(() => { socket.destroy(); });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get heard() { return state.heard; },
    get proofs() { return state.proofs; },
    get deviation() { return state.deviation; },
    set deviation(deviation) { Object.assign(state, { deviation, heard: "", proofs: 0 }); },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

interface Serving {
  readonly tls: PemPair;
  readonly password: string;
  readonly endPoint: Buffer;
  readonly state: { deviation: Deviation; heard: string; proofs: number };
}

async function serve(socket: Socket, { tls, password, endPoint, state }: Serving): Promise<void> {
  const { deviation } = state;
  socket.on("error", () => {});
  await next(socket, state);
  const answer = deviation.sslAnswer ?? "S";
  socket.write(answer);
  if (answer !== "S") {
    await next(socket, state);
    return;
  }
  const stream = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ cert: tls.certPem, key: tls.keyPem }) });
  stream.on("error", () => {});
  await next(stream, state);
  if (deviation.insteadOfSasl !== undefined) {
    stream.write(deviation.insteadOfSasl);
    await next(stream, state);
    return;
  }
  await scram(stream, { tls, password, endPoint: deviation.endPoint?.(endPoint) ?? endPoint, state });
  stream.write(Buffer.concat([authentication(0), ...deviation.afterwards ?? [message("K", Buffer.concat([uint32(7), uint32(8)])), ready()]]));
}

async function scram(stream: TLSSocket, { password, endPoint, state }: Serving): Promise<void> {
  const { deviation } = state;
  stream.write(authentication(10, `${(deviation.mechanisms ?? ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]).map((name) => `${name}\0`).join("")}\0`));
  const initial = (await next(stream, state)).toString("latin1");
  const [, header = "", bare = "", nonce = ""] = /((?:p=tls-server-end-point|y|n),,)(n=,r=([^,]+))$/.exec(initial) ?? [];
  const salt = randomBytes(16);
  const right = `r=${nonce}${randomBytes(12).toString("base64")},s=${salt.toString("base64")},i=4096`;
  const first = deviation.serverFirst?.(right) ?? right;
  stream.write(authentication(11, first));
  const final = (await next(stream, state)).subarray(5).toString("latin1");
  const [, withoutProof = "", proof = ""] = /^(.*),p=([^,]+)$/.exec(final) ?? [];
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, 4_096, 32, "sha256");
  const transcript = `${bare},${first},${withoutProof}`;
  const clientKey = hmac(salted, "Client Key");
  const signature = hmac(createHash("sha256").update(clientKey).digest(), transcript);
  const expected = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0));
  const bound = Buffer.concat([Buffer.from(header), header.startsWith("p=") ? endPoint : Buffer.alloc(0)]).toString("base64");
  if (!Buffer.from(proof, "base64").equals(expected) || !withoutProof.startsWith(`c=${bound},`)) throw new Error("the client does not know the password, or is bound elsewhere");
  state.proofs += 1;
  const said = `v=${hmac(hmac(salted, "Server Key"), transcript).toString("base64")}`;
  if (deviation.skipsFinal !== true) stream.write(authentication(12, deviation.serverFinal?.(said) ?? said));
}

async function next(stream: Socket, state: { heard: string }): Promise<Buffer> {
  const [chunk] = await once(stream, "data") as [Buffer];
  state.heard += chunk.toString("latin1");
  return chunk;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

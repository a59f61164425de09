import { EgressError } from "../errors.ts";
import type { Heard, Identified, WireKind } from "../model/connection.ts";
import { parseClientHello } from "./client-hello.ts";
import type { ConnectionConfig } from "./config.ts";
import { guessWire } from "./first-bytes.ts";
import { gather } from "./gather.ts";
import { HelloAssembler } from "./hello-assembler.ts";

/** Asks whether bytes may pass unread to where this connection goes, so that a server which speaks first can. */
export type MayServerSpeakFirst = (silent: Heard) => Promise<boolean>;

const OPAQUE: WireKind = { kind: "opaque" };

/**
 * in: Identified · out: Heard · ends early with: wire.silent, wire.malformed, tls.malformed, destination.mismatch · next: locate.ts
 *
 * Looks at the first bytes and puts them back. A client that stays silent is taken for one whose server speaks first only where policy
 * would tunnel it; everywhere else it has some seconds more, as a slow client is no other protocol, and then its place goes to others.
 */
export async function classify(identified: Identified, mayServerSpeakFirst: MayServerSpeakFirst, config: ConnectionConfig): Promise<Heard> {
  if (await hearsNothing(identified, config.serverFirstWaitMs)) {
    const silent: Heard = { ...identified, wire: OPAQUE };
    if (await mayServerSpeakFirst(silent)) return silent;
    if (await hearsNothing(identified, config.firstBytesTimeoutMs)) throw new EgressError("wire.silent", `no byte in ${config.firstBytesTimeoutMs} ms`);
  }
  return { ...identified, wire: await readWire(identified, config) };
}

async function hearsNothing({ socket, signal }: Identified, deadlineMs: number): Promise<boolean> {
  const { bytes, end } = await gather(socket, () => true, { limitBytes: 1, deadlineMs }, signal);
  if (end === "closed") throw new EgressError("wire.silent", "closed before its first byte");
  if (bytes.byteLength > 0) socket.unshift(bytes);
  return bytes.byteLength === 0;
}

async function readWire({ socket, signal }: Identified, config: ConnectionConfig): Promise<WireKind> {
  const hello = new HelloAssembler(config.helloLimitBytes);
  const isDecided = (seen: Buffer): boolean => {
    const guess = guessWire(seen);
    return guess === "tls" ? hello.isWhole(seen) : guess !== "undecided";
  };
  const { bytes, end } = await gather(socket, isDecided, { limitBytes: config.helloLimitBytes, deadlineMs: config.helloTimeoutMs }, signal);
  const guess = guessWire(bytes);
  if (guess === "proxy-header") throw new EgressError("wire.malformed", "a second PROXY header");
  if (end === "closed" && guess !== "http" && guess !== "postgres") throw new EgressError("wire.malformed", `closed after ${bytes.byteLength} bytes`);
  if (guess === "tls" && end !== "enough") throw new EgressError("tls.malformed", `ClientHello: ${end} after ${bytes.byteLength} bytes`);
  socket.unshift(bytes);
  if (guess === "tls") return { kind: "tls", ...parseClientHello(hello.messageOf(bytes)) };
  return guess === "http" || guess === "postgres" ? { kind: guess } : OPAQUE;
}

import { ERROR_TABLE, refusalBody, type EgressError } from "../errors.ts";
import { closeGently, reset } from "./close-gently.ts";
import type { Progress } from "./connection-entry.ts";
import { guessWire } from "./first-bytes.ts";
import { tellRefused } from "./postgres/tell-client.ts";

/** TLS alert descriptions (RFC 8446 §6, RFC 6066 §9, RFC 7301 §3.2). */
const ALERT = { handshakeFailure: 40, accessDenied: 49, decodeError: 50, unrecognizedName: 112, noApplicationProtocol: 120 } as const;

/**
 * in: Progress and its EgressError · out: nothing, when the peer was told · never throws
 *
 * Ends a connection in the way of its wire: a fatal alert before any ServerHello, an HTTP answer that says why, a reset elsewhere. Whoever
 * is not identified is told nothing. Once a handler or a handshake has the bytes there is nothing left to say here.
 */
export async function refuseConnection(progress: Progress, error: EgressError, lingerMs: number): Promise<void> {
  if (progress.stream !== undefined) return;
  if (isUnheardSession(progress)) return tellRefused(progress.socket, error, { requestId: progress.id, lingerMs }).catch(() => { reset(progress); });
  const last = lastBytes(progress, error);
  if (last === null || !progress.socket.writable) reset(progress);
  else await closeGently(progress.socket, last, lingerMs);
}

/** The client of a database has not been let speak yet; what it said is still in the socket. */
function isUnheardSession({ agent, wire, handling, socket }: Progress): boolean {
  return agent !== undefined && wire?.kind === "postgres" && handling === undefined && socket.writable;
}

function lastBytes(progress: Progress, error: EgressError): Buffer | null {
  if (progress.agent === undefined || progress.handling === "tunnel") return null;
  if (error.code.startsWith("tls.")) return fatalAlert(error);
  const seen = (progress.socket.read() as Buffer | null) ?? Buffer.alloc(0);
  const wire = progress.wire?.kind ?? guessWire(seen);
  if (wire === "http") return httpAnswer(error, progress.id, seen.subarray(0, 5).toString("latin1") === "HEAD ");
  return wire === "tls" ? fatalAlert(error) : null;
}

/** One plaintext alert record: a client that has not seen a ServerHello reads it as it is (RFC 8446 §5.1). */
function fatalAlert(error: EgressError): Buffer {
  return Buffer.from([21, 3, 3, 0, 2, 2, alertOf(error)]);
}

function alertOf({ code }: EgressError): number {
  if (code === "tls.malformed") return ALERT.decodeError;
  if (code === "protocol.unsupported") return ALERT.noApplicationProtocol;
  if (code.startsWith("destination.")) return ALERT.unrecognizedName;
  const isRefusal = ERROR_TABLE[code].outcome === "denied" || code === "connection.limit";
  return isRefusal ? ALERT.accessDenied : ALERT.handshakeFailure;
}

function httpAnswer(error: EgressError, requestId: string, isHead: boolean): Buffer {
  const { status, outcome } = ERROR_TABLE[error.code];
  const body = `${JSON.stringify(refusalBody(error, requestId))}\n`;
  const head = [
    `HTTP/1.1 ${status} ${outcome === "denied" ? "Refused" : "Failed"}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "cache-control: no-store",
    "connection: close",
    `x-weir-decision: ${outcome}`,
    `x-weir-request-id: ${requestId}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${isHead ? "" : body}`);
}

import { once } from "node:events";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type SecureContext, type TLSSocket } from "node:tls";
import { EgressError } from "../errors.ts";

/** Head start of one address before the next is tried beside it, in milliseconds (RFC 8305 §5). */
const ATTEMPT_DELAY_MS = 250;
/** Addresses of one name that are tried: a dead destination must not cost more. */
const MAX_ATTEMPTS = 6;
/** Half-open, because a tunnel ends each direction by itself; a pool ends both when either ends. */
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000, allowHalfOpen: true } as const;

/** An address that was checked; nothing else is ever dialled. */
export interface Candidate {
  readonly address: string;
  readonly port: number;
}

/**
 * Connects to the first candidate that answers, families interleaved, each with a head start (RFC 8305). Errors of the socket before its
 * owner listens are swallowed; the owner sees `close`.
 * @param signal carries the deadline; its `EgressError` reason is thrown
 * @throws EgressError `upstream.unreachable`
 */
export async function dialTcp(candidates: readonly Candidate[], signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const race = new AddressRace(interleave(candidates).slice(0, MAX_ATTEMPTS));
  const onAbort = (): void => { race.settled.reject(EgressError.from(signal.reason)); };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    race.start();
    return await race.settled.promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    race.stop();
  }
}

class AddressRace {
  readonly settled = Promise.withResolvers<Socket>();
  readonly #queue: Candidate[];
  readonly #open = new Set<Socket>();
  readonly #codes: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(queue: Candidate[]) {
    this.#queue = queue;
  }

  /** Tries the next address; called again when one fails or is slow. */
  start(): void {
    clearTimeout(this.#timer);
    const candidate = this.#queue.shift();
    if (candidate === undefined) {
      if (this.#open.size === 0) this.settled.reject(new EgressError("upstream.unreachable", `no address accepted the connection (${this.#codes.join(", ")})`));
      return;
    }
    const socket = connectTcp({ host: candidate.address, port: candidate.port, ...SOCKET_OPTIONS });
    this.#open.add(socket);
    socket.once("connect", () => {
      this.#open.delete(socket);
      this.settled.resolve(socket);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (!this.#open.delete(socket)) return;
      this.#codes.push(error.code ?? "EUNKNOWN");
      this.start();
    });
    this.#timer = setTimeout(() => { this.start(); }, ATTEMPT_DELAY_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
    for (const loser of this.#open) loser.destroy();
    this.#open.clear();
  }
}

export interface TlsTarget {
  /** The name, or the address literal, that the certificate must be for. */
  readonly host: string;
  readonly alpn: readonly string[];
  /** True if a destination that chooses no protocol is taken to speak the one that is offered. */
  readonly mayChooseNone?: boolean;
  readonly context: SecureContext;
}

/**
 * Opens TLS on a connected socket and verifies chain and name. No session is ever offered, so every connection is verified in full: a
 * resumed one would skip the certificate.
 * @throws EgressError `upstream.untrusted | upstream.unreachable`
 */
export async function openTls(socket: Duplex, target: TlsTarget, signal: AbortSignal): Promise<TLSSocket> {
  const named = isIP(target.host) === 0 ? { servername: target.host } : { host: target.host };
  const secure = connectTls({ socket, ...named, ALPNProtocols: [...target.alpn], secureContext: target.context, rejectUnauthorized: true });
  try {
    await once(secure, "secureConnect", { signal });
  } catch (error) {
    secure.on("error", () => { /* the handshake's end is reported below, once */ });
    secure.destroy();
    if (signal.aborted) throw EgressError.from(signal.reason);
    throw tlsFailure(secure, error);
  }
  const refusal = unfit(secure, target);
  if (refusal === null) return secure;
  secure.destroy();
  throw refusal;
}

/** Belt and braces: what Node promises of a verified connection is looked at once more before a byte is sent. */
function unfit(secure: TLSSocket, target: TlsTarget): EgressError | null {
  if (!secure.authorized || secure.isSessionReused()) return new EgressError("upstream.untrusted", "the certificate was not verified");
  if (secure.alpnProtocol === false && target.mayChooseNone === true) return null;
  const negotiated = secure.alpnProtocol === false ? "http/1.1" : secure.alpnProtocol;
  if (negotiated === null || !target.alpn.includes(negotiated)) return new EgressError("upstream.unreachable", `the destination does not speak ${target.alpn.join(" or ")}`);
  return null;
}

function tlsFailure(secure: TLSSocket, error: unknown): EgressError {
  const code = (error as NodeJS.ErrnoException).code ?? "EUNKNOWN";
  // Set by Node exactly when the handshake was complete and the certificate was not acceptable.
  const isUntrusted = Boolean(secure.authorizationError);
  return isUntrusted
    ? new EgressError("upstream.untrusted", `the destination's certificate is not acceptable (${code})`)
    : new EgressError("upstream.unreachable", `TLS with the destination failed (${code})`);
}

/** IPv6 and IPv4 in turn, IPv6 first, the order inside a family kept (RFC 8305 §4). */
function interleave(candidates: readonly Candidate[]): Candidate[] {
  const six = candidates.filter(({ address }) => isIP(address) === 6);
  const four = candidates.filter(({ address }) => isIP(address) === 4);
  return candidates.flatMap((_, index) => [six[index], four[index]]).filter((candidate) => candidate !== undefined);
}

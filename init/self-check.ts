/**
 * in: applied rules · out: nothing · ends early with: exit 1 (something got out) · next: the sidecar, then the agent
 *
 * Tries what an agent would try first. The addresses are reserved for documentation (RFC 5737, RFC 3849): nobody answers there, so an
 * answer can only come from this namespace.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { EXIT, UserError } from "../common/exit-codes.ts";
import type { RulesConfig } from "./config.ts";

const OUTSIDE = [{ address: "192.0.2.1", family: 4 }, { address: "2001:db8::1", family: 6 }] as const;
const OUTSIDE_PORT = 9;
/** The kernel refuses within a millisecond; a packet that left would be waited for in vain. */
const CHECK_DEADLINE_MS = 2_000;
const CONNECTED = "connected";

/** Errors that mean "it did not leave": refused by a rule, or there is no such family or route here. */
const STAYED_INSIDE = new Set(["ECONNREFUSED", "ECONNRESET", "EPERM", "ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EHOSTUNREACH"]);

/** @throws UserError that says which attempt got out */
export async function checkNothingLeaves(config: RulesConfig): Promise<void> {
  for (const { address, family } of OUTSIDE) {
    const outcomes = { TCP: await tryTcp(address, family, config.sidecarTcpPort), UDP: await tryUdp(address, family) };
    for (const [protocol, outcome] of Object.entries(outcomes)) {
      if (STAYED_INSIDE.has(outcome)) continue;
      throw new UserError(`the rules do not hold: ${protocol} to ${address} ended with ${outcome}`, "Do not run anything in this namespace.", EXIT.failure);
    }
  }
}

/** A connection that succeeds was captured if a sidecar listens here already (init ran again), and got out if none does. */
async function tryTcp(address: string, family: 4 | 6, sidecarPort: number): Promise<string> {
  const outcome = await tryConnect(address, OUTSIDE_PORT);
  if (outcome !== CONNECTED) return outcome;
  // A sidecar ends a connection to itself at once, sometimes before it is seen as open.
  const atSidecar = await tryConnect(family === 4 ? "127.0.0.1" : "::1", sidecarPort);
  return [CONNECTED, "ECONNRESET"].includes(atSidecar) ? "ECONNREFUSED" : "a connection";
}

async function tryConnect(host: string, port: number): Promise<string> {
  const socket = connect({ host, port });
  const deadline = AbortSignal.timeout(CHECK_DEADLINE_MS);
  try {
    await once(socket, "connect", { signal: deadline });
    return CONNECTED;
  } catch (error) {
    return codeOf(error);
  } finally {
    socket.on("error", () => {});
    socket.destroy();
  }
}

async function tryUdp(address: string, family: 4 | 6): Promise<string> {
  const socket = createSocket(family === 4 ? "udp4" : "udp6");
  try {
    socket.connect(OUTSIDE_PORT, address);
    await once(socket, "connect");
    const { promise, resolve } = Promise.withResolvers<string>();
    socket.send(Buffer.from("weir"), (error) => { resolve(error === null ? "a datagram sent" : codeOf(error)); });
    return await promise;
  } catch (error) {
    return codeOf(error);
  } finally {
    socket.close();
  }
}

function codeOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ABORT_ERR" ? "no answer" : code ?? String(error);
}

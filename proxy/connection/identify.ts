import { PREAMBLE_HEAD_BYTES, PREAMBLE_LIMIT_BYTES, parsePreamble, parsePreambleHead, PreambleError, type Preamble } from "../../common/preamble.ts";
import { Secret } from "../../common/secret.ts";
import { EgressError } from "../errors.ts";
import type { IdentityVerifier } from "../identity/identity-verifier.ts";
import type { Accepted, Identified } from "../model/connection.ts";
import { gather } from "./gather.ts";

const SIGNATURE_FIRST_BYTE = 0x0d;

/**
 * in: Accepted · out: Identified · ends early with: identity.* · next: classify.ts
 *
 * Reads the preamble and has its token checked against the peer. Whoever sends anything else is closed at the first wrong byte; whoever
 * sends nothing, at the deadline.
 */
export async function identify(accepted: Accepted, verifier: IdentityVerifier, preambleTimeoutMs: number): Promise<Identified> {
  const preamble = await readPreamble(accepted, preambleTimeoutMs);
  const agent = await verifier.verify(preamble, accepted.peer, accepted.signal);
  return { ...accepted, agent, token: new Secret(preamble.token), transport: preamble.transport, dialled: preamble.destination };
}

async function readPreamble({ socket, signal }: Accepted, deadlineMs: number): Promise<Preamble> {
  let wantedBytes = PREAMBLE_LIMIT_BYTES;
  const isWhole = (seen: Buffer): boolean => {
    if (seen[0] !== SIGNATURE_FIRST_BYTE) throw new EgressError("identity.missing", "no preamble");
    if (seen.byteLength < PREAMBLE_HEAD_BYTES) return false;
    wantedBytes = parsePreambleHead(seen);
    return seen.byteLength >= wantedBytes;
  };
  try {
    const { bytes, end } = await gather(socket, isWhole, { limitBytes: PREAMBLE_LIMIT_BYTES, deadlineMs }, signal);
    if (end !== "enough") {
      throw new EgressError(bytes.byteLength === 0 ? "identity.missing" : "identity.malformed", `preamble: ${end} after ${bytes.byteLength} bytes`);
    }
    if (bytes.byteLength > wantedBytes) socket.unshift(bytes.subarray(wantedBytes));
    return parsePreamble(bytes.subarray(0, wantedBytes));
  } catch (error) {
    if (error instanceof PreambleError) throw new EgressError("identity.malformed", `preamble: ${error.message}`, { cause: error });
    throw error;
  }
}

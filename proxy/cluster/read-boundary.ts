import { isIP } from "node:net";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import * as z from "zod";
import { BOUNDARY_KEYS, BOUNDARY_LIMIT_BYTES, boundarySet, type BoundarySet } from "../../common/boundary-set.ts";
import { firstProblem } from "../model/problem.ts";

/** Largest document after unpacking, in bytes: some hundred thousand agents. */
const UNPACKED_LIMIT_BYTES = 32 << 20;

/** Everything that the controller tells the node proxies: it comes into force as a whole, or not at all. */
export interface Boundary {
  /** OPA's bundle, packed; looked into by the policy room. */
  readonly bundle: Buffer;
  readonly set: BoundarySet;
}

const base64 = z.base64().min(1);
const configMap = z.object({ binaryData: z.object({ [BOUNDARY_KEYS.bundle]: base64, [BOUNDARY_KEYS.set]: base64 }) });

/**
 * Reads the ConfigMap of the boundary, or the copy of it on the disk.
 * @throws Error that says in one line what is wrong
 */
export async function readBoundary(object: unknown): Promise<Boundary> {
  const shaped = configMap.safeParse(object);
  if (!shaped.success) throw new Error(`not the ConfigMap of a boundary: ${firstProblem(shaped.error)}`);
  const bundle = Buffer.from(shaped.data.binaryData[BOUNDARY_KEYS.bundle], "base64");
  const packed = Buffer.from(shaped.data.binaryData[BOUNDARY_KEYS.set], "base64");
  if (bundle.byteLength + packed.byteLength > BOUNDARY_LIMIT_BYTES) throw new Error(`larger than ${BOUNDARY_LIMIT_BYTES} bytes`);
  return { bundle, set: readSet(await unpack(packed)) };
}

async function unpack(packed: Buffer): Promise<string> {
  try {
    const bytes = await promisify(gunzip)(packed, { maxOutputLength: UNPACKED_LIMIT_BYTES });
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const isLarge = (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw unfit(isLarge ? ` unpacks to more than ${UNPACKED_LIMIT_BYTES} bytes` : " is not compressed text", cause);
  }
}

function readSet(text: string): BoundarySet {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw unfit(" is not JSON", cause);
  }
  const read = boundarySet.safeParse(json);
  if (!read.success) throw unfit(`: ${firstProblem(read.error)}`, read.error);
  const { platform } = read.data;
  if (platform !== null && isIP(platform.address) === 0) throw unfit(": platform.address is no address; a name would have to be believed");
  return read.data;
}

function unfit(why: string, cause?: unknown): Error {
  return new Error(`${BOUNDARY_KEYS.set}${why}`, { cause });
}

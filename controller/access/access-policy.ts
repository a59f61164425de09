import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { extract } from "tar-stream";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { RegoInstance } from "../../common/rego/rego-instance.ts";
import type { CompiledModule } from "../../common/rego/web-assembly.ts";
import { findUpwards } from "../../common/shipped-files.ts";
import { AccessUnavailable } from "./access.ts";
import { readAccessAnswer, type AccessAnswer } from "./access-answer.ts";
import type { AccessInput } from "./access-input.ts";

/** Built from policies/access by `node scripts/build-policy.ts`, and checked in. */
const BUNDLE = "policies/dist/access/bundle.tar.gz";
const ENTRY_POINT = "weir/access/decision";
const UNPACKED_LIMIT_BYTES = 16 << 20;
/** Room for two objects with all the relations that they may have. */
const MEMORY_LIMIT_BYTES = 16 << 20;
/** Memory of WebAssembly never shrinks: an instance that needed more than this once is replaced. */
const RECYCLE_ABOVE_BYTES = 8 << 20;

/** Asks the policy of access. @throws AccessUnavailable if there is no proper answer */
export type AccessPolicy = (input: AccessInput) => Promise<AccessAnswer>;

/** Opens the policy that comes with Weir. @throws UserError if it is missing from the installation */
export async function openAccessPolicy(): Promise<AccessPolicy> {
  const path = findUpwards(BUNDLE, import.meta.dirname);
  if (path === null) {
    throw new UserError(`${BUNDLE} is missing from this installation`, "Install Weir again; in the checkout: `git checkout policies`.", EXIT.unavailable);
  }
  return accessPolicy(await readWasm(await readFile(path)));
}

/**
 * One instance, thrown away after anything unexpected: what a trap left behind is never trusted. It is evaluated in this thread and without a deadline, as it is
 * our own Rego and not a tenant's: it looks at each pair of a relation and a subject once, and both are counted where they come in.
 */
export function accessPolicy(wasm: Uint8Array<ArrayBuffer>): AccessPolicy {
  let [compiled, ready]: [CompiledModule | null, RegoInstance | null] = [null, null];
  return async (input) => {
    try {
      compiled ??= await WebAssembly.compile(wasm);
      ready ??= new RegoInstance({ module: compiled, data: "{}", memoryLimitBytes: MEMORY_LIMIT_BYTES });
      const result: unknown = JSON.parse(ready.evaluate(ENTRY_POINT, JSON.stringify(input)));
      if (ready.memoryBytes > RECYCLE_ABOVE_BYTES) ready = null;
      return readAccessAnswer(result);
    } catch (thrown) {
      ready = null;
      if (thrown instanceof AccessUnavailable) throw thrown;
      throw new AccessUnavailable("the access policy could not be evaluated", { cause: thrown });
    }
  };
}

async function readWasm(packed: Buffer): Promise<Uint8Array<ArrayBuffer>> {
  const tar = extract();
  tar.end(await promisify(gunzip)(packed, { maxOutputLength: UNPACKED_LIMIT_BYTES }));
  for await (const entry of tar) {
    const content = await buffer(entry);
    if (entry.header.name.replace(/^\.?\//, "") === "policy.wasm") return new Uint8Array(content);
  }
  throw new Error(`${BUNDLE} holds no policy.wasm`);
}

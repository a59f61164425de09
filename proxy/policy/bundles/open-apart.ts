import { Worker } from "node:worker_threads";
import { parseJsonText } from "../../../common/json/parse-json.ts";
import type { Bundle } from "../bundle.ts";
import type { OpenedBundle, OpenOptions } from "./open-bundle.ts";
import type { Ordered } from "./revision.ts";
import { UnfitError } from "./unfit.ts";

/** What the thread is started for: to open a bundle, or to say only which one it is. */
export interface BundleOrder {
  readonly kind: "open" | "name";
  readonly packed: Uint8Array;
  readonly options: OpenOptions;
}

/** A bundle on its way between threads; its data are JSON. */
type Opened = { readonly kind: "opened"; readonly data: string } & Omit<OpenedBundle, "bundle"> & Omit<Bundle, "data">;
interface Named { readonly kind: "named"; readonly revision: string; readonly digest: string }
interface Failed { readonly kind: "failed"; readonly isUnfit: boolean; readonly message: string }
export type BundleReply = Opened | Named | Failed;

/** A bundle of the default size takes some tenths of a second; a machine may be busy. */
const DEADLINE_MS = 20_000;
/** What the program itself takes, and for each byte of the evaluator's memory that the data may fill, what they take before they get there. */
const HEAP_LEAST_MIB = 96;
const HEAP_MOST_MIB = 2_048;

/** From source as it is, and bundled beside the program (scripts/build.mjs). */
const PROGRAM = new URL(import.meta.url.endsWith(".ts") ? "./bundle-thread.ts" : "./bundle-thread.mjs", import.meta.url);

/**
 * Opens a bundle in a thread of its own, which ends with it: nothing that is in a bundle can hold up, or bring down, the one who asks.
 * @throws UnfitError if the bundle is at fault; Error if it could not be read within the thread's time and memory
 */
export async function openApart(packed: Uint8Array, options: OpenOptions): Promise<OpenedBundle> {
  const reply = await ask({ kind: "open", packed, options });
  if (reply.kind !== "opened") throw new TypeError(`the thread of the bundle ${reply.kind}`);
  const { revision, wasm, data, signer, digest } = reply;
  return { bundle: { revision, wasm, data: parseJsonText(data) as object }, signer, digest };
}

/** Says which bundle of OPA's it is, whatever it is for; checks no signature. @throws as {@link openApart} */
export async function nameApart(packed: Uint8Array, memoryLimitBytes: number): Promise<Ordered> {
  const reply = await ask({ kind: "name", packed, options: { verification: null, memoryLimitBytes } });
  if (reply.kind !== "named") throw new TypeError(`the thread of the bundle ${reply.kind}`);
  return { revision: reply.revision, digest: reply.digest };
}

async function ask(order: BundleOrder): Promise<Exclude<BundleReply, Failed>> {
  const heapMib = Math.min(HEAP_MOST_MIB, HEAP_LEAST_MIB + Math.ceil(3 * order.options.memoryLimitBytes / 2 ** 20));
  const worker = new Worker(PROGRAM, { workerData: order, stdin: false, resourceLimits: { maxOldGenerationSizeMb: heapMib, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 } });
  const { promise, resolve, reject } = Promise.withResolvers<BundleReply>();
  const fail = (cause: unknown) => { reject(new Error("the bundle could not be read", { cause })); };
  worker.on("message", resolve).on("error", fail).on("exit", () => { fail(new Error("its thread ended")); });
  const timer = setTimeout(() => { reject(new Error(`the bundle could not be read within ${DEADLINE_MS} ms`)); }, DEADLINE_MS);
  try {
    const reply = await promise;
    if (reply.kind !== "failed") return reply;
    throw reply.isUnfit ? new UnfitError(reply.message) : new Error(reply.message);
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

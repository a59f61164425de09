/**
 * The program of a thread that reads one bundle, which nobody has vouched for yet, and ends; `open-apart.ts` starts it. Whatever is in the bundle costs this
 * thread its time and its memory, and nobody else's.
 */
import { parentPort, workerData } from "node:worker_threads";
import { describeError } from "../../../common/lifecycle.ts";
import { revisionOf } from "../bundle.ts";
import { contentDigest } from "./file-hashes.ts";
import { unpackFiles } from "./files.ts";
import type { BundleOrder, BundleReply } from "./open-apart.ts";
import { openBundle } from "./open-bundle.ts";
import { isUnfit } from "./unfit.ts";

async function answer(order: BundleOrder): Promise<BundleReply> {
  try {
    if (order.kind === "open") {
      const { bundle: { wasm, revision, data }, ...rest } = await openBundle(order.packed, order.options);
      // Text is copied faster than objects are, and parsed faster than they are built.
      return { kind: "opened", revision, wasm, data: JSON.stringify(data), ...rest };
    }
    const files = await unpackFiles(order.packed, order.options.memoryLimitBytes);
    return { kind: "named", revision: revisionOf(files), digest: contentDigest(files) };
  } catch (error) {
    return { kind: "failed", isUnfit: isUnfit(error), message: isUnfit(error) && error instanceof Error ? error.message : describeError(error) };
  }
}

parentPort?.postMessage(await answer(workerData as BundleOrder));

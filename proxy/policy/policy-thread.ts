/**
 * The program of the thread in which Rego of tenants is evaluated; `threaded-policy.ts` starts it. It answers one question after the other, and is killed
 * if one takes too long: an evaluation cannot be interrupted from inside.
 */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { ThreadAnswer, ThreadData, ThreadQuestion } from "./threaded-policy.ts";
import { WasmPolicy } from "./wasm-policy.ts";

const { wasm, data, limits } = workerData as ThreadData;
const policy = await WasmPolicy.open(wasm, data, { limits, clock: systemClock });

const say = (answer: ThreadAnswer): void => { parentPort?.postMessage(answer); };

parentPort?.on("message", ({ question, input }: ThreadQuestion) => {
  policy.evaluate(question, input).then(
    (answer) => { say({ kind: "answered", answer }); },
    (error: unknown) => { say({ kind: "failed", message: describeError(error) }); },
  );
});
say({ kind: "ready" });

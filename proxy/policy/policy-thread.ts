/**
 * The program of a thread in which is evaluated what may take long; `killable-thread.ts` starts it. It answers one question after the other, and is
 * killed if one takes too long: an evaluation cannot be interrupted from inside.
 */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { ThreadAnswer, ThreadData, ThreadQuestion } from "./killable-thread.ts";
import { WasmPolicy } from "./wasm-policy.ts";

const { program, limits } = workerData as ThreadData;
const policy = new WasmPolicy(program, { limits, clock: systemClock });

const say = (answer: ThreadAnswer): void => { parentPort?.postMessage(answer); };

parentPort?.on("message", ({ question, input }: ThreadQuestion) => {
  try {
    say({ answer: policy.answer(question, input) });
  } catch (error) {
    say({ failure: describeError(error) });
  }
});
say({ answer: "ready" });

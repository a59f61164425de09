/**
 * The program of a thread in which is evaluated what may take long; `killable-thread.ts` starts it. It answers one question after the other, and is
 * killed if one takes too long: an evaluation cannot be interrupted from inside. An answer that cost the loaded data is followed by loading them, and by
 * word of it: the next question must find them, as it may be another agent's.
 */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { ThreadAnswer, ThreadData, ThreadQuestion } from "./killable-thread.ts";
import { WasmPolicy } from "./wasm-policy.ts";

const { program, limits } = workerData as ThreadData;
const policy = new WasmPolicy(program, { limits, clock: systemClock });

parentPort?.on("message", (asked: ThreadQuestion) => {
  sayOf(() => answerTo(asked));
  if (!policy.isLoaded) sayOf(() => load());
});
sayOf(() => load());

/** What it takes is told as this thread worked for it: what others do meanwhile, here or on the machine, is not the asker's. */
function sayOf(work: () => { readonly answer: string } | { readonly failure: string }): void {
  const before = process.threadCpuUsage();
  const answer = work();
  const { user, system } = process.threadCpuUsage(before);
  parentPort?.postMessage({ ...answer, isLoaded: policy.isLoaded, usedMs: (user + system) / 1_000 } satisfies ThreadAnswer);
}

function load(): { readonly answer: string } {
  policy.load();
  return { answer: "loaded" };
}

function answerTo({ question, input }: ThreadQuestion): { readonly answer: string } | { readonly failure: string } {
  try {
    return { answer: policy.answer(question, input) };
  } catch (error) {
    return { failure: describeError(error) };
  }
}

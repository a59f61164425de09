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

const LOADED: ThreadAnswer = { answer: "loaded", isLoaded: true };
const say = (answer: ThreadAnswer): void => { parentPort?.postMessage(answer); };

parentPort?.on("message", ({ question, input }: ThreadQuestion) => {
  say(answerTo(question, input));
  if (policy.isLoaded) return;
  policy.load();
  say(LOADED);
});
say(LOADED);

function answerTo(question: ThreadQuestion["question"], input: ThreadQuestion["input"]): ThreadAnswer {
  try {
    const answer = policy.answer(question, input);
    return { answer, isLoaded: policy.isLoaded };
  } catch (error) {
    return { failure: describeError(error), isLoaded: policy.isLoaded };
  }
}

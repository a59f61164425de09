import { EgressError } from "../errors.ts";
import type { PolicyInput } from "./policy-engine.ts";

/** One question or several, as the policy's own parser reads them. */
export interface InputText {
  /** JSON of each input; without its member `json` where that is written once for all. */
  readonly inputs: readonly string[];
  /** The member `json` of every input; null where each has its own or none. */
  readonly json: string | null;
}

/**
 * Writes inputs of the same request. What was read as `json` is the whole body: parts of a batch share it, and it is not written again for each.
 * @throws EgressError `request.malformed` for text that is no Unicode (half a surrogate pair): OPA's parser does not take it, and other readers repair it
 */
export function writeInputs(inputs: readonly PolicyInput[]): InputText {
  const [first, ...others] = inputs;
  const isShared = first?.json !== undefined && others.length > 0 && others.every(({ json }) => json === first.json);
  if (!isShared) return { inputs: inputs.map(written), json: null };
  return { inputs: inputs.map(({ json: _, ...input }) => written(input)), json: written(first.json) };
}

function written(value: unknown): string {
  const text = JSON.stringify(value);
  if (text.includes("\\ud") && LONE_SURROGATE.test(text)) throw new EgressError("request.malformed", "text that is no Unicode", { explanation: NO_UNICODE });
  return text;
}

/** JSON.stringify escapes half a pair and nothing else so; a backslash before it that is itself escaped makes it text. */
const LONE_SURROGATE = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

const NO_UNICODE = {
  rule: "read.unclear", reason: "The policy reads this request before it decides, and a text in it is no Unicode: it has half a surrogate pair.",
  hint: "A text was cut in the middle of a character; cut it elsewhere.",
};

/** One step down into a policy input: a key of an object, or a position in a list. */
export type Step = string | number;

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_]*$/;
const STEP = /\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/gy;

/** A place of the policy input as Rego writes it: `input.request.headers["authorization"]`, `input.json.items[0]`. */
export function placeText(steps: readonly Step[]): string {
  // Joined, not concatenated: a rope takes `JSON.stringify` of the whole record off its fast path (proxy/audit/chain.ts).
  const parts: (string | number)[] = ["input"];
  for (const step of steps) {
    if (typeof step === "number") parts.push("[", step, "]");
    else if (PLAIN_KEY.test(step)) parts.push(".", step);
    else parts.push("[", JSON.stringify(step), "]");
  }
  return parts.join("");
}

/** The same read back. @returns null for what no place is */
export function readPlace(text: string): readonly Step[] | null {
  if (!text.startsWith("input")) return null;
  const steps: Step[] = [];
  STEP.lastIndex = "input".length;
  while (STEP.lastIndex < text.length) {
    const [matched, plain, position, quoted] = STEP.exec(text) ?? [];
    if (matched === undefined) return null;
    steps.push(plain ?? (position === undefined ? unquoted(quoted ?? "") : Number(position)));
  }
  return steps;
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}

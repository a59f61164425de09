/** What the evaluator takes for one value of base data besides its text, in bytes, lists while they grow included. Measured with OPA's WebAssembly. */
const VALUE_BYTES = 180;
/** What it takes for each byte of JSON: the text is read from its own memory, which never shrinks. */
const TEXT_FACTOR = 2.4;

/**
 * What base data may take by {@link dataMemoryBytes}, in bytes: three quarters of the default of `policy.memoryLimitBytes`, so that an evaluation has
 * room. Data that does not load changes nothing in a proxy, revocations included; whoever compiles it for others stays below.
 */
export const DATA_MEMORY_LIMIT_BYTES = 48 << 20;

/** What the evaluator will take for these data, in bytes, rather too much than too little. Short lists and single numbers are dearer than text. Pure. */
export function dataMemoryBytes(data: unknown): number {
  let values = 0;
  const waiting: unknown[] = [data];
  while (waiting.length > 0) {
    const value = waiting.pop();
    values += 1;
    if (typeof value !== "object" || value === null) continue;
    for (const inside of Object.values(value)) waiting.push(inside);
  }
  return Math.ceil(values * VALUE_BYTES + Buffer.byteLength(JSON.stringify(data)) * TEXT_FACTOR);
}

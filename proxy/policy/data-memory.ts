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
  return memoryBytes(values, Buffer.byteLength(JSON.stringify(data)));
}

/**
 * The same for a text that nobody has parsed, and that need not be JSON: counted in one pass, without making anything of it. White space does not count.
 * @returns what {@link dataMemoryBytes} says of what it parses to, or more where a string is longer than it has to be, or a key is there twice
 */
export function textMemoryBytes(text: Uint8Array): number {
  let [values, bytes, before] = [1, 0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at] as number;
    if (byte <= SPACE) continue;
    const end = byte === QUOTE ? endOfString(text, at) : at;
    bytes += end - at + 1;
    at = end;
    // Each value but the first stands after a comma, or opens a list or an object that is not empty.
    if (byte === COMMA || OPENING.has(byte)) values += 1;
    else if (CLOSING.has(byte) && OPENING.has(before)) values -= 1;
    before = byte;
  }
  return memoryBytes(values, bytes);
}

const [SPACE, QUOTE, COMMA, BACKSLASH] = [0x20, 0x22, 0x2c, 0x5c];
const OPENING: ReadonlySet<number> = new Set(Buffer.from("[{"));
const CLOSING: ReadonlySet<number> = new Set(Buffer.from("]}"));

/** @returns where the quote is that ends the string, or the last byte */
function endOfString(text: Uint8Array, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return Math.min(at, text.length - 1);
}

function memoryBytes(values: number, bytes: number): number {
  return Math.ceil(values * VALUE_BYTES + bytes * TEXT_FACTOR);
}

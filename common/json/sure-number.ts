const [MINUS, POINT, ZERO, NINE, PLUS, UPPER_E, LOWER_E] = [0x2d, 0x2e, 0x30, 0x39, 0x2b, 0x45, 0x65];
/** Doubles keep this many significant digits of every number (IEEE 754 binary64). */
const SURE_DIGITS = 15;
const LONGEST_NUMBER = 400;

/**
 * Whether a double is what a reader of exact numbers reads, as far as anybody decides by it: fractions may be rounded, large whole numbers not.
 * @param start of a number in a JSON text, which is not judged @returns the place behind it too
 */
export function readNumber(text: Buffer, start: number): { readonly end: number; readonly isSure: boolean } {
  let end = start + 1;
  while (isOfPlainNumber(text[end] ?? 0)) end += 1;
  if (end - start <= SURE_DIGITS && !isOfNumber(text[end] ?? 0)) return { end, isSure: true };
  while (isOfNumber(text[end] ?? 0)) end += 1;
  return { end, isSure: end - start <= LONGEST_NUMBER && isUsual(text.toString("latin1", start, end)) };
}

/** Without an exponent: then the number of digits tells all. */
function isOfPlainNumber(byte: number): boolean {
  return (byte >= ZERO && byte <= NINE) || byte === POINT;
}

function isOfNumber(byte: number): boolean {
  return (byte >= ZERO && byte <= NINE) || byte === MINUS || byte === PLUS || byte === POINT || byte === UPPER_E || byte === LOWER_E;
}

function isUsual(text: string): boolean {
  const value = Number(text);
  const digits = (text.split(/e/i, 1)[0] ?? "").replace(/^-?[0.]*|\./g, "");
  if (Number.isNaN(value)) return true; // No JSON: the parser says so.
  if (!Number.isFinite(value) || (value === 0 && digits !== "")) return false;
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER || digits.length <= SURE_DIGITS) return true;
  return /^-?\d+$/.test(text) && BigInt(value) === BigInt(text);
}

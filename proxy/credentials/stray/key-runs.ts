/** The characters of which keys are made; everything else ends a run. */
const IS_KEY_CHARACTER = new Uint8Array(128);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") IS_KEY_CHARACTER[character.charCodeAt(0)] = 1;

/** A run shorter than this is no key. */
export const SHORTEST_RUN = 16;

/** The headers of all JWTs of one algorithm are the same. */
const COMMON = /^eyJ(?:hbGci|0eXAi|raWQi)/;

/** Calls back with each run of key characters that is long enough to be a key, in order. Linear in the length of the text, whatever is in it. */
export function eachRun(text: string, visit: (run: string) => void): void {
  let start = 0;
  for (let at = 0; at <= text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 128 && IS_KEY_CHARACTER[code] === 1) continue;
    if (at - start >= SHORTEST_RUN) visit(text.slice(start, at));
    start = at + 1;
  }
}

/** The run by which a key is known wherever it stands whole: its longest one; null if it has none that tells it from others. */
export function tellingRun(key: string, shortest = SHORTEST_RUN): string | null {
  let longest = "";
  eachRun(key, (run) => { if (run.length > longest.length && !COMMON.test(run)) longest = run; });
  return longest.length >= shortest ? longest : null;
}

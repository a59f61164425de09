/** What may stand between two characters of a secret without hiding it. */
export type Gaps = "none" | "text" | "hex" | "list";

/** Everything that one character can be written as, as a tree over bytes; letters count in either case. Node 0 is its root. */
export interface Writings {
  /** The node after a byte: `next[node * 256 + byte]`; 0 if no writing goes on so. */
  readonly next: Uint8Array;
  /** By node: 1 if the character is complete here. */
  readonly ends: Uint8Array;
  /** By node: what a gap weighs that is complete here; 0 if none is. */
  readonly gaps: Uint8Array;
  /** By node: 1 if a longer writing goes on from here. */
  readonly goesOn: Uint8Array;
}

/** Gaps between two characters may weigh so much together: one line break, and a few other bytes. */
export const GAP_LIMIT = 63;
export const LINE_BREAK_WEIGHT = 32;
/** Of a gap that counts only behind a line break: indentation. It weighs 1. */
export const INDENTATION = 2;
/** No character is longer with the gap before it, in bytes, where gaps are short. */
export const LONGEST_WRITING_BYTES = 64;

/** Names of HTML for characters of ASCII (HTML Living Standard §13.5), lower case. */
const HTML_NAMES: Readonly<Record<string, readonly string[]>> = {
  "!": ["excl"], '"': ["quot"], "#": ["num"], $: ["dollar"], "%": ["percnt"], "&": ["amp"], "'": ["apos"], "(": ["lpar"], ")": ["rpar"], "*": ["ast"],
  "+": ["plus"], ",": ["comma"], ".": ["period"], "/": ["sol"], ":": ["colon"], ";": ["semi"], "<": ["lt"], "=": ["equals"], ">": ["gt"], "?": ["quest"],
  "@": ["commat"], "[": ["lsqb", "lbrack"], "\\": ["bsol"], "]": ["rsqb", "rbrack"], "^": ["hat"], _: ["lowbar"], "`": ["grave"], "{": ["lcub", "lbrace"],
  "|": ["verbar", "vert"], "}": ["rcub", "rbrace"], " ": ["nbsp"],
};
const LETTER_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f" };

/** Line breaks as MIME, PEM, quoted-printable, JSON, URLs and HTML write them. */
const LINE_BREAKS = ["\n", "\r\n", "\\n", "\\r\\n", "%0a", "%0d%0a", "&#10;", "&#13;&#10;", "&#xa;", "&#xd;&#xa;", "=\n", "=\r\n", "\\u000a", "\\u000d\\u000a"];
/** The NUL bytes of UTF-16 and UTF-32; backslashes that escape once more than needed. */
const ANYWHERE = ["\0", "\\"];
const GAPS: Readonly<Record<Gaps, readonly (readonly [written: string, weight: number])[]>> = {
  none: [],
  text: gaps(ANYWHERE),
  hex: gaps([...ANYWHERE, ":", "-", ",", " ", "\t", "_", "0x", "\\x"]),
  list: gaps([",", ";", " ", "\t"]),
};

function gaps(anywhere: readonly string[]): [string, number][] {
  const indentation = [" ", "\t"].filter((blank) => !anywhere.includes(blank));
  return [...LINE_BREAKS.map((written): [string, number] => [written, LINE_BREAK_WEIGHT]), ...anywhere.map((written): [string, number] => [written, 1]),
    ...indentation.map((written): [string, number] => [written, INDENTATION])];
}

const known = new Map<string, Writings>();

/**
 * How any of some characters, which mean the same, is written as itself, in URLs (once and twice), JSON, JavaScript, HTML, quoted-printable
 * and UTF-16. Worked out once for the process.
 */
export function writingsOf(characters: string, between: Gaps): Writings {
  const key = `${between} ${characters}`;
  let writings = known.get(key);
  if (writings === undefined) {
    writings = plant(new Set(Array.from(characters).flatMap(inEitherCase).flatMap(write)), GAPS[between]);
    known.set(key, writings);
  }
  return writings;
}

/** How a number below 256 is written in a list of numbers. */
export function decimalWritings(byte: number, between: Gaps): Writings {
  const key = `${between} #${byte}`;
  let writings = known.get(key);
  if (writings === undefined) {
    writings = plant([String(byte)], GAPS[between]);
    known.set(key, writings);
  }
  return writings;
}

function inEitherCase(character: string): string[] {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x80 ? [...new Set([character, character.toLowerCase(), character.toUpperCase()])] : [character];
}

/** As latin1 text, one character a byte. */
function write(character: string): string[] {
  const code = character.codePointAt(0) ?? 0;
  const bytes = Buffer.from(character);
  const each = (one: (hex: string, byte: number) => string) => [...bytes].map((byte) => one(byte.toString(16).padStart(2, "0"), byte)).join("");
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  const numbers = [String(code), String(code).padStart(3, "0"), `x${code.toString(16)}`, `x${code.toString(16).padStart(4, "0")}`].map((number) => `#${number}`);
  const entities = [...numbers, ...(HTML_NAMES[character] ?? [])].map((name) => `&${name};`);
  return [
    bytes.toString("latin1"), each((hex) => `%${hex}`), each((hex) => `%25${hex}`), each((hex) => `=${hex}`), each((hex) => `\\x${hex}`),
    each((_hex, byte) => `\\${byte.toString(8).padStart(3, "0")}`), `\\u{${code.toString(16)}}`, units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join(""),
    ...entities, ...entities.map((entity) => `&amp;${entity.slice(1)}`), ...writeSpecially(character, code, units),
  ];
}

function writeSpecially(character: string, code: number, units: readonly number[]): string[] {
  if (code >= 0x80) {
    const pairs = units.map((unit) => [String.fromCharCode(unit & 0xff), String.fromCharCode(unit >> 8)] as const);
    const wide = [pairs.map(([low, high]) => low + high).join(""), pairs.map(([low, high]) => high + low).join("")];
    return code < 0x100 ? [...wide, character] : wide;
  }
  const letter = LETTER_ESCAPES[character];
  if (letter !== undefined) return [letter];
  if (character === " ") return ["+"];
  return /[0-9a-z]/i.test(character) ? [] : [`\\${character}`];
}

function plant(characters: Iterable<string>, between: readonly (readonly [string, number])[]): Writings {
  const nodes: { readonly children: Map<number, number>; ends: number; gap: number }[] = [{ children: new Map(), ends: 0, gap: 0 }];
  const reach = (written: string) => {
    let node = 0;
    for (const byte of Buffer.from(written.replace(/[A-Z]/g, (letter) => letter.toLowerCase()), "latin1")) {
      let child = nodes[node]?.children.get(byte);
      if (child === undefined) {
        child = nodes.push({ children: new Map(), ends: 0, gap: 0 }) - 1;
        nodes[node]?.children.set(byte, child);
      }
      node = child;
    }
    return nodes[node] as (typeof nodes)[number];
  };
  for (const written of characters) reach(written).ends = 1;
  for (const [written, weight] of between) reach(written).gap = weight;
  if (nodes.length > 256) throw new RangeError("a character with too many writings");
  const next = new Uint8Array(nodes.length * 256);
  for (const [node, { children }] of nodes.entries()) {
    for (const [byte, child] of children) for (const either of eitherCase(byte)) next[node * 256 + either] = child;
  }
  return { next, ends: Uint8Array.from(nodes, ({ ends }) => ends), gaps: Uint8Array.from(nodes, ({ gap }) => gap), goesOn: Uint8Array.from(nodes, ({ children }) => (children.size > 0 ? 1 : 0)) };
}

function eitherCase(byte: number): readonly number[] {
  return byte >= 0x61 && byte <= 0x7a ? [byte, byte - 0x20] : [byte];
}

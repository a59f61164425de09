import type { Secret } from "../../common/secret.ts";
import { decimalWritings, writingsOf, type Writings } from "./secret-writings.ts";

/** A form that a secret can come back in: character by character, each in any of its writings. */
export interface Pattern {
  /** Which of the secrets. */
  readonly secret: number;
  readonly characters: readonly Writings[];
  /** So many of them nobody says by chance, nor because all keys of this kind begin so. */
  readonly telling: number;
}

/** What keys of a kind begin with; a JWT, with its header. */
const PUBLIC_BEGINNING = new RegExp("^(?:sk-ant-(?:api03-|oat01-)?|sk-proj-|sk-or-v1-|sk-|github_pat_|gh[oprsu]_|glpat-|xox[abp]-|xapp-|npm_|pypi-AgEI|hf_|[rs]k_(?:test|live)_"
  + "|AIza|A[KS]IA|ya29\\.|hv[bs]\\.|whsec_|eyJ[A-Za-z0-9_-]{1,1024}\\.)");
const TELLING_CHARACTERS = 8;

/** Shorter ones are found by chance in ordinary answers. No grant lends such a secret (proxy/credentials/injectors.ts). */
const SHORTEST = 4;

/**
 * The forms to look for, in characters: as it is, reversed, in base64 of either alphabet at each of the three alignments, in hex, and as a list
 * of decimal numbers. How the characters are written is the business of secret-writings.ts.
 */
export function patternsOf(secrets: readonly Secret[]): readonly Pattern[] {
  // Of two grants with one secret the first is named.
  const values = new Map(secrets.map((secret, index) => [secret.reveal(), index] as const).toReversed());
  const patterns = [...values].flatMap(([value, secret]) => formsOf(value).map((characters) => ({ secret, characters, telling: tellingOf(value, characters.length) })));
  return patterns.filter(({ characters }) => characters.length >= SHORTEST);
}

/** For short secrets half of them. */
function tellingOf(value: string, characters: number): number {
  const known = PUBLIC_BEGINNING.exec(value)?.[0].length ?? 0;
  return Math.ceil(known * characters / value.length) + Math.max(SHORTEST, Math.min(TELLING_CHARACTERS, Math.floor((value.length - known) / 2)));
}

function formsOf(value: string): (readonly Writings[])[] {
  const text = Array.from(value);
  if (text.length < SHORTEST) return [];
  const raw = Buffer.from(value, "utf8");
  const bytes = [...raw];
  return [
    inText(text), inText(text.toReversed()),
    ...[0, 1, 2].map((shift) => inText(Array.from(base64Core(raw, shift), eitherAlphabet))),
    Array.from(raw.toString("hex"), (digit, at) => writingsOf(digit, at === 0 ? "none" : "hex")),
    bytes.map((byte, at) => decimalWritings(byte, at === 0 ? "none" : "list")),
  ];
}

function inText(characters: readonly string[]): readonly Writings[] {
  return characters.map((character, at) => writingsOf(character, at === 0 ? "none" : "text"));
}

/** The characters that depend on the secret alone when it stands `shift` bytes after a multiple of three (RFC 4648 §4). */
function base64Core(raw: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), raw]).toString("base64");
  return text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + raw.byteLength) * 8) / 6));
}

/** Both alphabets (RFC 4648 §4, §5), and the plus sign that a form made a space of. */
function eitherAlphabet(character: string): string {
  if (character === "+") return "+- ";
  return character === "/" ? "/_" : character;
}

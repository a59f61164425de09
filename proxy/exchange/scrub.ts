import type { Secret } from "../../common/secret.ts";

/** A form shorter than this is found by chance in ordinary answers. */
const SHORTEST_FORM_BYTES = 8;
const SHORTEST_RAW_BYTES = 4;
const MASK = "*".charCodeAt(0);

/** What to look for, worked out once for the secrets of a loan. */
interface Search {
  readonly forms: readonly Buffer[];
  /** Per byte value: whether any form begins with it. */
  readonly begins: Uint8Array;
  /** The forms in lower case, as field names are. */
  readonly names: readonly string[];
  readonly shortest: number;
  readonly longest: number;
}

const searchOf = new WeakMap<readonly Secret[], Search>();

/**
 * Takes lent secrets out of an answer while it streams: as they are, reversed, percent-encoded, in JSON, HTML, hex and base64 (both alphabets,
 * all three alignments). Each byte of a find becomes `*`, so that lengths and framing stay true. Holds back only bytes that may be the
 * beginning of a secret. Best effort by nature: a destination that transforms a secret in another way, or spreads it, gets it through.
 */
export class Scrubber {
  readonly #search: Search;
  #held: Buffer = Buffer.alloc(0);
  /** So many of the held bytes belong to a find already. */
  #heldMasked = 0;

  constructor(secrets: readonly Secret[]) {
    this.#search = searchFor(secrets);
  }

  /** A header value, complete. */
  text(value: string): string {
    if (value.length < this.#search.shortest) return value;
    const bytes = Buffer.from(value, "latin1");
    const finds = this.#find(bytes);
    return finds.length === 0 ? value : masked(bytes, finds).toString("latin1");
  }

  /** Whether a field name shows a secret, in any letter case: it cannot be masked, so that the field must go. @param name lower case */
  isIn(name: string): boolean {
    return name.length >= this.#search.shortest && this.#search.names.some((form) => name.includes(form));
  }

  /** @returns what may pass now; perhaps nothing */
  push(chunk: Buffer): Buffer {
    const bytes = this.#held.byteLength === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const finds = this.#find(bytes);
    if (this.#heldMasked > 0) finds.push([0, this.#heldMasked]);
    const keepFrom = this.#firstPossibleStart(bytes);
    this.#heldMasked = Math.max(0, ...finds.map(([from, to]) => (from <= keepFrom ? to - keepFrom : 0)));
    this.#held = bytes.subarray(keepFrom);
    const clean = finds.length === 0 ? bytes : masked(bytes, finds);
    return clean.subarray(0, keepFrom);
  }

  /** @returns what was held back, at the end of the body */
  flush(): Buffer {
    const rest = this.#heldMasked === 0 ? this.#held : masked(this.#held, [[0, this.#heldMasked]]);
    this.#held = Buffer.alloc(0);
    this.#heldMasked = 0;
    return rest;
  }

  #find(bytes: Buffer): [from: number, to: number][] {
    const finds: [number, number][] = [];
    for (const form of this.#search.forms) {
      for (let at = bytes.indexOf(form); at !== -1; at = bytes.indexOf(form, at + 1)) finds.push([at, at + form.byteLength]);
    }
    return finds;
  }

  /** The first offset whose bytes up to the end are a true beginning of some form. */
  #firstPossibleStart(bytes: Buffer): number {
    const { forms, begins, longest } = this.#search;
    for (let at = Math.max(0, bytes.byteLength - longest + 1); at < bytes.byteLength; at += 1) {
      if (begins[bytes[at] ?? 0] === 0) continue;
      const left = bytes.byteLength - at;
      if (forms.some((form) => form.byteLength > left && bytes.compare(form, 0, left, at) === 0)) return at;
    }
    return bytes.byteLength;
  }
}

function masked(bytes: Buffer, finds: readonly (readonly [number, number])[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const [from, to] of finds) copy.fill(MASK, from, to);
  return copy;
}

function searchFor(secrets: readonly Secret[]): Search {
  let search = searchOf.get(secrets);
  if (search === undefined) {
    const forms = secrets.flatMap((secret) => writeForms(secret.reveal()));
    const begins = new Uint8Array(256);
    for (const form of forms) begins[form[0] ?? 0] = 1;
    const lengths = forms.map((form) => form.byteLength);
    const names = [...new Set(forms.map((form) => form.toString("latin1").toLowerCase()))];
    search = { forms, begins, names, shortest: Math.min(...lengths), longest: Math.max(0, ...lengths) };
    searchOf.set(secrets, search);
  }
  return search;
}

function writeForms(value: string): readonly Buffer[] {
  const raw = Buffer.from(value, "utf8");
  const percent = encodeURIComponent(value);
  const json = JSON.stringify(value).slice(1, -1);
  const written = [
    percent, percent.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()), percent.replaceAll("%20", "+"),
    json, json.replaceAll("/", "\\/"), escapeHtml(value), Buffer.from(raw).reverse().toString("latin1"),
    raw.toString("hex"), raw.toString("hex").toUpperCase(),
    ...[0, 1, 2].flatMap((shift) => base64Forms(raw, shift)),
  ];
  const unique = new Set(written.filter((form) => form !== value && Buffer.byteLength(form) >= SHORTEST_FORM_BYTES));
  const forms = [...unique].map((form) => Buffer.from(form, "utf8"));
  return raw.byteLength >= SHORTEST_RAW_BYTES ? [raw, ...forms] : forms;
}

/** The characters that depend on the secret alone when it stands `shift` bytes after a multiple of three. */
function base64Forms(raw: Buffer, shift: number): string[] {
  const text = Buffer.concat([Buffer.alloc(shift), raw]).toString("base64");
  const core = text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + raw.byteLength) * 8) / 6));
  return [core, core.replaceAll("+", "-").replaceAll("/", "_")];
}

function escapeHtml(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

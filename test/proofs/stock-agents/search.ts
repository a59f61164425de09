import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Forms in which a secret is looked for: as it is, in hex, in base64 at each alignment, percent-encoded, escaped in JSON, and reversed. */
function formsOf(secret: string): readonly Buffer[] {
  const raw = Buffer.from(secret);
  const base64 = [0, 1, 2].flatMap((skip) => {
    // The first and last characters depend on what is beside the secret; the middle does not.
    const text = raw.subarray(skip).toString("base64").replaceAll("=", "").slice(0, -2);
    return [text, text.replaceAll("+", "-").replaceAll("/", "_")];
  });
  const texts = [secret, raw.toString("hex"), raw.toString("hex").toUpperCase(), encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), [...secret].reverse().join(""), ...base64];
  return [...new Set(texts)].map((text) => Buffer.from(text));
}

/** Looks for secrets in bytes. @returns a finder that gives the name of the first one that is there, or null */
export function finderOf(secrets: Readonly<Record<string, string>>): (bytes: Buffer) => string | null {
  const forms = Object.entries(secrets).flatMap(([name, secret]) => formsOf(secret).map((form) => [name, form] as const));
  return (bytes) => forms.find(([, form]) => bytes.includes(form))?.[0] ?? null;
}

/** What was searched. */
export interface Searched {
  readonly files: number;
  readonly bytes: number;
  /** Which secret is where; empty if none is anywhere. */
  readonly found: readonly string[];
}

/** Searches every file below a folder, hidden ones and databases too. */
export function searchFolder(folder: string, find: (bytes: Buffer) => string | null): Searched {
  const found: string[] = [];
  let bytes = 0;
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const content = readFileSync(path);
    bytes += content.byteLength;
    const name = find(content);
    if (name !== null) found.push(`the credential ${name} is in ${path}`);
  }
  return { files: entries.length, bytes, found };
}

import { LRUCache } from "lru-cache";
import { EgressError } from "../errors.ts";

/** Pages show the first characters of a key to say which one it is; nobody needs to read so many of them. */
const PROBE_LIMIT = 32;
const REMEMBERED_LIMIT = 65_536;

/**
 * Counts how often an answer for an instance began as a lent secret does, further than chance goes, and went on otherwise. Bytes that may begin a
 * secret are held back, and whoever sees which are can guess the next character: an agent that makes a destination say its guesses would
 * read the secret one character at a time. After PROBE_LIMIT of them, the credential is lent to that instance no more.
 */
export class ProbeWatch {
  /** By instance and reference. */
  readonly #counts = new LRUCache<string, number>({ max: REMEMBERED_LIMIT });

  /** @param reference of the credential, with its version: a new secret is worth new guesses @returns why the exchange must end, or null */
  note(instance: string, reference: string): EgressError | null {
    const key = keyOf(instance, reference);
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count > PROBE_LIMIT ? probed(reference) : null;
  }

  /** @throws EgressError `credential.probed` */
  requireTrusted(instance: string, references: readonly string[]): void {
    if (this.#counts.size === 0) return;
    const spent = references.find((reference) => (this.#counts.get(keyOf(instance, reference)) ?? 0) > PROBE_LIMIT);
    if (spent !== undefined) throw probed(spent);
  }
}

function keyOf(instance: string, reference: string): string {
  return `${instance} ${reference}`;
}

function probed(reference: string): EgressError {
  const grant = reference.split("@", 1)[0] ?? "";
  return new EgressError("credential.probed", `more than ${PROBE_LIMIT} answers began as ${reference} does and went on otherwise`, {
    explanation: {
      rule: `grant.${grant}`, reason: "Answers came close to the credential's text too often.",
      hint: "Do not have the destination say guesses at a credential. A new instance of the agent, or a new version of the secret, is lent again.",
    },
  });
}

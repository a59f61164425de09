import { LRUCache } from "lru-cache";
import type { Loan } from "../../model/loan.ts";
import { tellingRun } from "./key-runs.ts";

/** Secrets that are remembered; what was lent longest ago goes first. */
const LIMIT = 4_096;
/**
 * Below this a secret is not compared: the answer would tell an agent that guesses whether it guessed right. A run of so many characters, so
 * many of them different, is found by no amount of asking.
 */
const SHORTEST_GUESS = 24;
const FEWEST_CHARACTERS = 10;

/** The secrets that were lent lately, and to which grants they belong. Holds what it is given as long as it is in use, like the loans themselves. */
export class LiveSecrets {
  readonly #owners = new LRUCache<string, readonly string[]>({ max: LIMIT });
  readonly #noted = new WeakSet<Loan>();

  /** @param grants those that the loan was made of, in its order */
  note(loan: Loan, grants: readonly { readonly name: string }[]): void {
    if (this.#noted.has(loan)) return;
    this.#noted.add(loan);
    const texts = loan.secrets.map((secret) => secret.reveal());
    for (const [index, text] of texts.entries()) {
      if (!isBeyondGuessing(bareOf(text, texts))) continue;
      const owner = grants[loan.owners[index] ?? 0]?.name ?? "";
      for (const form of [text, Buffer.from(text).toString("base64url")]) {
        const run = tellingRun(form, SHORTEST_GUESS);
        if (run !== null) this.#owners.set(run, [...new Set([...this.#owners.get(run) ?? [], owner])]);
      }
    }
  }

  get isEmpty(): boolean {
    return this.#owners.size === 0;
  }

  /** Names of the grants to one of which this belongs; undefined if it is no secret in use. @param run a whole run of key characters */
  ownersOf(run: string): readonly string[] | undefined {
    return this.#owners.get(run);
  }
}

/** Writing it in another way, beside a user that the agent may know, makes no secret stronger: what counts is the secret itself. */
function isBeyondGuessing(bare: string): boolean {
  const run = tellingRun(bare, SHORTEST_GUESS);
  return run !== null && new Set(run).size >= FEWEST_CHARACTERS && /[0-9A-Z]/.test(run);
}

/** HTTP Basic is base64 of user and password: then the password, if it is among the secrets; else the text itself. */
function bareOf(text: string, secrets: readonly string[]): string {
  const decoded = Buffer.from(text, "base64").toString("utf8");
  return secrets.find((secret) => secret !== text && decoded.endsWith(`:${secret}`)) ?? text;
}

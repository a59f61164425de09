import { randomBytes, randomInt } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Stage } from "../../support/stage.ts";

const DOMAIN = "canary.test";
/** What the agent writes where the boundary puts a secret. */
export const PLACEHOLDER = "CANARY-PLACEHOLDER-0001";
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const SIGNS = `${LETTERS}+/=&<>"'\\%~!@#$^*()?:.,{}|`;

/** How secrets of one host are lent, and of what characters they are. */
interface Lending {
  readonly inject: Readonly<Record<string, unknown>>;
  readonly characters: string;
  /** Set where the source gives several values. */
  readonly fields?: Readonly<Record<string, string>>;
}

const LENDINGS: Readonly<Record<string, Lending>> = {
  header: { inject: { type: "header", header: "x-api-key", format: "{secret}" }, characters: SIGNS },
  bearer: { inject: { type: "header" }, characters: LETTERS },
  basic: { inject: { type: "basic", user: "canary" }, characters: SIGNS },
  git: { inject: { type: "git", forge: "gitlab" }, characters: LETTERS },
  query: { inject: { type: "query", parameter: "key" }, characters: SIGNS },
  cookie: { inject: { type: "cookie", name: "session" }, characters: LETTERS },
  placeholder: { inject: { type: "placeholder", in: ["header", "path", "query", "json", "websocket"], headers: ["x-token"], placeholder: PLACEHOLDER }, characters: LETTERS },
  sigv4: {
    inject: { type: "aws-sigv4", regions: ["*"], services: ["s3"] }, characters: LETTERS,
    fields: { accessKeyId: "id", secretAccessKey: "secret", sessionToken: "token" },
  },
  certificate: { inject: { type: "client-certificate" }, characters: LETTERS, fields: { certificate: "certificate", privateKey: "key" } },
};

/** One value that was in a store, and how often it reached its destination. */
export interface LentValue {
  readonly text: string;
  arrivals: number;
}

/** The stores of the proof: a file for each way of lending, whose secret is another one every moment. */
export class LentSecrets {
  readonly kinds = Object.keys(LENDINGS);
  readonly #stage: Stage;
  readonly #byHost = new Map<string, LentValue[]>();
  readonly #certificates: (readonly [certificate: string, key: string])[];

  private constructor(stage: Stage, certificates: (readonly [string, string])[]) {
    this.#stage = stage;
    this.#certificates = certificates;
    for (const kind of this.kinds) this.change(kind);
  }

  static async open(stage: Stage): Promise<LentSecrets> {
    const pairs = await Promise.all(Array.from({ length: 4 }, async () => stage.authority.leaf(["agent"])));
    return new LentSecrets(stage, pairs.map(({ certPem, keyPem }) => [certPem, keyPem] as const));
  }

  get all(): readonly LentValue[] {
    return [...this.#byHost.values()].flat();
  }

  get grants(): Record<string, unknown> {
    return Object.fromEntries(Object.entries(LENDINGS).map(([kind, { inject, fields }]) => [kind, {
      credential: { type: "file", path: this.#path(kind), ...(fields === undefined ? {} : { fields }) }, inject, bind: { hosts: [hostOf(kind)], methods: ["GET", "POST", "HEAD"], paths: ["/**"] },
    }]));
  }

  /** Puts a new secret into a store, in one step. */
  change(kind: string): void {
    const lending = LENDINGS[kind] as Lending;
    const value = randomText(lending.characters, randomInt(20, 64));
    const path = this.#path(kind);
    writeFileSync(`${path}.new`, this.#content(kind, value), { mode: 0o600 });
    renameSync(`${path}.new`, path);
    const known = this.#byHost.get(hostOf(kind)) ?? [];
    this.#byHost.set(hostOf(kind), [...known, { text: value, arrivals: 0 }]);
  }

  /** Which secret of a host a request shows to its destination, newest first. */
  shownBy(host: string, request: string): LentValue | null {
    return this.#byHost.get(host)?.findLast(({ text }) => request.includes(text) || request.includes(encodeURIComponent(text))) ?? null;
  }

  #content(kind: string, value: string): string {
    if (kind === "sigv4") return JSON.stringify({ id: "AKIACANARYCANARY1234", secret: this.#hidden(kind), token: value });
    if (kind !== "certificate") return value;
    const [certificate, key] = this.#certificates[randomInt(this.#certificates.length)] ?? ["", ""];
    this.#byHost.set(hostOf(kind), [...this.#byHost.get(hostOf(kind)) ?? [], ...keyLines(key).map((text) => ({ text, arrivals: 0 }))]);
    return JSON.stringify({ certificate, key });
  }

  /** Never shown to anybody, but to be searched for. */
  #hidden(kind: string): string {
    const text = randomText(LETTERS, 40);
    this.#byHost.set(hostOf(kind), [...this.#byHost.get(hostOf(kind)) ?? [], { text, arrivals: 0 }]);
    return text;
  }

  #path(kind: string): string {
    return join(this.#stage.directory, "secrets", kind);
  }
}

export function hostOf(kind: string): string {
  return `${kind}.${DOMAIN}`;
}

/** The lines of a key that are its own: the first says which kind of key it is, and the last is short. */
function keyLines(pem: string): string[] {
  return pem.split("\n").filter((line) => line.length === 64).slice(1);
}

function randomText(characters: string, length: number): string {
  // The first and the last are letters: a field's value has no spaces around it, and signs there would be a form of their own.
  const bytes = randomBytes(length);
  return Array.from(bytes, (byte, at) => (at < 2 || at > length - 3 ? LETTERS[byte % 62] : characters[byte % characters.length]) ?? "").join("");
}

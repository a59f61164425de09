import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import type { Http2ServerResponse, ServerHttp2Stream } from "node:http2";
import { createGzip, type Gzip } from "node:zlib";
import type { AnswerPlan } from "./answer-plan.ts";
import type { Tally } from "./tally.ts";

/** One request, whole, and what the model is to do with it. */
export interface Asked {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Undefined if it is no JSON. */
  readonly body: unknown;
  readonly payers: readonly string[];
  readonly plan: AnswerPlan;
  readonly tally: Tally;
}

/** Turned away as the provider would: the status, and why in its words. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;
  /** The provider's own name for it, where it has one. */
  readonly type: string | null;

  constructor(status: number, message: string, type: string | null = null) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

/** One API under its paths. */
export interface Api {
  /** @returns false if the path is of another API @throws Refused */
  serve(asked: Asked, answer: Answering): Promise<boolean>;
  /** An error in the provider's own shape. */
  errorBody(refused: Refused): object;
}

/** The answer to one request, paced by who reads it. */
export class Answering {
  readonly #answer: Http2ServerResponse;
  readonly #plan: AnswerPlan;
  #gzip: Gzip | null = null;

  constructor(answer: Http2ServerResponse, plan: AnswerPlan) {
    this.#answer = answer;
    this.#plan = plan;
  }

  get status(): number {
    return this.#answer.statusCode;
  }

  get hasBegun(): boolean {
    return this.#answer.headersSent;
  }

  get isHeard(): boolean {
    return !this.#answer.destroyed && !this.#answer.writableEnded && this.#answer.socket?.destroyed !== true;
  }

  begin(status: number, headers: Readonly<Record<string, string>>): void {
    if (this.#plan.coding === "gzip") {
      const gzip = this.#gzip = createGzip();
      gzip.on("data", (bytes: Buffer) => { if (this.isHeard) this.#answer.write(bytes); }).on("end", () => { this.#answer.end(); });
    }
    this.#answer.writeHead(status, this.#gzip === null ? headers : { ...headers, "content-encoding": "gzip" });
  }

  /** Sends, and waits while the reader is behind. */
  async say(bytes: string | Uint8Array): Promise<void> {
    if (!this.isHeard) return;
    if (this.#gzip !== null) {
      this.#gzip.write(bytes);
      this.#gzip.flush();
      return;
    }
    if (this.#answer.write(bytes)) return;
    const settled = new AbortController();
    await Promise.race([once(this.#answer, "drain", settled), once(this.#answer, "close", settled)]).catch(() => undefined);
    settled.abort();
  }

  end(): void {
    if (this.#gzip !== null) this.#gzip.end();
    else this.#answer.end();
  }

  /** Ends the connection as a crash does. */
  drop(): void {
    // Of HTTP/1.1 there is no stream.
    ((this.#answer as { readonly stream?: ServerHttp2Stream }).stream ?? this.#answer.socket).destroy();
  }

  /** An answer that is no stream. */
  async json(status: number, text: string | object, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    const body = typeof text === "string" ? text : JSON.stringify(text);
    const fault = this.#plan.fault?.kind === "drop" && status === 200;
    this.begin(status, { "content-type": "application/json", ...(this.#plan.coding === "gzip" ? {} : { "content-length": String(Buffer.byteLength(body)) }), ...headers });
    if (!fault) {
      await this.say(body);
      return this.end();
    }
    await this.say(body.slice(0, body.length >> 1));
    this.drop();
  }
}

/** The usage as the plan has it told, as JSON text; null if it is left out. @param truth in the API's own fields */
export function toldUsage({ isUsageMissing, lies, rawUsage }: AnswerPlan, truth: Readonly<Record<string, unknown>>): string | null {
  if (isUsageMissing) return null;
  if (rawUsage !== null) return rawUsage;
  const told = { ...truth, ...lies };
  return JSON.stringify(Object.fromEntries(Object.entries(told).filter(([, value]) => value !== null)));
}

/** Where {@link jsonWith} puts the usage. */
export const USAGE = "@usage@";

/** JSON of an object with the usage, which is JSON already, at its place; with null the field goes. */
export function jsonWith(object: object, usage: string | null): string {
  return JSON.stringify(object, (_name, value: unknown) => (value === USAGE && usage === null ? undefined : value)).replaceAll(`"${USAGE}"`, () => usage ?? "");
}

import { Duplex } from "node:stream";
import type { Readable } from "node:stream";
import type { EgressError } from "../../proxy/errors.ts";
import type { Opened } from "../../proxy/model/connection.ts";
import type { Answer, AnswerListener, Incoming } from "../../proxy/model/incoming.ts";
import type { HeaderList, RawHead } from "../../proxy/model/request.ts";
import { opened } from "./exchange.ts";

/** An answer in memory that keeps what it is told, and fails on calls out of order. */
export class FakeAnswer implements Answer {
  isStarted = false;
  gone: EgressError | null = null;
  status = 0;
  headers: HeaderList = [];
  body = Buffer.alloc(0);
  trailers: HeaderList = [];
  informed: number[] = [];
  proceeded = 0;
  fatal: boolean | null = null;
  isEnded = false;
  cutBy: EgressError | null = null;
  /** Set to make the agent a slow reader. */
  isFull = false;
  stream: Duplex | null = null;
  listener: AnswerListener | null = null;

  listen(listener: AnswerListener): void {
    this.listener = listener;
    if (this.gone !== null) listener.onGone(this.gone);
  }

  leave(error: EgressError): void {
    this.gone = error;
    this.listener?.onGone(error);
  }

  refusing(isFatal: boolean): void { this.fatal = isFatal; }
  proceed(): void { this.proceeded += 1; }
  inform(status: number): void { this.informed.push(status); }

  head(status: number, headers: HeaderList): void {
    if (this.isStarted) throw new Error("two heads");
    this.isStarted = true;
    this.status = status;
    this.headers = headers;
  }

  data(chunk: Buffer): boolean {
    if (!this.isStarted || this.isEnded) throw new Error("data out of order");
    this.body = Buffer.concat([this.body, chunk]);
    return !this.isFull;
  }

  end(trailers: HeaderList): void {
    if (!this.isStarted || this.isEnded) throw new Error("end out of order");
    this.isEnded = true;
    this.trailers = trailers;
  }

  cut(error: EgressError): void { this.cutBy = error; }

  upgrade(headers: HeaderList): Duplex {
    this.head(101, headers);
    this.stream = new Duplex({ read() {}, write(_chunk, _encoding, done) { done(); } });
    return this.stream;
  }

  header(name: string): string | undefined {
    return this.headers.find(([field]) => field === name)?.[1];
  }

  json(): Record<string, unknown> {
    return JSON.parse(this.body.toString()) as Record<string, unknown>;
  }
}

export interface Request {
  readonly method?: string;
  readonly target?: string;
  readonly fields?: readonly (readonly [string, string])[];
  readonly body?: Readable | null;
  readonly connection?: Partial<Opened>;
  readonly fault?: EgressError;
}

/** One request of an agent, with its answer in memory. */
export function incoming(request: Request = {}): Incoming & { readonly answer: FakeAnswer } {
  const head: RawHead = {
    httpVersion: "1.1", method: request.method ?? "GET", target: request.target ?? "/v1/x?key=secret-ish", authority: null, scheme: null,
    rawHeaders: [["Host", "api.ok"], ...(request.fields ?? [["user-agent", "test/1"]])].flat(),
  };
  return {
    connection: opened(request.connection), exchangeId: "c1.1", head: request.fault === undefined ? head : null, fault: request.fault ?? null,
    body: request.body ?? null, answer: new FakeAnswer(),
  };
}

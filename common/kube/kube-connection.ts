import type { Readable } from "node:stream";
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import type { Dispatcher } from "undici";
import type { Clock } from "../clock.ts";
import type { KubeAccess } from "./kube-access.ts";
import { CredentialedPools } from "./kube-pools.ts";
import { connectionError, kubeErrorOf, noAnswer } from "./kube-status.ts";

/** Tries of a call that the server puts off with 429 (priority and fairness), the first included. */
const TRIES = 4;
/** Longest pause that the server's Retry-After may ask for, in milliseconds. */
const RETRY_AFTER_LIMIT_MS = 10_000;
/** Largest answer that only says what went wrong, in bytes. */
const ERROR_LIMIT_BYTES = 1 << 20;

export interface KubeRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: { readonly type: string; readonly text: string };
  /** Of the whole call, in milliseconds: tries, pauses and the answer's body. */
  readonly timeoutMs: number;
  readonly limitBytes: number;
}

/** As whom the calls are made, if not as the one whom the credentials name; that one needs the right to impersonate. */
export interface Impersonation {
  readonly user: string;
  readonly groups?: readonly string[];
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: unknown;
}

/** Requests to one API server: deadlines, limits, what may be tried again, and errors in the words of the API. Follows no redirect. */
export class KubeConnection {
  readonly #pools: CredentialedPools;
  readonly #clock: Clock;

  constructor(access: KubeAccess, clock: Clock, impersonate: Impersonation | undefined) {
    this.#pools = new CredentialedPools(access, impersonate);
    this.#clock = clock;
  }

  /** @returns the answer's JSON @throws KubeError for everything but a 2xx */
  async call(request: KubeRequest, signal?: AbortSignal): Promise<unknown> {
    const what = `${request.method} ${request.path}`;
    const deadlineMs = this.#clock.monotonicMs() + request.timeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#answer(request, what, deadlineMs, signal);
      if (answer.status >= 200 && answer.status < 300) return answer.body;
      const error = kubeErrorOf(answer.status, answer.body, what);
      const pauseMs = answer.status === 429 && attempt < TRIES ? retryPauseMs(answer.retryAfter) : Infinity;
      if (this.#clock.monotonicMs() + pauseMs >= deadlineMs) throw error;
      await pause(pauseMs, undefined, signal === undefined ? {} : { signal });
    }
  }

  /** Opens a stream, such as a watch: the deadline is for its head only. @throws KubeError for everything but a 200 */
  async open(path: string, timeoutMs: number, signal: AbortSignal): Promise<Dispatcher.ResponseData["body"]> {
    const what = `GET ${path}`;
    const late = new AbortController();
    const timer = setTimeout(() => { late.abort(noAnswer("Timeout", what, `no answer within ${timeoutMs} ms`)); }, timeoutMs);
    const both = AbortSignal.any([signal, late.signal]);
    try {
      const { pool, headers } = await this.#pools.current("streams");
      const response = await pool.request({ method: "GET", path: this.#pools.prefix + path, headers, signal: both });
      if (response.statusCode === 200) return response.body;
      throw kubeErrorOf(response.statusCode, json(await bounded(response.body, ERROR_LIMIT_BYTES, what)), what);
    } catch (error) {
      throw late.signal.aborted ? late.signal.reason : signal.aborted ? signal.reason : connectionError(error, what);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends every request that is still under way. */
  async close(): Promise<void> {
    await this.#pools.close();
  }

  async #answer(request: KubeRequest, what: string, deadlineMs: number, signal: AbortSignal | undefined): Promise<Answer> {
    const leftMs = deadlineMs - this.#clock.monotonicMs();
    const late = new AbortController();
    const timeout = noAnswer("Timeout", what, `no answer within ${request.timeoutMs} ms`);
    const timer = setTimeout(() => { late.abort(timeout); }, leftMs);
    const both = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
    try {
      const { pool, headers } = await this.#pools.current("calls");
      const { statusCode, headers: answered, body } = await pool.request({
        method: request.method, path: this.#pools.prefix + request.path, signal: both,
        ...(request.body === undefined ? { headers, body: null } : {
          headers: { ...headers, "content-type": request.body.type, "content-length": String(Buffer.byteLength(request.body.text)) },
          body: inTime(request.body.text, () => this.#clock.monotonicMs() >= deadlineMs, timeout),
        }),
      });
      const text = await bounded(body, statusCode < 300 ? request.limitBytes : ERROR_LIMIT_BYTES, what);
      const parsed = json(text);
      if (parsed === undefined && statusCode < 300) throw noAnswer("Malformed", what, "the answer is not JSON");
      return { status: statusCode, retryAfter: one(answered["retry-after"]), body: parsed };
    } catch (error) {
      throw late.signal.aborted ? timeout : signal?.aborted === true ? signal.reason : connectionError(error, what);
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * A body in two parts, with a look at the clock between them: nothing is written for a process that stood still (SIGSTOP, a frozen machine) until
 * the call was late. If it stands still after that look, head and first part are with the API server, whose own deadline has begun (`timeout` of
 * the query) and which then refuses a body that comes too late.
 * @throws error, into the request, if it is late
 */
function inTime(text: string, isLate: () => boolean, error: Error): Readable {
  const bytes = Buffer.from(text);
  const parts = async function* () {
    yield bytes.subarray(0, -1);
    await nextTurn();
    if (isLate()) throw error;
    yield bytes.subarray(-1);
  };
  // undici takes any async iterable, and asks it for a part when the one before is written; its types name only this one, which would read ahead.
  return parts() as unknown as Readable;
}

async function bounded(body: AsyncIterable<Buffer>, limitBytes: number, what: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > limitBytes) throw noAnswer("Oversized", what, `the answer is larger than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes).toString("utf8");
}

/** The text's value, or nothing: proxies in between answer in other formats. */
function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Retry-After in seconds (RFC 9110 §10.2.3; the API server sends no dates), spread by up to a half so that clients do not return together. */
function retryPauseMs(retryAfter: string | undefined): number {
  const seconds = /^\d{1,6}$/.test(retryAfter ?? "") ? Number(retryAfter) : 1;
  return Math.min(Math.max(seconds, 1) * 1_000, RETRY_AFTER_LIMIT_MS) * (1 + Math.random() / 2);
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

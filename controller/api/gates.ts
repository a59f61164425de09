import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { createMiddleware } from "hono/factory";
import { LRUCache } from "lru-cache";
import { APPROVALS_PATHS } from "../../common/approvals/wire.ts";
import { INSTANCE_HEADER } from "../../common/labels.ts";
import type { ApiConfig } from "./config.ts";
import { callerKey, type ApiEnv, type RouteParts } from "./context.ts";
import { ApiProblem, problemOf } from "./problem.ts";
import { RateLimit } from "./rate-limit.ts";

const SECONDS_PER_MINUTE = 60;
const WAITS_ON_PURPOSE: ReadonlySet<string> = new Set(["/v1/instance/messages", APPROVALS_PATHS.poll]);
/** Credentials that were good, by their hash, and for how long that is remembered, in milliseconds. */
const PROVEN_LIMIT = 10_000;
const PROVEN_MS = 3_600_000;

/**
 * Nobody passes without a name, and nobody faster than their bucket fills. An address that only shows bad tokens is turned away before the API server
 * is asked; not so a token from there that was good before: behind a gateway or a port-forward everybody has one address.
 */
export function authentication({ access, clock, config }: RouteParts) {
  const calls = new RateLimit({ perSecond: config.callsPerSecond, burst: config.callBurst, clock });
  const nodes = new RateLimit({ perSecond: config.nodeCallsPerSecond, burst: config.nodeCallsPerSecond, clock });
  const refusals = new RateLimit({ perSecond: config.refusalsPerMinute / SECONDS_PER_MINUTE, burst: config.refusalsPerMinute, clock });
  const proven = new LRUCache<string, true>({ max: PROVEN_LIMIT, ttl: PROVEN_MS, perf: { now: () => clock.monotonicMs() }, ttlResolution: 0 });
  return createMiddleware<ApiEnv>(async (context, next) => {
    const address = context.env.incoming.socket.remoteAddress ?? "unknown";
    const shown = { authorization: context.req.header("authorization"), instance: context.req.header(INSTANCE_HEADER) };
    const hash = createHash("sha256").update(shown.authorization ?? "").digest("base64");
    if (!proven.has(hash)) refuseIfLate("rate.refusals", refusals.wait(address));
    try {
      context.set("caller", await access.authenticate(shown));
      proven.set(hash, true);
    } catch (error) {
      if (problemOf(error).status === 401) {
        proven.delete(hash);
        refusals.take(address);
      }
      throw error;
    }
    const caller = context.get("caller");
    refuseIfLate("rate.calls", (caller.kind === "node" ? nodes : calls).take(callerKey(caller)));
    await next();
  });
}

/** An answer has a deadline; of what waits on purpose, only what comes after the waiting has. */
export function deadline({ requestTimeoutMs, longPollMs }: ApiConfig) {
  return createMiddleware<ApiEnv>(async (context, next) => {
    const limitMs = requestTimeoutMs + (WAITS_ON_PURPOSE.has(context.req.path) ? longPollMs : 0);
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => { late.resolve("late"); }, limitMs);
    try {
      if (await Promise.race([next(), late.promise]) === "late") throw new ApiProblem("timeout", `the request was not answered within ${limitMs} ms`);
    } finally {
      clearTimeout(timer);
    }
  });
}

/**
 * Reads the body once, up to its limit, for whoever looks at it. Not Hono's own `bodyLimit`: that makes a new Request of the old one, which the
 * runtime's class refuses (hono 4.13, @hono/node-server 2.1).
 */
export function wholeBody({ bodyLimitBytes }: ApiConfig) {
  const tooLarge = () => new ApiProblem("request.too-large", `a body has at most ${bodyLimitBytes} bytes`, { rule: "body.size" });
  return createMiddleware<ApiEnv>(async (context, next) => {
    const { body, headers } = context.req.raw;
    if (Number(headers.get("content-length") ?? 0) > bodyLimitBytes) throw tooLarge();
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > bodyLimitBytes) throw tooLarge();
      chunks.push(chunk);
    }
    const whole = Buffer.concat(chunks);
    // Otherwise what cannot be read would be replaced in silence (RFC 8259 §8.1).
    if (isJson(headers.get("content-type")) && !isUtf8(whole)) {
      throw new ApiProblem("request.malformed", "the body is not UTF-8", { rule: "body.encoding", hint: "send JSON as UTF-8" });
    }
    // It keeps promises, which its type does not say.
    Object.assign(context.req.bodyCache, { arrayBuffer: Promise.resolve(new Uint8Array(whole).buffer) });
    await next();
  });
}

function refuseIfLate(rule: string, seconds: number): void {
  if (seconds > 0) throw new ApiProblem("rate.limited", "too many requests", { rule, retryAfterSeconds: seconds });
}

function isJson(contentType: string | null): boolean {
  return /^application\/([a-z0-9.-]+\+)?json\b/i.test(contentType ?? "");
}

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { PemPair } from "../../common/tls/ca.ts";
import { readReview, writeAnswer, type AdmissionRequest, type Verdict } from "./admission-review.ts";
import type { WebhookConfig } from "./config.ts";
import { injectPod, type InjectionDeps } from "./inject-pod.ts";

/** What the API server sends at most: its own limit for a request, and the envelope around it. */
const BODY_LIMIT_BYTES = 3 << 20;
const INJECT_PATH = "/inject";
/** Of reviews at a time; each holds a pod in memory. Above it the API server is told to ask again. */
const REVIEWS_LIMIT = 64;

/** Counters; must not throw. */
export interface WebhookMetrics {
  reviewed(outcome: Verdict["kind"], durationMs: number): void;
}

export interface WebhookDeps extends InjectionDeps {
  readonly metrics: WebhookMetrics;
  readonly clock: Clock;
  readonly log: Log;
}

type ServerConfig = Pick<WebhookConfig, "listenHost" | "listenPort" | "requestTimeoutMs">;

/**
 * Answers admission reviews over HTTPS. Whatever goes wrong ends in an answer that allows nothing, or in none at all, which the
 * configuration's `failurePolicy: Fail` turns into the same.
 */
export class WebhookServer {
  readonly #server: Server;
  readonly #config: Pick<WebhookConfig, "requestTimeoutMs">;
  readonly #deps: WebhookDeps;
  #underway = 0;

  private constructor(config: Pick<WebhookConfig, "requestTimeoutMs">, certificate: PemPair, deps: WebhookDeps) {
    this.#config = config;
    this.#deps = deps;
    const deadlines = { requestTimeout: config.requestTimeoutMs, headersTimeout: config.requestTimeoutMs, connectionsCheckingInterval: 1_000 };
    this.#server = createServer({ ...shown(certificate), ...deadlines }, (request, response) => { void this.#serve(request, response); });
  }

  /** @throws Error if the port is taken */
  static async start(config: ServerConfig, certificate: PemPair, deps: WebhookDeps): Promise<WebhookServer> {
    const webhook = new WebhookServer(config, certificate, deps);
    webhook.#server.listen(config.listenPort, config.listenHost);
    await once(webhook.#server, "listening");
    webhook.#server.on("error", (error) => { deps.log.error("webhook.failed", { error: describeError(error) }); });
    return webhook;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** New connections see the new certificate; open ones go on. */
  present(certificate: PemPair): void {
    this.#server.setSecureContext(shown(certificate));
  }

  /** Lets reviews that are under way end. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeIdleConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#underway >= REVIEWS_LIMIT) {
      request.resume();
      return end(response, 503, { error: "busy" });
    }
    this.#underway += 1;
    try {
      await this.#review(request, response);
    } catch (error) {
      this.#deps.log.warn("webhook.unreadable", { error: describeError(error) });
      end(response, 400, { error: "not an admission review of a pod" });
    } finally {
      this.#underway -= 1;
    }
  }

  async #review(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "https://webhook");
    if (request.method !== "POST" || pathname !== INJECT_PATH) {
      request.resume();
      return end(response, 404, { error: "not found" });
    }
    const begunMs = this.#deps.clock.monotonicMs();
    const review = readReview(JSON.parse(await readBody(request)));
    const verdict = await this.#judge(review);
    this.#deps.metrics.reviewed(verdict.kind, this.#deps.clock.monotonicMs() - begunMs);
    this.#report(review, verdict);
    end(response, 200, writeAnswer(review.uid, verdict));
  }

  async #judge(review: AdmissionRequest): Promise<Verdict> {
    try {
      return await injectPod(review, this.#deps, AbortSignal.timeout(this.#config.requestTimeoutMs));
    } catch (error) {
      this.#deps.log.error("webhook.review-failed", { namespace: review.namespace, error: describeError(error) });
      return { kind: "failed", message: "Weir could not find out how to govern this pod; try again, and see the controller's log." };
    }
  }

  #report({ namespace, userInfo }: AdmissionRequest, verdict: Verdict): void {
    const reason = verdict.kind === "refused" ? { message: verdict.message } : {};
    this.#deps.log.info("pod.reviewed", { namespace, user: userInfo.username, outcome: verdict.kind, ...reason });
  }
}

function shown({ certPem, keyPem }: PemPair): { readonly cert: string; readonly key: string; readonly minVersion: "TLSv1.2" } {
  return { cert: certPem, key: keyPem, minVersion: "TLSv1.2" };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > BODY_LIMIT_BYTES) throw new Error(`the body has more than ${BODY_LIMIT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function end(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

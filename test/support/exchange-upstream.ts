import type { EgressError } from "../../proxy/errors.ts";
import type { HeaderList } from "../../proxy/model/request.ts";
import type { Upstream, UpstreamFlow, UpstreamRequest, UpstreamSink } from "../../proxy/upstream/upstream.ts";
import type { Duplex } from "node:stream";

export type Script = (exchange: FakeFlow) => void | Promise<void>;

/** An upstream in memory that keeps the contract of proxy/upstream/upstream.ts, and fails the test that breaks it. */
export class FakeUpstream implements Upstream {
  readonly requests: FakeFlow[] = [];
  /** What the next requests meet; by default 200 with a short body. */
  script: Script = (flow) => { void flow.drainBody().then(() => { flow.reply(200, [["content-type", "text/plain"], ["content-length", "2"]], "ok"); }); };

  send(request: UpstreamRequest, sink: UpstreamSink): UpstreamFlow {
    if ((request.head.framing.kind === "none") !== (request.body === null)) throw new Error("body and framing disagree");
    const flow = new FakeFlow(request, sink);
    this.requests.push(flow);
    queueMicrotask(() => { void this.script(flow); });
    return flow;
  }

  secureTunnel(): never {
    throw new Error("an exchange secures no tunnel");
  }

  openTunnel(): never {
    throw new Error("an exchange opens no tunnel");
  }

  async closeInstance(): Promise<void> {}
}

export class FakeFlow implements UpstreamFlow {
  isResent = false;
  readonly request: UpstreamRequest;
  readonly #sink: UpstreamSink;
  readonly #resumes: (() => void)[] = [];
  bodyBytes = 0;
  aborted: EgressError | null = null;
  #state: "open" | "headed" | "over" = "open";

  constructor(request: UpstreamRequest, sink: UpstreamSink) {
    this.request = request;
    this.#sink = sink;
    request.body?.on("error", () => {});
  }

  resume(): void {
    for (const wake of this.#resumes.splice(0)) wake();
  }

  abort(reason: EgressError): void {
    if (this.#state !== "over") this.aborted = reason;
    this.#state = "over";
  }

  /** Reads the whole request body; stops quietly if it breaks. */
  async drainBody(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    try {
      if (this.request.body !== null) {
        for await (const chunk of this.request.body) {
          chunks.push(chunk as Buffer);
          this.bodyBytes += (chunk as Buffer).byteLength;
        }
      }
    } catch {
      // The relay has ended the exchange; `aborted` says why.
    }
    return Buffer.concat(chunks);
  }

  /** Reads the whole request body and keeps none of it. */
  async drainBodyBytes(): Promise<void> {
    if (this.request.body === null) return;
    for await (const chunk of this.request.body) this.bodyBytes += (chunk as Buffer).byteLength;
  }

  inform(status: number, headers: HeaderList = []): void {
    if (this.#state === "open") this.#sink.onInformational(status, headers);
  }

  head(status: number, headers: HeaderList): void {
    if (this.#state !== "open") return;
    this.#state = "headed";
    this.#sink.onHead(status, headers, "192.0.2.1");
  }

  /** @returns false if the relay asked to wait; `drained` tells when it goes on */
  data(chunk: Buffer | string): boolean {
    if (this.#state === "open") throw new Error("data before head");
    return this.#state === "headed" && this.#sink.onData(Buffer.from(chunk as string));
  }

  drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resumes.push(resolve);
    return promise;
  }

  end(trailers: HeaderList = []): void {
    if (this.#state !== "headed") return;
    this.#state = "over";
    this.#sink.onEnd(trailers);
  }

  reply(status: number, headers: HeaderList, body: string | Buffer = "", trailers: HeaderList = []): void {
    this.head(status, headers);
    if (body !== "") this.data(body);
    this.end(trailers);
  }

  upgrade(headers: HeaderList, stream: Duplex): void {
    if (this.#state !== "open") return;
    this.#state = "over";
    this.#sink.onUpgrade(headers, stream, "192.0.2.1");
  }

  fail(error: EgressError): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#sink.onFailure(error);
  }
}

import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import type { Duplex } from "node:stream";
import { Readable } from "node:stream";
import type { EgressError } from "../../proxy/errors.ts";
import type { HeaderList, OutboundHead } from "../../proxy/model/request.ts";
import type { Upstream, UpstreamFlow, UpstreamRequest, UpstreamSink } from "../../proxy/upstream/upstream.ts";

/** Writes down what an upstream says, and in which order. */
export class RecordingSink implements UpstreamSink {
  readonly events: string[] = [];
  readonly informational: number[] = [];
  status = 0;
  headers: HeaderList = [];
  trailers: HeaderList = [];
  remoteAddress = "";
  bytes = 0;
  failure: EgressError | null = null;
  stream: Duplex | null = null;
  /** False makes every chunk ask for a pause. */
  wantsMore = true;
  readonly chunks: Buffer[] = [];
  readonly #over = Promise.withResolvers<void>();
  readonly #head = Promise.withResolvers<void>();
  readonly #paused = Promise.withResolvers<void>();

  /** Resolves at the end, whichever way. */
  get over(): Promise<void> { return this.#over.promise; }
  get headArrived(): Promise<void> { return this.#head.promise; }
  get firstPause(): Promise<void> { return this.#paused.promise; }
  get text(): string { return Buffer.concat(this.chunks).toString("latin1"); }
  header(name: string): string | undefined { return this.headers.find(([known]) => known === name)?.[1]; }

  onInformational(status: number): void {
    this.events.push(`informational ${status}`);
    this.informational.push(status);
  }

  onHead(status: number, headers: HeaderList, remoteAddress: string): void {
    this.events.push("head");
    Object.assign(this, { status, headers, remoteAddress });
    this.#head.resolve();
  }

  onData(chunk: Buffer): boolean {
    if (this.events.at(-1) !== "data") this.events.push("data");
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    if (!this.wantsMore) this.#paused.resolve();
    return this.wantsMore;
  }

  onEnd(trailers: HeaderList): void {
    this.events.push("end");
    this.trailers = trailers;
    this.#over.resolve();
  }

  onUpgrade(headers: HeaderList, stream: Duplex, remoteAddress: string): void {
    this.events.push("upgrade");
    Object.assign(this, { headers, stream, remoteAddress });
    this.#over.resolve();
  }

  onFailure(error: EgressError): void {
    this.events.push(`failure ${error.code}`);
    this.failure = error;
    this.#head.resolve();
    this.#over.resolve();
  }
}

export function aHead(over: Partial<OutboundHead> = {}): OutboundHead {
  return {
    method: "GET", scheme: "https", host: "api.example.test", port: 443, target: "/", headers: [], framing: { kind: "none" }, upgrade: null, ...over,
  };
}

export interface Sent {
  readonly sink: RecordingSink;
  readonly flow: UpstreamFlow;
}

/** Sends and keeps the flow; the sink may be prepared first. */
export function begin(upstream: Upstream, head: Partial<OutboundHead>, over: Partial<UpstreamRequest> = {}, sink = new RecordingSink()): Sent {
  const flow = upstream.send({ instance: "one", head: aHead(head), body: null, clientCertificate: null, signal: new AbortController().signal, ...over }, sink);
  return { sink, flow };
}

/** Sends and waits for the end. */
export async function exchange(upstream: Upstream, head: Partial<OutboundHead> = {}, over: Partial<UpstreamRequest> = {}): Promise<RecordingSink> {
  const { sink } = begin(upstream, head, over);
  await sink.over;
  return sink;
}

export function bodyOf(...chunks: (string | Buffer)[]): Readable {
  return Readable.from(chunks.map((chunk) => Buffer.from(chunk)), { objectMode: false });
}

/** Listens on a free port of loopback. @returns the port */
export async function listen(server: Server, address = "127.0.0.1"): Promise<number> {
  server.listen(0, address);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

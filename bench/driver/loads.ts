import { once } from "node:events";
import type { SecureContext, TLSSocket } from "node:tls";
import type { Target } from "../peers/peer.ts";
import type { LoadName } from "./messages.ts";
import { openStream, requestBytes } from "./open-stream.ts";
import { ResponseReader } from "./response-reader.ts";
import type { Tally } from "./tally.ts";

/** A load that runs until it is stopped. */
export class Load {
  /** What counts at the moment; null while it warms up. */
  tally: Tally | null = null;
  readonly #failure = Promise.withResolvers<never>();
  readonly #streams = new Set<TLSSocket>();
  isStopped = false;

  constructor() {
    this.failed.catch(() => {});
  }

  /** Rejects with the first error of any connection. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  readonly fail = (error: unknown): void => {
    if (!this.isStopped) this.#failure.reject(error);
  };

  own(stream: TLSSocket): void {
    this.#streams.add(stream);
    stream.on("error", this.fail);
    stream.on("close", () => { this.#streams.delete(stream); });
  }

  stop(): void {
    this.isStopped = true;
    for (const stream of this.#streams) stream.destroy();
  }
}

interface Shape {
  readonly path: string;
  readonly connections: number;
  /** Requests in a second over all connections; null for as fast as answers come. */
  readonly ratePerSecond: number | null;
}

const SHAPES = {
  "small-requests": { path: "/small", connections: 64, ratePerSecond: null },
  latency: { path: "/small", connections: 4, ratePerSecond: 200 },
  handshakes: { path: "/small", connections: 8, ratePerSecond: null },
  bulk: { path: "/bulk", connections: 4, ratePerSecond: null },
  sse: { path: "/events", connections: 16, ratePerSecond: null },
} as const satisfies Record<LoadName, Shape>;

/** Opens the connections and begins to send. */
export async function startLoad(name: LoadName, target: Target, secureContext: SecureContext): Promise<Load> {
  const load = new Load();
  const shape: Shape = SHAPES[name];
  const request = requestBytes(target, shape.path);
  const connect = async () => {
    const stream = await openStream(target, secureContext);
    load.own(stream);
    return stream;
  };
  if (name === "handshakes") {
    for (let index = 0; index < shape.connections; index += 1) reconnect(connect, request, load).catch(load.fail);
    return load;
  }
  const streams = await Promise.all(Array.from({ length: shape.connections }, connect));
  for (const stream of streams) stream.once("close", () => { load.fail(new Error("the proxy closed a connection")); });
  if (shape.ratePerSecond !== null) pace(streams, request, shape.ratePerSecond, load);
  else for (const stream of streams) (name === "sse" ? followEvents : repeat)(stream, request, load);
  return load;
}

/** The next request when the answer is complete. */
function repeat(stream: TLSSocket, request: Buffer, load: Load): void {
  const reader = new ResponseReader();
  let sentAtMs = performance.now();
  stream.on("data", (chunk: Buffer) => {
    try {
      if (!reader.push(chunk)) return;
    } catch (error) {
      load.fail(error);
      return;
    }
    load.tally?.add(reader.bodyBytes, (performance.now() - sentAtMs) * 1000);
    reader.bodyBytes = 0;
    sentAtMs = performance.now();
    stream.write(request);
  });
  stream.write(request);
}

/** A request at each beat, on the connections in turn; a beat is left out when its connection still waits. */
function pace(streams: readonly TLSSocket[], request: Buffer, ratePerSecond: number, load: Load): void {
  const waiting = new Map<TLSSocket, number>();
  for (const stream of streams) {
    const reader = new ResponseReader();
    stream.on("data", (chunk: Buffer) => {
      try {
        if (!reader.push(chunk)) return;
      } catch (error) {
        load.fail(error);
        return;
      }
      const sentAtMs = waiting.get(stream) ?? performance.now();
      waiting.delete(stream);
      load.tally?.add(reader.bodyBytes, (performance.now() - sentAtMs) * 1000);
      reader.bodyBytes = 0;
    });
  }
  let beat = 0;
  const timer = setInterval(() => {
    if (load.isStopped) { clearInterval(timer); return; }
    const stream = streams[beat++ % streams.length];
    if (stream === undefined || waiting.has(stream)) return;
    waiting.set(stream, performance.now());
    stream.write(request);
  }, 1000 / ratePerSecond);
}

/** A new TCP and TLS connection for each request; the client closes when the answer is complete. */
async function reconnect(connect: () => Promise<TLSSocket>, request: Buffer, load: Load): Promise<void> {
  while (!load.isStopped) {
    const startedAtMs = performance.now();
    const stream = await connect();
    const reader = new ResponseReader();
    stream.write(request);
    for (let isComplete = false; !isComplete;) {
      const [chunk] = await once(stream, "data") as [Buffer];
      isComplete = reader.push(chunk);
    }
    load.tally?.add(reader.bodyBytes, (performance.now() - startedAtMs) * 1000);
    stream.destroy();
  }
}

const EVENT = /data: (\d+)\n\n/g;

/** Reads an endless stream; each event says when it was sent (the monotonic clock is one for the whole machine). */
function followEvents(stream: TLSSocket, request: Buffer, load: Load): void {
  let hasBegun = false;
  stream.on("data", (chunk: Buffer) => {
    const text = chunk.toString("latin1");
    if (!hasBegun && !text.startsWith("HTTP/1.1 200")) load.fail(new Error(`unexpected answer: ${text.slice(0, 200)}`));
    hasBegun = true;
    const now = process.hrtime.bigint();
    for (const [, sentAt = "0"] of text.matchAll(EVENT)) load.tally?.add(sentAt.length, Number(now - BigInt(sentAt)) / 1000);
  });
  stream.write(request);
}

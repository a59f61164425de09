import { once } from "node:events";
import { Agent, request, type IncomingMessage, type RequestOptions } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { encodePreamble, type Endpoint, type Transport } from "../../../common/preamble.ts";
import { aDnsQuery, readAddress } from "../../support/plain-dns.ts";
import type { Stand } from "../../support/running-proxy.ts";

/** An answer, how long it took in milliseconds, and the code if it is a refusal of ours. */
export interface Timed {
  readonly status: number;
  readonly code: string | null;
  readonly ms: number;
}

const ANSWER_DEADLINE_MS = 10_000;

/** One agent of its own name, with one connection that it keeps. */
export class AgentClient implements AsyncDisposable {
  readonly #agent: Agent;
  readonly #host: string;
  readonly #socket: TLSSocket;

  private constructor(socket: TLSSocket, host: string) {
    this.#host = host;
    this.#socket = socket;
    socket.on("error", () => undefined);
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 });
    this.#agent.createConnection = () => socket;
  }

  static async open(stand: Stand, name: string, host: string, namespace = "test"): Promise<AgentClient> {
    const token = await stand.proxy.issuer.mint({ namespace, name, thread: "t1", instance: "i1", user: "tester", labels: {}, chain: [] }, 600_000);
    const dial = async (destination: Endpoint, transport: Transport) => {
      const socket = connect({ path: join(stand.directory, "proxy", "proxy.sock"), allowHalfOpen: true });
      await once(socket, "connect");
      socket.write(encodePreamble({ transport, source: { address: "10.255.0.2", port: 40_000 }, destination, token, connectionId: `c-${name}` }));
      return socket;
    };
    const names = await dial({ address: "10.255.0.1", port: 53 }, "dns");
    names.write(aDnsQuery(host));
    const [answer] = await once(names, "data") as [Buffer];
    names.destroy();
    const socket = connectTls({ socket: await dial({ address: readAddress(answer), port: 443 }, "tcp"), servername: host, ca: stand.proxy.caPem, ALPNProtocols: ["http/1.1"] });
    await once(socket, "secureConnect");
    return new AgentClient(socket, host);
  }

  async get(path: string): Promise<Timed> {
    return this.#ask({ path, headers: { host: this.#host } });
  }

  async post(path: string, body: string): Promise<Timed> {
    const accept = "application/json, text/event-stream";
    return this.#ask({ method: "POST", path, headers: { host: this.#host, accept, "content-type": "application/json", "content-length": Buffer.byteLength(body) } }, body);
  }

  /** @throws Error if the connection has ended, or nothing comes of it */
  async #ask(options: RequestOptions, body = ""): Promise<Timed> {
    if (this.#socket.destroyed || this.#socket.readableEnded) throw new Error("the connection has ended");
    const startedMs = performance.now();
    const sent = request({ agent: this.#agent, signal: AbortSignal.timeout(ANSWER_DEADLINE_MS), ...options });
    sent.end(body);
    const [answer] = await once(sent, "response") as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    const ms = performance.now() - startedMs;
    return { status: answer.statusCode ?? 0, code: codeOf(Buffer.concat(chunks).toString()), ms };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    return Promise.resolve();
  }
}

function codeOf(body: string): string | null {
  return /"error":\s*"([a-z_.]+)"/.exec(body)?.[1] ?? null;
}

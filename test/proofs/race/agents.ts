import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect as connectTls } from "node:tls";
import type { AgentIdentity } from "../../../common/identity.ts";
import { encodePreamble, type Endpoint, type Transport } from "../../../common/preamble.ts";
import { openLocalIssuer, type LocalIssuer } from "../../../proxy/identity/local-issuer.ts";
import type { AskedForm } from "../../support/model-provider/requests.ts";
import { aDnsQuery, readAddress } from "../../support/plain-dns.ts";

const TOKEN_TTL_MS = 3_600_000;
/** Longer than any answer of the proof takes. */
const ANSWER_DEADLINE_MS = 30_000;

/** Where an agent reaches its proxy. */
export interface Door {
  readonly socketPath: string;
  readonly caPem: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Agents as their sidecars speak for them: a token of their own, and connections through the door of a proxy. */
export class Agents {
  readonly #issuer: LocalIssuer;
  readonly #tokens = new Map<string, Promise<string>>();

  private constructor(issuer: LocalIssuer) {
    this.#issuer = issuer;
  }

  /** @param issuerDirectory that the proxies share */
  static async open(issuerDirectory: string): Promise<Agents> {
    return new Agents(await openLocalIssuer(issuerDirectory));
  }

  /**
   * One request on a connection of its own.
   * @param leaveAfterBytes the agent goes away after so many bytes of the answer's body
   * @throws Error if the connection was lost before the answer was whole
   */
  async post(agent: AgentIdentity, door: Door, { host, path, headers, body }: AskedForm, leaveAfterBytes = Number.POSITIVE_INFINITY): Promise<Answered> {
    const signal = AbortSignal.timeout(ANSWER_DEADLINE_MS);
    const address = await this.#resolve(agent, door, { name: host, signal });
    const socket = connectTls({ socket: await this.#dial(agent, door, { address, port: 443 }), servername: host, ca: door.caPem, ALPNProtocols: ["http/1.1"] });
    try {
      await once(socket, "secureConnect", { signal });
      const sent = request({ createConnection: () => socket, method: "POST", path, headers: { host, "content-type": "application/json", ...headers }, signal });
      sent.end(JSON.stringify(body));
      const [answer] = await once(sent, "response", { signal }) as [IncomingMessage];
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        bytes += chunk.byteLength;
        if (bytes >= leaveAfterBytes) break;
      }
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks).toString("latin1") };
    } finally {
      socket.on("error", () => undefined).destroy();
    }
  }

  async #resolve(agent: AgentIdentity, door: Door, { name, signal }: { readonly name: string; readonly signal: AbortSignal }): Promise<string> {
    const socket = await this.#dial(agent, door, { address: "10.255.0.1", port: 53 }, "dns");
    socket.write(aDnsQuery(name));
    try {
      // A proxy that is killed leaves its half open.
      const ended = once(socket, "end", { signal }).then(() => { throw new Error("the resolver went away"); });
      const [answer] = await Promise.race([once(socket, "data", { signal }), ended]) as [Buffer];
      return readAddress(answer);
    } finally {
      socket.on("error", () => undefined).destroy();
    }
  }

  async #dial(agent: AgentIdentity, { socketPath }: Door, destination: Endpoint, transport: Transport = "tcp"): Promise<Socket> {
    const token = await this.#tokenOf(agent);
    const socket = connect({ path: socketPath, allowHalfOpen: true });
    await once(socket, "connect");
    socket.write(encodePreamble({ transport, source: { address: "10.255.0.2", port: 40_000 }, destination, token, connectionId: "race" }));
    return socket;
  }

  async #tokenOf(agent: AgentIdentity): Promise<string> {
    let token = this.#tokens.get(agent.instance);
    if (token === undefined) this.#tokens.set(agent.instance, token = this.#issuer.mint(agent, TOKEN_TTL_MS));
    return token;
  }
}

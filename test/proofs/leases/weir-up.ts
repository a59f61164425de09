import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { encodePreamble, type Endpoint, type Transport } from "../../../common/preamble.ts";
import { openCa, openLocalIssuer } from "../../../proxy/operator.ts";
import { aDnsQuery, readAddress } from "../../support/plain-dns.ts";
import { WEIR, type Stage } from "../../support/stage.ts";
import { LineTape } from "../kill/line-tape.ts";

const START_LIMIT_MS = 30_000;

/** `weir up` as a process of its own, and agents that speak to it as sidecars do. */
export class WeirUp {
  readonly state: string;
  readonly #stage: Stage;
  readonly #socket: string;
  #process: ChildProcess | null = null;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.state = join(stage.directory, "state");
    this.#socket = join(stage.directory, "up", "proxy.sock");
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [WEIR, "up", "--config", this.#stage.configFile, "--socket", this.#socket], { stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    const said = new LineTape();
    said.follow(child, "stderr");
    await said.until((lines) => lines.some((line) => line.startsWith("weir: up")), START_LIMIT_MS);
  }

  /** Ends it in order, or as `kill -9` does. @returns its exit code */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return child?.exitCode ?? null;
    const gone = once(child, "exit");
    child.kill(signal);
    const [code] = await gone as [number | null];
    return code;
  }

  /** One HTTPS request of an instance. @returns the status */
  async ask(instance: string, host: string): Promise<number> {
    const token = await this.#tokenOf(instance);
    const address = await this.#resolve(token, host);
    const raw = await this.#dial(token, { address, port: 443 }, "tcp");
    const socket = connectTls({ socket: raw, servername: host, ca: (await openCa(this.state)).caPem });
    try {
      await once(socket, "secureConnect");
      const sent = request({ createConnection: () => socket, path: "/x", headers: { host } });
      sent.end();
      const [answer] = await once(sent, "response") as [IncomingMessage];
      answer.resume();
      return answer.statusCode ?? 0;
    } finally {
      socket.destroy();
    }
  }

  async #tokenOf(instance: string): Promise<string> {
    const issuer = await openLocalIssuer(join(this.state, "issuer"));
    return issuer.mint({ namespace: "local", name: "agent", thread: `thread-of-${instance}`, instance, user: "tester", labels: {}, chain: [] }, 600_000);
  }

  async #dial(token: string, destination: Endpoint, transport: Transport): Promise<Socket> {
    const socket = connect({ path: this.#socket, allowHalfOpen: true });
    await once(socket, "connect");
    socket.on("error", () => undefined);
    socket.write(encodePreamble({ transport, source: { address: "10.255.0.2", port: 40_000 }, destination, token, connectionId: "c1" }));
    return socket;
  }

  async #resolve(token: string, host: string): Promise<string> {
    const socket = await this.#dial(token, { address: "10.255.0.1", port: 53 }, "dns");
    socket.write(aDnsQuery(host));
    const [answer] = await once(socket, "data") as [Buffer];
    socket.destroy();
    return readAddress(answer);
  }
}

import { lineOf, Namespace } from "./namespaces.ts";

const MACHINE_ADDRESS = "10.9.0.1";
/** The real resolver's side: an `iodined` that is the authority for the tunnel's zone, with counters in front of it. */
export const RESOLVER = "10.9.0.53";
export const ZONE = "tunnel.test";
export const PASSWORD = "proof";
const TUNNEL_ADDRESS = "10.77.0.1";
const SINK_PORT = 9_000;

const COUNTERS = `table inet seen {
  counter asked { }
  counter arrived { }
  chain arriving {
    type filter hook input priority 0;
    meta nfproto ipv4 iifname "eth0" meta l4proto { tcp, udp } th dport 53 counter name asked
    meta nfproto ipv4 iifname "eth0" counter name arrived
  }
}
`;

/** Counts what it receives on one port, and says so line by line. */
const SINK = `let total = 0;
require("node:net").createServer((socket) => socket.on("error", () => {}).on("data", (chunk) => { total += chunk.length; })).listen(${SINK_PORT}, () => console.log("listening"));
process.stdin.on("data", () => console.log("bytes " + total));`;

/** Sends as fast as it can for as long as told, then ends; never fails. */
const SOURCE = `const socket = require("node:net").connect(${SINK_PORT}, "${TUNNEL_ADDRESS}");
const chunk = Buffer.alloc(4096, 7);
const send = () => { while (socket.writable && socket.write(chunk)); };
socket.on("connect", send).on("drain", send).on("error", () => {});
setTimeout(() => process.exit(0), Number(process.argv[1]));`;

export interface Seen {
  readonly questions: number;
  readonly packets: number;
}

/** Everything that stands outside the boundary. */
export class Outside implements AsyncDisposable {
  readonly #namespace: Namespace;
  readonly #sink: ReturnType<Namespace["start"]>;

  private constructor(namespace: Namespace, sink: ReturnType<Namespace["start"]>) {
    this.#namespace = namespace;
    this.#sink = sink;
  }

  static async open(): Promise<Outside> {
    const namespace = await Namespace.open();
    namespace.linkTo(MACHINE_ADDRESS, RESOLVER, "outside");
    namespace.loadRules(COUNTERS);
    const server = namespace.start("iodined", "-f", "-c", "-P", PASSWORD, `${TUNNEL_ADDRESS}/24`, ZONE);
    await lineOf(server, /Listening to dns/, 10_000);
    const sink = namespace.start(process.execPath, "-e", SINK);
    await lineOf(sink, /listening/, 10_000);
    return new Outside(namespace, sink);
  }

  /** What has arrived so far on the device that leads to the machine. */
  seen(): Seen {
    const count = (name: string): number => Number(/packets (\d+)/.exec(this.#namespace.run("nft", "list", "counter", "inet", "seen", name))?.[1] ?? Number.NaN);
    return { questions: count("asked"), packets: count("arrived") };
  }

  /** Bytes that came out of the tunnel at the sink, so far. */
  async received(): Promise<number> {
    const answer = lineOf(this.#sink, /^bytes \d+$/, 5_000);
    this.#sink.stdin?.write("\n");
    return Number((await answer).slice("bytes ".length));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespace[Symbol.asyncDispose]();
  }
}

/** Pushes bytes at the sink from inside a namespace. */
export async function push(from: Namespace, durationMs: number): Promise<void> {
  const source = from.start(process.execPath, "-e", SOURCE, String(durationMs));
  const { promise, resolve } = Promise.withResolvers<void>();
  source.once("close", () => { resolve(); });
  await promise;
}

import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { decode, encode, type Answer } from "dns-packet";
import { parseConfig, readEnvironment } from "../../common/config.ts";
import type { AgentIdentity } from "../../common/identity.ts";
import { openLog } from "../../common/log.ts";
import { encodePreamble, type Preamble } from "../../common/preamble.ts";
import { proxyConfig, startProxy } from "../../proxy/main.ts";
import type { Lab } from "../lab.ts";
import { spawnPinned, stopProcess } from "../processes.ts";
import { DUMMY_AUTHORIZATION, type Peer } from "./peer.ts";

const AGENT: AgentIdentity = { namespace: "bench", name: "agent", thread: "bench", instance: "bench", user: "bench", labels: {}, chain: [] };
const AGENT_ADDRESS = "127.0.0.1";
const TOKEN_TTL_MS = 3_600_000;
const RESOLVER = { address: "198.18.0.1", port: 53 };
const SOURCE = { address: "10.0.0.2", port: 40_000 };

/** The node proxy with everything on: identity, policy in WASM, a lent credential, limits, and an audit record on disk before each request. */
export async function startWeir(lab: Lab): Promise<Peer> {
  return await start(lab, "weir", true);
}

/** The same without the credential, which the agent brings itself: what lending costs is the difference of the two. */
export async function startWeirLendingNothing(lab: Lab): Promise<Peer> {
  return await start(lab, "weir-lending-nothing", false);
}

async function start(lab: Lab, name: string, isLending: boolean): Promise<Peer> {
  const folder = join(lab.folder, name);
  await mkdir(folder);
  await writeFile(join(folder, "credential"), lab.credential.replace(/^Bearer /, ""), { mode: 0o600 });
  const configFile = join(folder, "config.json");
  await writeFile(configFile, JSON.stringify(configuration(lab, folder, isLending)));
  const child = spawnPinned("proxy", ["node", import.meta.filename, configFile, folder], ["ignore", "pipe", "inherit"]);
  if (child.stdout === null) throw new Error("no standard output");
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), once(child, "close").then(() => ["{}"])]) as [string];
  const { port, token } = JSON.parse(line) as Partial<Ready>;
  if (port === undefined || token === undefined) throw new Error("Weir did not start");
  const address = await resolveThrough(port, token, lab.upstreamName);
  return {
    name, pid: child.pid ?? null, remark: `preamble with token; identity, policy (asked once, then remembered), ${isLending ? "credential, " : ""}limits and durable audit on`,
    target: {
      at: port, connectTo: null, serverName: lab.upstreamName, authority: `${lab.upstreamName}:${lab.upstreamPort}`,
      authorization: isLending ? DUMMY_AUTHORIZATION : lab.credential, caFile: join(folder, "agents-ca.pem"),
      preamble: preamble(token, "tcp", { address, port: lab.upstreamPort }).toString("base64"),
    },
    stop: async () => stopProcess(child),
  };
}

function configuration(lab: Lab, folder: string, isLending: boolean): object {
  const port = lab.upstreamPort;
  return {
    listen: { address: "127.0.0.1:0" },
    // A core that others use, too, can be away for longer than the usual deadline; one late answer would end the run.
    policy: { data: { hosts: [{ name: lab.upstreamName, ports: [port], methods: ["GET"], paths: ["/**"], grants: isLending ? ["upstream"] : [] }] } },
    grants: !isLending ? {} : {
      upstream: {
        credential: { type: "file", path: join(folder, "credential") }, inject: { header: "authorization", format: "Bearer {secret}" },
        bind: { hosts: [lab.upstreamName], ports: [port], methods: ["GET"], paths: ["/**"] },
      },
    },
    budgets: { perAgent: { requests: 1_000_000_000 } },
    upstream: { routes: [{ name: lab.upstreamName, port, address: "127.0.0.1", dialPort: port }], extraCaFiles: [lab.caFile] },
  };
}

function preamble(token: string, transport: Preamble["transport"], destination: Preamble["destination"]): Buffer {
  return encodePreamble({ transport, source: SOURCE, destination, token, connectionId: "bench" });
}

/** Asks the proxy for the name, as an agent does: only an address that it gave out leads anywhere. */
async function resolveThrough(port: number, token: string, name: string): Promise<string> {
  const query = encode({ type: "query", id: 1, flags: 0x0100, questions: [{ type: "A", name, class: "IN" }] });
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.byteLength);
  const socket = createConnection(port, "127.0.0.1");
  try {
    socket.write(Buffer.concat([preamble(token, "dns", RESOLVER), length, query]));
    let seen = Buffer.alloc(0);
    while (seen.byteLength < 2 || seen.byteLength < 2 + seen.readUInt16BE()) {
      const [chunk] = await once(socket, "data") as [Buffer];
      seen = Buffer.concat([seen, chunk]);
    }
    const answer = (decode(seen.subarray(2)).answers ?? []).find((each: Answer) => each.type === "A");
    if (answer?.type !== "A") throw new Error(`Weir does not resolve ${name}`);
    return answer.data;
  } finally {
    socket.destroy();
  }
}

interface Ready {
  readonly port: number;
  readonly token: string;
}

/** The process itself: starts the proxy, prints where it listens, ends on SIGTERM. */
async function serve(configFile: string, folder: string): Promise<void> {
  const config = parseConfig(proxyConfig, configFile, await readFile(configFile, "utf8"));
  const proxy = await startProxy(config, {
    log: openLog("weir", "error"), environment: readEnvironment(), stateDirectory: join(folder, "state"), issuerDirectory: join(folder, "issuer"),
  });
  await writeFile(join(folder, "agents-ca.pem"), proxy.caPem);
  const { address } = proxy.listening;
  if (address === null) throw new Error("no address");
  const ready: Ready = { port: address.port, token: await proxy.issuer.mint(AGENT, TOKEN_TTL_MS, AGENT_ADDRESS) };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
  await once(process, "SIGTERM");
  await proxy.stop();
  process.exit(0);
}

if (import.meta.main) await serve(process.argv[2] ?? "", process.argv[3] ?? "");

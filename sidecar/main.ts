import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { DatagramRelay } from "./datagrams.ts";
import { IdleMemory } from "./idle-memory.ts";
import { testOriginalDestination } from "./original-destination.ts";
import { relayConnection, type RelayContext, type Relayed } from "./relay.ts";
import { report, TroubleReport } from "./report.ts";
import { readSettings, SettingsError, USAGE, type SidecarSettings } from "./settings.ts";
import { openSystemCalls } from "./system-calls.ts";
import { TokenFile } from "./token.ts";

/** Only these: on a wildcard address another pod could connect here and be taken for this one. */
const LOOPBACKS = ["127.0.0.1", "::1"] as const;
const EXIT_CONFIG = 78;

/** Listens, relays, and on SIGTERM takes no more connections and waits for those that are open. */
async function main(settings: SidecarSettings): Promise<void> {
  const calls = await openSystemCalls();
  await testOriginalDestination(calls);
  const context: RelayContext = { proxy: settings.proxy, token: new TokenFile(settings.tokenFile), calls, trouble: new TroubleReport(), nextConnectionId: connectionIds() };
  const memory = new IdleMemory(calls);
  const open = new Set<Relayed>();
  const servers = await listenTcp(settings, (server) => { serve(server, { settings, context, memory, open }); });
  const datagrams = new DatagramRelay(context, settings.flowLimit);
  for (const server of servers) await datagrams.listen(server.address, settings.dnsPort);
  memory.release();
  report("info", "sidecar.ready", { pid: process.pid });
  memory.quiet();
  await stopRequested(settings.endsWithStdin);
  datagrams.close();
  for (const { server } of servers) server.close();
  await drain(open, settings.drainTimeoutMs);
}

interface Serving {
  readonly settings: SidecarSettings;
  readonly context: RelayContext;
  readonly memory: IdleMemory;
  readonly open: Set<Relayed>;
}

function serve(server: Server, { settings, context, memory, open }: Serving): void {
  server.on("connection", (accepted) => {
    if (open.size >= settings.connectionLimit) {
      context.trouble.note("connection.limit", `${settings.connectionLimit} connections`);
      accepted.resetAndDestroy();
      return;
    }
    const relayed = relayConnection(accepted, context);
    if (relayed === null) return;
    open.add(relayed);
    memory.busy();
    void relayed.closed.then(() => {
      open.delete(relayed);
      if (open.size === 0) memory.quiet();
    });
  });
}

interface Listening {
  readonly server: Server;
  readonly address: (typeof LOOPBACKS)[number];
}

/** A namespace without IPv6 has no ::1, and then no IPv6 connection can be redirected to it either. */
async function listenTcp(settings: SidecarSettings, onServer: (server: Server) => void): Promise<Listening[]> {
  const listening: Listening[] = [];
  for (const address of LOOPBACKS) {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    onServer(server);
    try {
      await once(server.listen({ host: address, port: settings.tcpPort, backlog: 1_024 }), "listening");
      listening.push({ server, address });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (address !== "::1" || !["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(code)) throw error;
      report("info", "sidecar.no-ipv6", {});
    }
  }
  return listening;
}

async function stopRequested(endsWithStdin: boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.once("SIGTERM", () => { resolve(); });
  process.once("SIGINT", () => { resolve(); });
  if (endsWithStdin) process.stdin.once("close", () => { resolve(); }).resume();
  await promise;
}

async function drain(open: ReadonlySet<Relayed>, timeoutMs: number): Promise<void> {
  const deadline = setTimeout(() => { for (const relayed of open) relayed.reset(); }, timeoutMs);
  await Promise.all([...open].map(async (relayed) => relayed.closed));
  clearTimeout(deadline);
}

/** Unique in this process, and different after a restart. */
function connectionIds(): () => string {
  const prefix = `${Date.now().toString(36)}${process.pid.toString(36)}`;
  let count = 0;
  return () => `${prefix}-${(count += 1).toString(36)}`;
}

async function run(): Promise<number> {
  try {
    await main(readSettings(process.argv.slice(2)));
    return 0;
  } catch (error) {
    const isUsage = error instanceof SettingsError;
    report("error", "sidecar.failed", { error: (error as Error).message });
    if (isUsage) process.stderr.write(`${USAGE}\n`);
    return isUsage ? EXIT_CONFIG : 1;
  }
}

// No await at the top level: the bundle is a CommonJS script, which costs 0.3 MB less in each pod than a module.
void run().then((code) => process.exit(code));

import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { DatagramRelay } from "./datagrams.ts";
import { IdleMemory } from "./idle-memory.ts";
import { testOriginalDestination } from "./original-destination.ts";
import { announceReady, awaitReady, RedirectCheck, withdrawReady } from "./ready.ts";
import { relayConnection, type RelayContext, type Relayed } from "./relay.ts";
import { report, TroubleReport } from "./report.ts";
import { readSettings, SettingsError, USAGE, type Door, type SidecarSettings } from "./settings.ts";
import { openSystemCalls } from "./system-calls.ts";
import { TokenFile } from "./token.ts";

/** Only these: on a wildcard address another pod could connect here and be taken for this one. */
const LOOPBACKS = ["127.0.0.1", "::1"] as const;
const EXIT_CONFIG = 78;

/** Listens, relays, and on SIGTERM takes no more connections and waits for those that are open. */
async function main(settings: SidecarSettings): Promise<void> {
  if (settings.readyFile !== null) withdrawReady(settings.readyFile);
  const calls = await openSystemCalls();
  await testOriginalDestination(calls);
  const context: RelayContext = { proxy: settings.proxy, token: new TokenFile(settings.tokenFile), calls, trouble: new TroubleReport(), nextConnectionId: connectionIds() };
  const memory = new IdleMemory(calls);
  const open = new Set<Relayed>();
  const check = new RedirectCheck(calls, context.trouble);
  const datagrams = new DatagramRelay(context, settings.flowLimit);
  const servers: Listening[] = [];
  for (const door of settings.doors) {
    const listening = await listenTcp(door, (server) => { serve(server, door, { settings, context, memory, open, check }); });
    for (const { address } of listening) await datagrams.listen(address, door);
    servers.push(...listening);
  }
  const stopping = new AbortController();
  const stopped = stopRequested(settings.endsWithStdin).finally(() => { stopping.abort(); });
  if (settings.readyFile !== null) {
    await check.untilRedirected([...new Set(servers.map(({ address }) => address))], stopping.signal);
    if (!stopping.signal.aborted) announceReady(settings.readyFile);
  }
  memory.release();
  report("info", "sidecar.ready", { pid: process.pid });
  memory.quiet();
  await stopped;
  datagrams.close();
  for (const { server } of servers) server.close();
  await drain(open, settings.drainTimeoutMs);
}

interface Serving {
  readonly settings: SidecarSettings;
  readonly context: RelayContext;
  readonly memory: IdleMemory;
  readonly open: Set<Relayed>;
  readonly check: RedirectCheck;
}

function serve(server: Server, { container }: Door, { settings, context, memory, open, check }: Serving): void {
  server.on("connection", (accepted) => {
    if (check.takes(accepted)) return;
    if (open.size >= settings.connectionLimit) {
      context.trouble.note("connection.limit", `${settings.connectionLimit} connections`);
      accepted.resetAndDestroy();
      return;
    }
    const relayed = relayConnection(accepted, container, context);
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
async function listenTcp({ tcpPort }: Door, onServer: (server: Server) => void): Promise<Listening[]> {
  const listening: Listening[] = [];
  for (const address of LOOPBACKS) {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    onServer(server);
    try {
      await once(server.listen({ host: address, port: tcpPort, backlog: 1_024 }), "listening");
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
    const [first, readyFile = "", ...rest] = process.argv.slice(2);
    if (first === "--await-ready" && rest.length === 0) return await awaitReady(readyFile) ? 0 : 1;
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

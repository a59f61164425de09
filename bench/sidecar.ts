import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { build } from "esbuild";
import { encodePreamble } from "../common/preamble.ts";
import { SIDECAR_NODE_FLAGS } from "../common/sidecar-flags.ts";
import { endProcess } from "../test/netns/lab/namespaces.ts";
import { ADDRESSES, PodLab } from "../test/netns/lab/pod-lab.ts";

/** What is promised of one sidecar, and of 100 on one node. */
export const BARS = { privateIdleKib: 9 * 1024, cpuSecondsPerGb: 0.9, hundredPssKib: 0.9 * 1024 * 1024 } as const;

export interface SidecarBenchOptions {
  /** How many sidecars stand beside each other. */
  readonly count?: number;
  /** Sent in each direction, in bytes. */
  readonly bytes?: number;
  readonly rounds?: number;
  readonly print?: (line: string) => void;
}

export interface SidecarBenchResult {
  readonly scenario: string;
  readonly value: number;
  readonly unit: "KiB" | "s/GB" | "Gbit/s" | "us/connection";
  /** At most this; null where nothing is promised. */
  readonly bar: number | null;
}

/** CPU ticks of /proc/PID/stat; 100 a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const CONNECTIONS = 2_000;
/** A read-back of memory right after start would see what the collector has not yet taken. */
const SETTLE_MS = 500;

/** What a sidecar costs: idle memory of one and of many, CPU for each byte and each connection beside a direct connection. */
export async function run(options: SidecarBenchOptions = {}): Promise<SidecarBenchResult[]> {
  const { count = 100, bytes = 2_000_000_000, rounds = 3, print = (line) => { process.stdout.write(`${line}\n`); } } = options;
  const folder = mkdtempSync(join(tmpdir(), "weir-bench-sidecar-"));
  try {
    const program = join(folder, "sidecar.cjs");
    const entry = join(import.meta.dirname, "../sidecar/main.ts");
    await build({ entryPoints: [entry], outfile: program, bundle: true, platform: "node", format: "cjs", target: "node24", external: ["koffi"], logLevel: "error" });
    const results = [...await measureMemory(program, folder, count), ...await measureCpu(program, bytes, rounds)];
    print(`sidecar on node ${process.versions.node}, ${process.arch}`);
    for (const { scenario, value, unit, bar } of results) {
      const verdict = bar === null ? "" : `   bar ${Math.round(bar * 100) / 100} ${value <= bar ? "met" : "MISSED"}`;
      print(`${scenario.padEnd(40)} ${value.toFixed(unit === "KiB" || unit === "us/connection" ? 0 : 2).padStart(10)} ${unit}${verdict}`);
    }
    return results;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measureMemory(program: string, folder: string, count: number): Promise<SidecarBenchResult[]> {
  writeFileSync(join(folder, "token"), "bench.token.signature");
  const sidecars: ChildProcess[] = [];
  try {
    for (let index = 0; index < count; index += 1) sidecars.push(await startIdle(program, folder, index));
    await wait(SETTLE_MS);
    const each = sidecars.map(({ pid = 0 }) => memoryOf(pid));
    const worst = Math.max(...each.map(({ privateKib }) => privateKib));
    const together = each.reduce((sum, { pssKib }) => sum + pssKib, 0);
    return [
      { scenario: "private memory, idle (largest)", value: worst, unit: "KiB", bar: BARS.privateIdleKib },
      { scenario: `proportional memory of ${count} together`, value: together, unit: "KiB", bar: BARS.hundredPssKib * Math.max(1, count / 100) },
    ];
  } finally {
    for (const sidecar of sidecars) await endProcess(sidecar);
  }
}

/** Ports of its own, because here all of them share one network. */
async function startIdle(program: string, folder: string, index: number): Promise<ChildProcess> {
  const ports = ["--tcp-port", String(21_000 + index), "--dns-port", String(23_000 + index)];
  const args = [...SIDECAR_NODE_FLAGS, program, "--proxy", `unix:${join(folder, "proxy.sock")}`, "--token-file", join(folder, "token"), ...ports];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"], env: {} });
  await once(child.stderr, "data");
  child.stderr.resume();
  return child;
}

/** Anonymous pages are what one more sidecar costs; pages of the program file are shared by all on a node (proc(5), smaps_rollup). */
function memoryOf(pid: number): { privateKib: number; pssKib: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const field = (name: string) => Number(rollup.match(new RegExp(`^${name}:\\s+(\\d+) kB`, "m"))?.[1] ?? Number.NaN);
  return { privateKib: field("Private_Dirty"), pssKib: field("Pss") };
}

async function measureCpu(program: string, bytes: number, rounds: number): Promise<SidecarBenchResult[]> {
  const lab = await PodLab.open();
  try {
    lab.applyRules();
    const sidecar = await lab.startSidecarProgram(program);
    const results: SidecarBenchResult[] = [];
    for (const direction of ["up", "down"] as const) {
      const samples = Array.from({ length: rounds }, () => transfer(lab, sidecar.pid ?? 0, direction, bytes));
      results.push(
        { scenario: `direct, ${direction}`, value: median(samples.map((one) => one.directGbits)), unit: "Gbit/s", bar: null },
        { scenario: `through the sidecar, ${direction}`, value: median(samples.map((one) => one.relayedGbits)), unit: "Gbit/s", bar: null },
        { scenario: `CPU of the sidecar, ${direction}`, value: median(samples.map((one) => one.secondsPerGb)), unit: "s/GB", bar: BARS.cpuSecondsPerGb },
      );
    }
    return [...results, { scenario: "CPU of the sidecar, new connection", value: connectionCost(lab, sidecar.pid ?? 0), unit: "us/connection", bar: null }];
  } finally {
    await lab.close();
  }
}

interface Transfer {
  readonly directGbits: number;
  readonly relayedGbits: number;
  readonly secondsPerGb: number;
}

/** Direct first, then through the sidecar, so that both meet the same machine. */
function transfer(lab: PodLab, pid: number, direction: "up" | "down", bytes: number): Transfer {
  const port = direction === "up" ? 7004 : 7005;
  const preamble = encodePreamble({ transport: "tcp", source: { address: ADDRESSES.pod[4], port: 1 }, destination: { address: "203.0.113.1", port }, token: "t", connectionId: "bench" });
  const directSeconds = client(lab, { to: ADDRESSES.node[4], port: 15_008, direction, bytes, preamble });
  const before = cpuSeconds(pid);
  const relayedSeconds = client(lab, { to: "203.0.113.1", port, direction, bytes, preamble: Buffer.alloc(0) });
  const gigabits = bytes * 8 / 1e9;
  return { directGbits: gigabits / directSeconds, relayedGbits: gigabits / relayedSeconds, secondsPerGb: (cpuSeconds(pid) - before) / (bytes / 1e9) };
}

function client(lab: PodLab, load: { to: string; port: number; direction: "up" | "down"; bytes: number; preamble: Buffer }): number {
  const move = load.direction === "up"
    ? "while n < total: n += s.send(block)\ns.shutdown(socket.SHUT_WR); s.recv(50)"
    : "while n < total: n += s.recv_into(block)";
  return Number(lab.pod.run("python3", "-c", `import socket, time
s = socket.create_connection(("${load.to}", ${load.port}), 10); s.settimeout(None); s.sendall(bytes.fromhex("${load.preamble.toString("hex")}"))
block = memoryview(bytearray(262144)); n = 0; total = ${load.bytes}; t = time.monotonic()
${move}
print(time.monotonic() - t)`));
}

function connectionCost(lab: PodLab, pid: number): number {
  const before = cpuSeconds(pid);
  lab.pod.run("python3", "-c", `import socket\nfor _ in range(${CONNECTIONS}):\n  with socket.create_connection(("203.0.113.1", 443), 10) as s: s.recv(100)`);
  return (cpuSeconds(pid) - before) / CONNECTIONS * 1e6;
}

/** All threads of the process, in user and kernel mode (proc(5), fields 14 and 15 of stat). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

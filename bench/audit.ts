import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../common/clock.ts";
import { silentLog } from "../common/log.ts";
import { Chain } from "../proxy/audit/chain.ts";
import { auditConfig } from "../proxy/audit/config.ts";
import { openAudit } from "../proxy/audit/open-audit.ts";
import type { ExchangeRecord } from "../proxy/model/record.ts";
import { INPUT_LEVELS, keepInput, type InputLevel } from "../proxy/policy/keep-input.ts";
import type { PolicyInput } from "../proxy/policy/policy-engine.ts";

export interface AuditBenchOptions {
  /** Folder on the disk to measure; default the system's temporary folder. */
  readonly directory?: string;
  /** Exchanges of each round; each commits one record and enqueues another. */
  readonly exchanges?: number;
  readonly print?: (line: string) => void;
}

export interface AuditBenchResult {
  readonly scenario: string;
  readonly recordsPerSecond: number;
  /** User and system time of the whole process, disk calls included. */
  readonly cpuMicrosPerRecord: number;
  readonly commitP50Ms: number;
  readonly commitP99Ms: number;
}

export interface RecordCost {
  readonly level: InputLevel;
  /** As stored. */
  readonly bytesPerRecord: number;
  readonly cpuMicrosPerRecord: number;
}

const EXCHANGE: ExchangeRecord = {
  kind: "exchange", phase: "closed", timeMs: 0, agent: { namespace: "local", name: "coder", thread: "t-1", instance: "i-01K9Z7V3M4Q8", user: "ada", chain: [] },
  exchangeId: "01K9Z7V3M4Q8TTTT", connectionId: "01K9Z7V3M4Q8SSSS", method: "GET", scheme: "https", host: "api.example.com", port: 443, path: "/v1/things/1234",
  queryKeys: ["page"], httpVersion: "1.1", userAgent: "curl/8.5.0", decision: { allowed: true, rule: "example.read", revision: "0a1b2c3d", grants: ["example"], budgets: [] },
  credentials: ["example@file#1"], redactions: [], outcome: "allowed", error: null, status: 200, upstreamAddress: "192.0.2.1", durationMs: 12, usage: { requestBytes: 0, responseBytes: 1_234 },
};

const INPUT: PolicyInput = {
  version: 1, agent: { namespace: "local", name: "coder", thread: "t-1", user: "ada", labels: { team: "red" }, chain: [] },
  connection: { name: "mcp.example.com", is_address: false, port: 443, wire: "tls", sni: "mcp.example.com", alpn: ["h2", "http/1.1"] },
  request: {
    method: "POST", scheme: "https", host: "mcp.example.com", port: 443, path: ["mcp"], query: { session: ["1"] }, upgrade: null,
    headers: {
      "host": "mcp.example.com", "user-agent": "node", "accept": "application/json, text/event-stream", "content-type": "application/json", "content-length": "188",
      "authorization": "Bearer dummy", "mcp-session-id": "01K9Z7V3M4Q8TTTT", "mcp-protocol-version": "2025-11-25", "accept-encoding": "gzip, br", "x-trace-id": "7",
    },
  },
  read: { mcp: null },
  mcp: {
    era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: "write_file", arguments: { path: "/workspace/a.txt", text: "hello" },
    prompt: null, uri: null, is_listing: false,
  },
  budgets: { "team-a": { limit: 50, spent: 12.5, reserved: 0.25 } }, time: "2026-11-01T00:00:00.000Z",
};

/** What a record costs with what policy was asked: of a request to an MCP server, at each level of `audit.policyInput`. */
function withInput(records: number, level: InputLevel): RecordCost {
  const chain = new Chain("0f8fad5b-d9cb-469f-a165-70867728950e", "0");
  let bytes = 0;
  const [startMs, cpu] = [performance.now(), process.cpuUsage()];
  for (let at = 0; at < records; at += 1) {
    const input = keepInput(INPUT, level, null);
    const record = EXCHANGE.decision === null || input === undefined ? EXCHANGE : { ...EXCHANGE, decision: { ...EXCHANGE.decision, input } };
    bytes += chain.append(record).line.length;
  }
  return { level, bytesPerRecord: Math.round(bytes / records), cpuMicrosPerRecord: rates(records, startMs, cpu).cpuMicrosPerRecord };
}

/** What the audit log costs: the chain alone, and group commit to a real disk with one caller and with 64. */
export async function run(options: AuditBenchOptions = {}): Promise<AuditBenchResult[]> {
  const { directory = tmpdir(), exchanges = 20_000, print = (line) => { process.stdout.write(`${line}\n`); } } = options;
  chainOnly(exchanges);
  const results = [chainOnly(exchanges)];
  for (const callers of [1, 64]) results.push(await committed(directory, callers, callers === 1 ? Math.min(exchanges, 1_000) : exchanges));
  print(`audit on node ${process.versions.node}, ${process.arch}`);
  print("scenario                records/s   CPU us/record   commit p50 ms   commit p99 ms");
  for (const result of results) {
    print([
      result.scenario.padEnd(22), result.recordsPerSecond.toFixed(0).padStart(10), result.cpuMicrosPerRecord.toFixed(1).padStart(15),
      result.commitP50Ms.toFixed(2).padStart(15), result.commitP99Ms.toFixed(2).padStart(15),
    ].join(" "));
  }
  printInputCosts(exchanges, print);
  return results;
}

function printInputCosts(records: number, print: (line: string) => void): void {
  for (const level of INPUT_LEVELS) withInput(records, level);
  print("policy input kept   bytes/record   CPU us/record");
  for (const level of INPUT_LEVELS.toReversed()) {
    const { bytesPerRecord, cpuMicrosPerRecord } = withInput(records, level);
    print([level.padEnd(19), String(bytesPerRecord).padStart(12), cpuMicrosPerRecord.toFixed(1).padStart(15)].join(" "));
  }
}

/** Mapping, canonical form, hash and tree; no disk. */
function chainOnly(records: number): AuditBenchResult {
  const chain = new Chain("0f8fad5b-d9cb-469f-a165-70867728950e", "0");
  const [startMs, cpu] = [performance.now(), process.cpuUsage()];
  for (let at = 0; at < records; at += 1) chain.append(EXCHANGE);
  return { scenario: "chain, no disk", ...rates(records, startMs, cpu), commitP50Ms: 0, commitP99Ms: 0 };
}

async function committed(parent: string, callers: number, exchanges: number): Promise<AuditBenchResult> {
  const directory = mkdtempSync(join(parent, "weir-bench-audit-"));
  const room = await openAudit(auditConfig.parse({}), { directory, clock: systemClock, log: silentLog });
  try {
    const waitedMs: number[] = [];
    let left = exchanges;
    const [startMs, cpu] = [performance.now(), process.cpuUsage()];
    await Promise.all(Array.from({ length: callers }, async () => {
      while (left > 0) {
        left -= 1;
        const askedMs = performance.now();
        await room.commit(EXCHANGE);
        waitedMs.push(performance.now() - askedMs);
        room.enqueue(EXCHANGE);
      }
    }));
    const measured = rates(exchanges * 2, startMs, cpu);
    const sorted = waitedMs.toSorted((one, other) => one - other);
    return {
      scenario: `commit, ${callers} ${callers === 1 ? "caller" : "callers"}`, ...measured,
      commitP50Ms: sorted[Math.floor(sorted.length * 0.5)] ?? 0, commitP99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    };
  } finally {
    await room.close();
    rmSync(directory, { recursive: true });
  }
}

function rates(records: number, startMs: number, cpu: NodeJS.CpuUsage): Pick<AuditBenchResult, "recordsPerSecond" | "cpuMicrosPerRecord"> {
  const used = process.cpuUsage(cpu);
  return { recordsPerSecond: records / (performance.now() - startMs) * 1_000, cpuMicrosPerRecord: (used.user + used.system) / records };
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../common/clock.ts";
import { silentLog } from "../common/log.ts";
import { Chain } from "../proxy/audit/chain.ts";
import { auditConfig } from "../proxy/audit/config.ts";
import { openAudit } from "../proxy/audit/open-audit.ts";
import type { ExchangeRecord } from "../proxy/model/record.ts";

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

const EXCHANGE: ExchangeRecord = {
  kind: "exchange", phase: "closed", timeMs: 0, agent: { namespace: "local", name: "coder", thread: "t-1", instance: "i-01K9Z7V3M4Q8", user: "ada", chain: [] },
  exchangeId: "01K9Z7V3M4Q8TTTT", connectionId: "01K9Z7V3M4Q8SSSS", method: "GET", scheme: "https", host: "api.example.com", port: 443, path: "/v1/things/1234",
  queryKeys: ["page"], httpVersion: "1.1", userAgent: "curl/8.5.0", decision: { allowed: true, rule: "example.read", revision: "0a1b2c3d", grants: ["example"], budgets: [] },
  credentials: ["example@file#1"], redactions: [], outcome: "allowed", error: null, status: 200, upstreamAddress: "192.0.2.1", durationMs: 12, usage: { requestBytes: 0, responseBytes: 1_234 },
};

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
  return results;
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

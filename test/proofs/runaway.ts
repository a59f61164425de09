import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { readEnvironment } from "../../common/config.ts";
import { writeBundle } from "../../proxy/policy/bundle.ts";
import { compileFolder } from "../../proxy/policy/compile-policy.ts";
import { policyData } from "../../proxy/policy/data.ts";
import { requireOpa } from "../../proxy/policy/opa.ts";
import { seeded, type ProofOptions, type ProofResult } from "../support/proof.ts";
import { startStand, type Stand } from "../support/running-proxy.ts";
import { mintAuthority, type TestAuthority } from "../support/tls-authority.ts";
import { eventually } from "../support/whole-proxy.ts";
import { AgentClient, type Timed } from "./runaway/agent-client.ts";

const HOST = "api.runaway.test";
const DEADLINE_MS = 100;
/** What an answer may take beyond the deadline: the grace of a thread, and the rest of a request on a machine that does other things too. */
const ALLOWED_MS = 150;
const MEMORY_LIMIT_BYTES = 32 << 20;
/** Three threads with the linear memory and the heap that each may have, and as much again for what the process gives back late. */
const GROWTH_LIMIT_BYTES = 512 << 20;
const ROUND_MS = { quick: 2_000, full: 10_000 } as const;
const ROUNDS = 3;
const WAYS = ["loop", "exponential", "memory", "answer"] as const;

/** What is wrong with the policy, for one agent and by path. */
const WILD = `package weir.custom.exchange

wild(way) if {
	input.agent.name == "wild"
	input.request.path == [way]
}

numbers_to(n) := numbers.range(1, n)

deny contains {"rule": "x", "reason": "", "hint": ""} if {
	wild("loop")
	some a in data.custom.list
	some b in data.custom.list
	some c in data.custom.list
	c == "nothing"
	a == b
}

deny contains {"rule": "x", "reason": "", "hint": ""} if {
	wild("exponential")
	some a in data.custom.few
	some b in data.custom.few
	some c in data.custom.few
	some d in data.custom.few
	some e in data.custom.few
	some f in data.custom.few
	some g in data.custom.few
	some h in data.custom.few
	some i in data.custom.few
	some j in data.custom.few
	{a, b, c, d, e, f, g, h, i} == {j}
	a != b
}

deny contains {"rule": "x", "reason": "", "hint": ""} if {
	wild("memory")
	count([[a, b, "filling"] | some a in numbers_to(3000); some b in numbers_to(3000)]) == 1
}

deny contains {"rule": "x", "reason": concat("", ["a sentence that is repeated" | some a in numbers_to(200); some b in numbers_to(100)]), "hint": ""} if wild("answer")
`;
const MENDED = `package weir.custom.exchange

deny contains {"rule": "x", "reason": "", "hint": ""} if input.request.method == "PATCH"
`;

interface Phases {
  readonly quiet: Timed[];
  readonly beside: Timed[];
  readonly wild: Timed[];
  growthBytes: number;
}

/**
 * A whole proxy with a policy that, for one agent, loops, takes exponential time, fills memory, or answers beyond all measure, and another agent beside it:
 * each request of the first ends as `policy.unavailable` in time, the other's p99 stays within twice what it is without the first, memory stays bounded, and
 * once the policy is mended the first agent is served.
 */
export async function run({ quick, seed, print }: ProofOptions): Promise<ProofResult> {
  const authority = await mintAuthority();
  const server = await startDestination(authority);
  const directory = mkdtempSync(join(tmpdir(), "weir-runaway-"));
  const bundle = join(directory, "bundle.tar.gz");
  await writeFile(bundle, await compiled(WILD));
  const stand = await startStand({
    policyData: {}, authority, routes: [{ name: HOST, port: 443, dialPort: (server.address() as AddressInfo).port }],
    config: { policy: { bundle, deadlineMs: DEADLINE_MS, memoryLimitBytes: MEMORY_LIMIT_BYTES, pollIntervalMs: 100 } },
  });
  try {
    const phases = await measure(stand, quick ? ROUND_MS.quick : ROUND_MS.full, seeded(seed));
    await writeFile(bundle, await compiled(MENDED));
    const isMended = await servedAgain(stand);
    return report(phases, isMended, print);
  } finally {
    await stand.stop();
    server.close();
    server.closeAllConnections();
    rmSync(directory, { recursive: true });
  }
}

/** The library with Rego beside it, as `weir policy build` makes it. */
async function compiled(rego: string): Promise<Uint8Array> {
  const opa = await requireOpa(readEnvironment());
  const data = policyData.parse({
    hosts: [{ name: HOST, rule: "runaway.host", methods: ["GET"] }],
    custom: { list: Array.from({ length: 3_000 }, (_, index) => `v${index}`), few: Array.from({ length: 10 }, (_, index) => index) },
  });
  return writeBundle(await compileFolder({ data, rego: new Map([["wild.rego", rego]]) }, async () => opa));
}

async function startDestination(authority: TestAuthority): Promise<Server> {
  const leaf = await authority.leaf([HOST]);
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
    request.resume();
    response.end("ok\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** In turns, so that what else happens on the machine touches both alike. */
async function measure(stand: Stand, roundMs: number, random: () => number): Promise<Phases> {
  const phases: Phases = { quiet: [], beside: [], wild: [], growthBytes: 0 };
  await using quiet = await AgentClient.open(stand, "quiet", HOST);
  await using wild = await AgentClient.open(stand, "wild", HOST);
  for (let count = 0; count < 500; count += 1) await quiet.get("/warm");
  await wild.get("/warm");
  const baseline = process.memoryUsage().rss;
  for (let round = 0; round < ROUNDS; round += 1) {
    await during(roundMs, async () => { phases.quiet.push(await quiet.get("/v1/items")); });
    const over = new AbortController();
    const running = (async () => {
      while (!over.signal.aborted) {
        phases.wild.push(await wild.get(`/${WAYS[Math.floor(random() * WAYS.length)]}`));
        phases.growthBytes = Math.max(phases.growthBytes, process.memoryUsage().rss - baseline);
        await pause(20);
      }
    })();
    await during(roundMs, async () => { phases.beside.push(await quiet.get("/v1/items")); });
    over.abort();
    await running;
  }
  return phases;
}

async function during(ms: number, work: () => Promise<void>): Promise<void> {
  for (const untilMs = performance.now() + ms; performance.now() < untilMs;) await work();
}

async function servedAgain(stand: Stand): Promise<boolean> {
  // Until then not even its questions for names are answered.
  const isServed = async () => {
    const wild = await AgentClient.open(stand, "wild", HOST).catch(() => null);
    if (wild === null) return false;
    await using asked = wild;
    return (await asked.get("/loop")).status === 200;
  };
  return eventually("the agent is served again", isServed, 20_000).then(() => true, () => false);
}

function report({ quiet, beside, wild, growthBytes }: Phases, isMended: boolean, print: (line: string) => void): ProofResult {
  const [before, during_] = [p99(quiet), p99(beside)];
  const late = wild.filter(({ ms }) => ms > DEADLINE_MS + ALLOWED_MS);
  const slowest = Math.max(...wild.map(({ ms }) => ms));
  const evaluated = wild.filter(({ ms }) => ms > DEADLINE_MS / 2).length;
  const checks: [string, boolean][] = [
    [`the quiet agent's ${quiet.length + beside.length} requests are served`, [...quiet, ...beside].every(({ status }) => status === 200)],
    [`its p99 is ${before.toFixed(2)} ms, and ${during_.toFixed(2)} ms beside the other (${(during_ / before).toFixed(2)}x)`, during_ <= 2 * before],
    [`all ${wild.length} requests of the other end as policy.unavailable`, wild.length > 0 && wild.every(({ code }) => code === "policy.unavailable")],
    [`none of them takes more than ${DEADLINE_MS + ALLOWED_MS} ms (slowest ${slowest.toFixed(0)} ms; ${evaluated} ran to the deadline)`, late.length === 0 && evaluated > 0],
    [`memory grows by ${Math.round(growthBytes / 1_048_576)} MiB at most`, growthBytes < GROWTH_LIMIT_BYTES],
    ["once the policy is mended, the agent is served", isMended],
  ];
  for (const [text, holds] of checks) print(`  ${holds ? "ok  " : "FAIL"} ${text}`);
  return {
    holds: checks.every(([, holds]) => holds),
    figure: `p99 of the other agent ${(during_ / before).toFixed(2)}x of ${before.toFixed(2)} ms; ${wild.length} runaway requests denied, ${evaluated} at the deadline, slowest ${slowest.toFixed(0)} ms; memory +${Math.round(growthBytes / 1_048_576)} MiB`,
  };
}

function p99(timed: readonly Timed[]): number {
  const sorted = timed.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
}

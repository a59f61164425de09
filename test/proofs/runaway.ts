import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bundle } from "../../proxy/policy/bundle.ts";
import { seeded, type ProofOptions, type ProofResult } from "../support/proof.ts";
import { startStand, type Stand } from "../support/running-proxy.ts";
import { mintAuthority, type TestAuthority } from "../support/tls-authority.ts";
import { eventually } from "../support/whole-proxy.ts";
import { AgentClient, type Timed } from "./runaway/agent-client.ts";
import { DEADLINE_MS, KINDS, type Kind } from "./runaway/kinds.ts";
import { compiled, HOST, MENDED, published, WILD } from "./runaway/policies.ts";
import { compareWindows, measureWindows, type Compared } from "./runaway/windows.ts";

/** What an answer may take beyond its time: the grace of a thread, and the rest of a request on a machine that does other things too. */
const ALLOWED_MS = 150;
const MEMORY_LIMIT_BYTES = 32 << 20;
/** Three threads with the linear memory and the heap that each may have, and as much again for what the process gives back late. */
const GROWTH_LIMIT_BYTES = 512 << 20;
const FORMS = { quick: { rounds: 2, windowMs: 1_000 }, full: { rounds: 7, windowMs: 3_000 } } as const;
/** The neighbour's p99 beside the load, in its p99 without; times what quiet windows differ by themselves. */
const RATIO_LIMIT = 2;

interface Setting {
  readonly stand: Stand;
  readonly bundle: Bundle;
  readonly bundlePath: string;
}

interface Outcome extends Compared {
  readonly kind: Kind;
  readonly wild: readonly Timed[];
  readonly growthBytes: number;
  /** Requests of the neighbour that were refused. */
  readonly unserved: number;
}

/**
 * A whole proxy, an agent that does what agents do, and others beside it that are a load: policies that loop, take exponential time, fill memory or answer
 * beyond all measure, several at once and new ones each second; policies that are slow, and answer; large data; heavy bodies. What does not end is
 * `policy.unavailable` in time, the neighbour is served and its p99 stays within twice what it is without them where `Kind.isHeld` says so, memory
 * stays bounded, and once the policy is mended the wild agent is served.
 */
export async function run({ quick, seed, print }: ProofOptions): Promise<ProofResult> {
  const authority = await mintAuthority();
  const server = await startDestination(authority);
  const directory = mkdtempSync(join(tmpdir(), "weir-runaway-"));
  const [random, bundle, bundlePath] = [seeded(seed), await compiled(WILD), join(directory, "bundle.tar.gz")];
  const outcomes: Outcome[] = [];
  let isMended = true;
  try {
    for (const kind of KINDS) {
      await writeFile(bundlePath, await published(bundle, 0));
      const stand = await openStand(kind, { authority, bundlePath, dialPort: (server.address() as AddressInfo).port });
      try {
        const outcome = await measure(kind, { stand, bundle, bundlePath }, { ...(quick ? FORMS.quick : FORMS.full), random });
        outcomes.push(outcome);
        for (const line of linesOf(outcome)) print(line);
        if (kind === KINDS[0]) isMended = await mend(stand, bundlePath);
      } finally {
        await stand.stop();
      }
    }
  } finally {
    server.close();
    server.closeAllConnections();
    rmSync(directory, { recursive: true });
  }
  print(`  ${isMended ? "ok  " : "FAIL"} once the policy is mended, the wild agent is served`);
  return { holds: isMended && outcomes.every((outcome) => checksOf(outcome).every(([, holds]) => holds)), figure: figureOf(outcomes) };
}

interface Ground {
  readonly authority: TestAuthority;
  readonly bundlePath: string;
  readonly dialPort: number;
}

async function openStand({ data }: Kind, { authority, bundlePath, dialPort }: Ground): Promise<Stand> {
  const place = data === undefined ? { bundle: bundlePath } : { data };
  return startStand({
    policyData: {}, authority, routes: [{ name: HOST, port: 443, dialPort }],
    config: { policy: { ...place, deadlineMs: DEADLINE_MS, memoryLimitBytes: MEMORY_LIMIT_BYTES, pollIntervalMs: 100 } },
  });
}

async function startDestination(authority: TestAuthority): Promise<Server> {
  const leaf = await authority.leaf([HOST]);
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
    request.resume();
    request.on("end", () => { response.end("ok\n"); });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

interface Form {
  readonly rounds: number;
  readonly windowMs: number;
  readonly random: () => number;
}

async function measure(kind: Kind, { stand, bundle, bundlePath }: Setting, { rounds, windowMs, random }: Form): Promise<Outcome> {
  const wild: Timed[] = [];
  await using quiet = await AgentClient.open(stand, "quiet", HOST);
  const asked: Timed[] = [];
  const ask = async () => {
    const timed = await quiet.get("/v1/items");
    asked.push(timed);
    return timed;
  };
  for (let count = 0; count < 500; count += 1) await ask();
  let growthBytes = 0;
  const baseline = process.memoryUsage.rss();
  const told = (timed: Timed) => {
    wild.push(timed);
    growthBytes = Math.max(growthBytes, process.memoryUsage.rss() - baseline);
  };
  const beLoud = await kind.open({ stand, random, bundle, bundlePath, told });
  const windows = await measureWindows({ rounds, windowMs, ask, beLoud });
  return { ...compareWindows(windows), kind, wild, growthBytes, unserved: asked.filter(({ status }) => status !== 200).length };
}

async function mend(stand: Stand, bundlePath: string): Promise<boolean> {
  await writeFile(bundlePath, await published(await compiled(MENDED), 1));
  // Until then not even its questions for names are answered.
  const isServed = async () => {
    const wild = await AgentClient.open(stand, "wild0", HOST, "wild-0").catch(() => null);
    if (wild === null) return false;
    await using asked = wild;
    return (await asked.get("/loop")).status === 200;
  };
  return eventually("the agent is served again", isServed, 20_000).then(() => true, () => false);
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`;
const slowestOf = (timed: readonly Timed[]): number => Math.max(0, ...timed.map(({ ms }) => ms));

function checksOf({ kind, wild, growthBytes, unserved, ratio, noise, quietP99Ms, loudP99Ms }: Outcome): readonly (readonly [text: string, holds: boolean])[] {
  const denied = wild.filter(({ code }) => code === "policy.unavailable").length;
  const limitMs = kind.withinMs + ALLOWED_MS;
  const compared = `its p99 is ${quietP99Ms.toFixed(2)} ms, and ${loudP99Ms.toFixed(2)} ms beside them: ${ratio.toFixed(2)}x (quiet beside quiet ${noise.toFixed(2)}x)`;
  return [
    [unserved === 0 ? "the neighbour is served" : `${unserved} requests of the neighbour are refused`, !kind.isHeld || unserved === 0],
    [kind.isHeld ? compared : `${compared}; not held to ${RATIO_LIMIT}x`, !kind.isHeld || ratio <= RATIO_LIMIT * noise],
    [`${denied} of their ${wild.length} requests end as policy.unavailable`, wild.length > 0 && (!kind.isEndless || denied === wild.length)],
    [`none takes more than ${limitMs} ms (slowest ${slowestOf(wild).toFixed(0)} ms)`, slowestOf(wild) <= limitMs],
    [`memory grows by ${megabytes(growthBytes)} at most`, growthBytes < GROWTH_LIMIT_BYTES],
  ];
}

function linesOf(outcome: Outcome): readonly string[] {
  return checksOf(outcome).map(([text, holds]) => `  ${holds ? "ok  " : "FAIL"} ${outcome.kind.name}: ${text}`);
}

function figureOf(outcomes: readonly Outcome[]): string {
  const wild = outcomes.flatMap((outcome) => outcome.wild);
  const denied = wild.filter(({ code }) => code === "policy.unavailable").length;
  const ratios = outcomes.map(({ kind, ratio }) => `${kind.name} ${ratio.toFixed(2)}x`).join(", ");
  const quietMs = Math.max(...outcomes.map(({ quietP99Ms }) => quietP99Ms));
  return `p99 of the neighbour beside ${ratios} of ${quietMs.toFixed(2)} ms at most; `
    + `${denied} of ${wild.length} wild requests denied, slowest ${slowestOf(wild).toFixed(0)} ms; memory +${megabytes(Math.max(...outcomes.map(({ growthBytes }) => growthBytes)))}`;
}

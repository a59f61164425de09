import { cpSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { storedEvents } from "../support/audit-lines.ts";
import { freePort } from "../support/free-port.ts";
import { seeded, type ProofOptions, type ProofResult } from "../support/proof.ts";
import { buildStage, type Finished, type Stage } from "../support/stage.ts";
import { dumpSandbox, type Dump } from "./canary/dumps.ts";
import { CODINGS, PLACES, startEcho, type Echoes } from "./canary/echo.ts";
import { FORMS } from "./canary/forms.ts";
import { hostOf, LentSecrets, PLACEHOLDER } from "./canary/lent.ts";
import { Search, type Hit } from "./canary/search.ts";

/** How often a store gets a new secret, in milliseconds. */
const CHANGE_MS = { quick: 100, long: 400 };
const CONCURRENCY = 24;
const DEADLINE_MS = 1_500_000;

/** What was there to be searched, and whether all went as it should. */
interface Observed {
  readonly stage: Stage;
  readonly lent: LentSecrets;
  readonly echoes: Echoes;
  readonly finished: Finished;
  readonly metrics: string;
  readonly dumps: readonly Dump[];
}

/**
 * Secrets of all ways of lending, other ones every moment, at destinations that give them back in every form and place: no byte that the
 * agent got, printed or remembers, no log, no audit record, no metric and no memory of the sidecar has one of them. The search itself is tried first.
 */
export async function run({ quick, seed, print }: ProofOptions): Promise<ProofResult> {
  const stage = await buildStage();
  const lent = await LentSecrets.open(stage);
  const echoes = await startEcho(stage, lent);
  const adminPort = await freePort();
  try {
    configure(stage, lent, adminPort);
    const observed = await observe({ stage, lent, echoes }, { quick, seed, adminPort, count: quick ? 2_000 : 100_000 });
    return await judge(observed, print);
  } finally {
    echoes.close();
    stage.remove();
  }
}

function configure(stage: Stage, lent: LentSecrets, adminPort: number): void {
  const hosts = lent.kinds.map((kind) => ({ name: hostOf(kind), rule: `canary.${kind}`, methods: ["GET", "POST", "HEAD"], paths: ["/**"], websocket: true, grants: [kind] }));
  stage.configure({ logLevel: "debug", admin: { address: `127.0.0.1:${adminPort}` }, grants: lent.grants }, { hosts });
}

interface Course {
  readonly quick: boolean;
  readonly seed: number;
  readonly adminPort: number;
  readonly count: number;
}

async function observe(given: Pick<Observed, "stage" | "lent" | "echoes">, { quick, seed, adminPort, count }: Course): Promise<Observed> {
  const { stage, lent } = given;
  const work = (name: string) => join(stage.directory, "work", name);
  const plan = { seed, count, concurrency: CONCURRENCY, kinds: lent.kinds, forms: Object.keys(FORMS), places: PLACES, codings: Object.keys(CODINGS), placeholder: PLACEHOLDER };
  writeFileSync(work("plan.json"), JSON.stringify(plan));
  cpSync(join(import.meta.dirname, "canary", "agent.mjs"), work("agent.mjs"));
  const running = stage.run(["node", "agent.mjs", "plan.json"], { deadlineMs: DEADLINE_MS });
  let isOver = false;
  void running.finally(() => { isOver = true; });
  const random = seeded(seed);
  while (!existsSync(work("done")) && !isOver) {
    lent.change(lent.kinds[Math.floor(random() * lent.kinds.length)] ?? "header");
    await pause(quick ? CHANGE_MS.quick : CHANGE_MS.long);
  }
  if (isOver) throw new Error(`the agent ended early: ${(await running).stderr.slice(-2_000)}`);
  try {
    const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    const dumps = await dumpSandbox(stage.directory);
    writeFileSync(work("go"), "");
    return { ...given, finished: await running, metrics, dumps };
  } finally {
    writeFileSync(work("go"), "");
    await running;
  }
}

async function judge(observed: Observed, print: (line: string) => void): Promise<ProofResult> {
  const { stage, lent, echoes, finished, metrics, dumps } = observed;
  const search = new Search();
  for (const { text } of lent.all) search.addSecret(text);
  const missed = missedForms(search, lent);
  const places: [string, Hit[]][] = [["metrics", search.in("metrics", Buffer.from(metrics))], ["output and log", search.in("output", Buffer.from(finished.stdout + finished.stderr))]];
  let bytes = metrics.length + finished.stdout.length + finished.stderr.length;
  const files = [...filesBelow(join(stage.directory, "work")), ...filesBelow(stage.auditDirectory), ...dumps.map(({ path }) => path)];
  for (const file of files) {
    const found = await search.inFile(file);
    bytes += found.bytes;
    places.push([file.slice(stage.directory.length + 1), found.hits]);
  }
  const hits = places.flatMap(([, found]) => found);
  for (const hit of hits.slice(0, 20)) print(`  FOUND ${hit.form} in ${hit.where}`);
  const recorded = await redactionsIn(stage);
  const tally = JSON.parse(finished.stdout.trim()) as Record<string, number>;
  print(`  the agent: ${finished.stdout.trim()}; ${echoes.given} answers had a secret in them, ${recorded.exchanges} are recorded as masked, ${recorded.count} times`);
  const arrived = lent.all.filter(({ arrivals }) => arrivals > 0).length;
  const checks: [string, boolean][] = [
    [`the search finds what is planted, in each form${missed.length === 0 ? "" : `, but for ${missed.join(", ")}`}`, missed.length === 0],
    [`secrets reached their destinations: ${arrived} of ${lent.all.length}, and ${echoes.certificates} requests with a client certificate`, arrived > lent.kinds.length && echoes.certificates > 0],
    [`each request carried its secret (${echoes.bare} did not)`, echoes.bare === 0],
    [`the agent was served (${tally["refused"] ?? -1} refused, ${tally["broken"] ?? -1} broken off${recorded.refusals.size === 0 ? "" : `: ${[...recorded.refusals].join(", ")}`})`, tally["refused"] === 0],
    [`each answer with a secret is recorded as masked`, recorded.exchanges >= echoes.given],
    [`searched: ${files.length} files, output, log and metrics, ${Math.round(bytes / 1e6)} MB: ${hits.length} finds`, hits.length === 0],
  ];
  for (const [text, holds] of checks) print(`  ${holds ? "ok  " : "FAIL"} ${text}`);
  const requests = Object.values(tally).reduce((sum, count) => sum + count, 0) - (tally["sockets"] ?? 0);
  return { holds: checks.every(([, holds]) => holds), figure: `${requests} requests, ${arrived} secrets lent in ${lent.kinds.length} ways, ${echoes.given} answers that gave one back; ${hits.length} occurrences in ${Math.round(bytes / 1e6)} MB` };
}

/** Forms of a secret that the search would not see. */
function missedForms(search: Search, lent: LentSecrets): string[] {
  const value = lent.all.find(({ arrivals }) => arrivals > 0)?.text ?? "";
  return Object.entries(FORMS).filter(([, form]) => search.in("planted", Buffer.concat([Buffer.from("x "), Buffer.from(form(value) as string), Buffer.from(" x")])).length === 0).map(([name]) => name);
}

async function redactionsIn(stage: Stage): Promise<{ exchanges: number; count: number; refusals: Set<string> }> {
  const sum = { exchanges: 0, count: 0, refusals: new Set<string>() };
  for await (const event of storedEvents(stage.auditDirectory)) {
    const redactions = event.unmapped?.weir?.redactions ?? [];
    if (event.status_code !== undefined && !event.status_code.startsWith("upstream.")) sum.refusals.add(`${event.status_code} at ${event.http_request?.url?.hostname ?? "?"}: ${event.status_detail ?? ""}`);
    if (redactions.length > 0) sum.exchanges += 1;
    sum.count += redactions.reduce((total, { count }) => total + count, 0);
  }
  return sum;
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

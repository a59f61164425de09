import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { readEnvironment } from "../../common/config.ts";
import { parseUsd } from "../../common/money.ts";
import { obtainStockAgents } from "../../tools/stock-agents.ts";
import { storedEvents } from "../support/audit-lines.ts";
import { MODEL_HOSTS } from "../support/model-provider/model-provider.ts";
import { startProviderProcess, type ProviderProcess } from "../support/model-provider/provider-process.ts";
import { startPostgres, type PostgresServer } from "../support/postgres-server.ts";
import type { ProofOptions, ProofResult } from "../support/proof.ts";
import { buildStage, WEIR, type Stage } from "../support/stage.ts";
import { LineTape } from "./kill/line-tape.ts";
import { LedgerBook } from "./race/ledger-book.ts";
import { BUDGETS, GRANTS, HOSTS, PROGRAMS, stockAgents, stoppedClients, type StockAgent, type StoppedClient } from "./stop/clients.ts";

const DEADLINE_MS = 60_000;
const AGENT_DEADLINE_MS = 30_000;
const TEN_SECONDS_MS = 10_000;
/** What an operator adds: enough for the call that did not fit. */
const TOP_UP_NANO = 1_000_000_000n;

interface Scene {
  readonly stage: Stage;
  readonly provider: ProviderProcess;
  readonly postgres: PostgresServer;
  readonly book: LedgerBook;
}

/**
 * Official client libraries with their usual retries run into a budget that is used up while they work: each makes at most one further request after
 * the first that is refused, and tells its program which budget it was, how much it allows and how to raise it. When an operator has raised it, the
 * same client goes on. Stock agents against a used-up budget stop, and do not storm.
 */
export async function run({ quick, print }: ProofOptions): Promise<ProofResult> {
  const found = await obtainStockAgents(readEnvironment(), print);
  const clients = stoppedClients(found, quick);
  const agents = stockAgents(found);
  const scene = await openScene();
  let stopped = 0;
  let most = 0;
  try {
    for (const client of clients) {
      const { problems, refused, line } = await tryClient(client, scene);
      most = Math.max(most, refused - 1);
      stopped += report(client.name, line, problems, print);
    }
    for (const agent of agents) {
      const { problems, line } = await tryAgent(agent, scene);
      stopped += report(agent.name, line, problems, print);
    }
  } finally {
    await closeScene(scene);
  }
  const all = clients.length + agents.length;
  return {
    holds: stopped === all,
    figure: `${stopped} of ${all} clients (${clients.length} libraries, ${agents.length} agents) stop at the cap, libraries go on when it is raised; at most ${most} further requests after a refusal`,
  };
}

function report(name: string, line: string, problems: readonly string[], print: (line: string) => void): 0 | 1 {
  print([`  ${problems.length === 0 ? "ok  " : "FAIL"} ${name}: ${line}`, ...problems.map((problem) => `         ${problem}`)].join("\n"));
  return problems.length === 0 ? 1 : 0;
}

async function openScene(): Promise<Scene> {
  const stage = await buildStage();
  const provider = await startProviderProcess(stage.authority, stage.directory);
  const postgres = await startPostgres();
  for (const host of MODEL_HOSTS) stage.route(host, 443, provider.port);
  const limits = Object.entries(BUDGETS);
  const named = Object.fromEntries(limits.map(([name, limit]) => [name, { meter: "usd", limit, window: "thread", per: "thread" }]));
  const grants = Object.fromEntries(GRANTS.map((name) => [name, { use: name, credential: { type: "file", path: stage.secretFile(name, "a-key-of-the-proof") } }]));
  // Made anew for each: YAML would write what is shared as an alias.
  const allowed = () => ({ methods: ["GET", "POST"], paths: ["/**"], websocket: true, when_short: "refuse" });
  stage.configure({ logLevel: "silent", grants, budgets: { named, ledger: { type: "postgres", urlFile: stage.secretFile("ledger-url", postgres.url) } } }, {
    hosts: HOSTS.map(({ name, budget, grants: lent }) => ({ ...allowed(), name, rule: `stop.${budget}`, budgets: [budget], grants: lent })),
  });
  // Every answer is as long as it may be, so that a few use the budget up.
  await provider.setPlan({ output: 1_000, chunkTokens: 10 });
  const book = await LedgerBook.open(postgres.url, Object.fromEntries(limits.map(([name, limit]) => [name, parseUsd(limit) ?? 0n])));
  return { stage, provider, postgres, book };
}

async function closeScene({ stage, provider, postgres, book }: Scene): Promise<void> {
  await book.close();
  await provider.close();
  await postgres.close();
  stage.remove();
}

interface Tried {
  readonly problems: readonly string[];
  /** Requests that were refused for want of money. */
  readonly refused: number;
  readonly line: string;
}

async function tryClient(client: StoppedClient, scene: Scene): Promise<Tried> {
  const before = await refusals(scene.stage);
  const work = workFolder(client, scene.stage);
  cpSync(PROGRAMS, work, { recursive: true });
  const child = spawn(process.execPath, [WEIR, "run", "-q", "--config", scene.stage.configFile, "--", ...client.command], {
    cwd: work, env: { ...readEnvironment(), HOME: work, ...client.env }, stdio: ["pipe", "pipe", "inherit"],
  });
  const tape = new LineTape();
  tape.follow(child);
  try {
    const gone = once(child, "exit").then(([code]) => { throw new Error(`${client.name} ended with ${code} before it was refused`); });
    await Promise.race([tape.until((lines) => lines.some((line) => line.startsWith("refused")), DEADLINE_MS), gone]);
    gone.catch(() => undefined);
    await scene.book.topUp(client.budget, TOP_UP_NANO);
    child.stdin.write("go on\n");
    await ended(child, DEADLINE_MS);
  } finally {
    if (child.exitCode === null) child.kill("SIGKILL");
  }
  const refused = (await refusals(scene.stage)).length - before.length;
  return { refused, problems: problemsOf(client, tape.lines, refused), line: `${tape.count((line) => line.startsWith("answered"))} calls answered, ${refused} requests refused` };
}

function problemsOf({ budget }: StoppedClient, lines: readonly string[], refused: number): readonly string[] {
  const said = lines.find((line) => line.startsWith("refused")) ?? "";
  const wanted = { budget, limit: BUDGETS[budget], "how to raise it": "raise" };
  return [
    ...Object.entries(wanted).filter(([, word]) => !said.includes(word)).map(([what]) => `its error does not name the ${what}: ${said.slice(0, 500)}`),
    ...(lines.some((line) => line.startsWith("answered")) ? [] : ["nothing was answered before the cap"]),
    ...(refused >= 1 && refused <= 2 ? [] : [`${refused} requests were refused, one and at most one further were expected`]),
    ...(lines.includes("again answered") ? [] : [`after the cap was raised: ${lines.at(-1)}`]),
  ];
}

async function tryAgent(agent: StockAgent, { stage, provider }: Scene): Promise<Pick<Tried, "problems" | "line">> {
  const [before, callsBefore] = [await refusals(stage), (await provider.sums()).calls];
  const work = workFolder(agent, stage);
  const result = await stage.run(agent.command, { cwd: work, env: { HOME: work, ...agent.env }, deadlineMs: AGENT_DEADLINE_MS });
  const times = (await refusals(stage)).slice(before.length);
  const paid = (await provider.sums()).calls - callsBefore;
  const inTenSeconds = times.filter((timeMs) => timeMs - (times[0] ?? 0) < TEN_SECONDS_MS).length;
  return {
    line: `${inTenSeconds} requests refused in ten seconds, ${times.length} in all, exit code ${result.code}`,
    problems: [
      ...(times.length > 0 ? [] : [`it was never refused: ${result.stderr.slice(-600)}`]), ...(paid === 0 ? [] : [`${paid} calls were answered, though the budget pays for none`]),
      ...(inTenSeconds <= agent.mostInTenSeconds ? [] : [`it storms: ${inTenSeconds} requests in ten seconds`]),
      ...((result.stdout + result.stderr).includes(agent.budget) ? [] : [`it does not tell which budget it was: ${(result.stdout + result.stderr).slice(-600)}`]),
    ],
  };
}

function workFolder({ name }: StoppedClient, stage: Stage): string {
  const work = join(stage.directory, "work", name.replaceAll(/[^A-Za-z0-9]+/g, "-"));
  mkdirSync(work, { recursive: true });
  return work;
}

async function ended(child: ChildProcess, deadlineMs: number): Promise<void> {
  if (child.exitCode === null) await once(child, "exit", { signal: AbortSignal.timeout(deadlineMs) });
}

/** When requests were refused by a budget, in wall-clock milliseconds, in order: for want of money, or as nothing that can be counted. */
async function refusals(stage: Stage): Promise<readonly number[]> {
  const times: number[] = [];
  for await (const event of storedEvents(stage.auditDirectory)) {
    if (event.status_code?.startsWith("budget.") === true && event.unmapped?.weir?.kind === "exchange") times.push(event.time);
  }
  return times;
}

import { setTimeout as pause } from "node:timers/promises";
import { revokeAtDoors } from "../../cli/operator-doors.ts";
import { readEnvironment } from "../../common/config.ts";
import { obtainOpenBao } from "../../tools/openbao.ts";
import { openLeaseLab, type LeaseLab } from "../support/lease-lab.ts";
import { basicUser, startLeasedUpstream, type LeasedUpstream } from "../support/leased-upstream.ts";
import { seeded, type ProofOptions, type ProofResult } from "../support/proof.ts";
import { buildStage, type Stage } from "../support/stage.ts";
import { eventually } from "../support/whole-proxy.ts";
import { WeirUp } from "./leases/weir-up.ts";

const API = "api.leases.test";
const DATABASE = "db.leases.test";
const END_LIMIT_MS = 2_000;
const RESTART_LIMIT_MS = 60_000;
/** Instances that come and go at a time. */
const AT_ONCE = 8;

/**
 * Users of a real PostgreSQL, made by a real OpenBao for each instance. psql in the agent works as such a user, which is gone when the thread has
 * ended; a churn of instances leaves none; and after `kill -9` of the proxy, in the middle of leasing, the next start takes back what it left.
 */
export async function run({ quick, seed, print }: ProofOptions): Promise<ProofResult> {
  const stage = await buildStage();
  const lab = await openLeaseLab(await obtainOpenBao(readEnvironment()), await stage.authority.leaf([DATABASE]));
  const upstream = await startLeasedUpstream(stage.authority, [API]);
  const up = new WeirUp(stage);
  try {
    configure(stage, lab, upstream);
    const problems: string[] = [];
    const psqlMs = await psqlInTheAgent(stage, lab, problems);
    print(`  psql in the agent: its user was gone ${Math.round(psqlMs)} ms after it`);
    await up.start();
    const churned = await churn(up, lab, { count: quick ? 40 : 400, upstream, problems });
    print(`  churn: ${churned.users} users for ${quick ? 40 : 400} instances; the slowest was gone ${Math.round(churned.slowestMs)} ms after its instance`);
    const random = seeded(seed);
    let slowestMs = 0;
    for (let round = 1; round <= (quick ? 2 : 10); round += 1) {
      const { left, tookMs } = await killAndRestart(up, lab, random() * 1_500, problems);
      slowestMs = Math.max(slowestMs, tookMs);
      print(`  kill ${round}: ${left} users were left; waited ${Math.round(tookMs)} ms from the restart until none was`);
    }
    if (await up.end("SIGTERM") !== 0) problems.push("weir up did not end in order");
    const left = (await lab.users()).length;
    if (left > 0) problems.push(`${left} users are left at the end`);
    for (const problem of problems) print(`  FAIL ${problem}`);
    return {
      holds: problems.length === 0,
      figure: `users gone ${Math.round(psqlMs)} ms after psql, at most ${Math.round(churned.slowestMs)} ms after ${churned.users} instances, at most ${Math.round(slowestMs)} ms after a restart; ${left} left`,
    };
  } finally {
    await up.end("SIGKILL");
    await upstream.close();
    await lab.close();
    stage.remove();
  }
}

function configure(stage: Stage, lab: LeaseLab, upstream: LeasedUpstream): void {
  stage.route(API, 443, upstream.port);
  stage.route(DATABASE, 5432, lab.postgres.port);
  const credential = () => ({ type: "vault-database", role: "agent" });
  stage.configure({
    logLevel: "error", admin: { address: "127.0.0.1:0" }, credentials: { vault: { ...lab.vaultSection, timeoutMs: 10_000 } },
    grants: {
      api: { credential: credential(), inject: { type: "basic" }, bind: { hosts: [API] } },
      db: { credential: credential(), inject: { type: "postgres" }, bind: { hosts: [DATABASE], ports: [5432], databases: ["postgres"] } },
    },
  }, { hosts: [{ name: API, rule: "api", grants: ["api"] }, { name: DATABASE, rule: "db", ports: [5432], handling: "postgres", databases: ["postgres"], grants: ["db"] }] });
}

/** @returns for how long the user was there after psql had ended, in milliseconds */
async function psqlInTheAgent(stage: Stage, lab: LeaseLab, problems: string[]): Promise<number> {
  let lastSeenMs = 0;
  const stop = new AbortController();
  const watching = (async () => {
    while (!stop.signal.aborted) {
      if ((await lab.users()).length > 0) lastSeenMs = Date.now();
      await pause(20);
    }
  })();
  const ran = await stage.run(["sh", "-c", `psql "host=${DATABASE} port=5432 user=anybody dbname=postgres sslmode=require" -Atc "select session_user" && date +%s%3N`]);
  const [user = "", endedAt = ""] = ran.stdout.trim().split("\n");
  if (ran.code !== 0 || !user.startsWith("v-")) problems.push(`psql in the agent ended with ${ran.code} as ${user}: ${ran.stderr}`);
  await eventually("the user of psql is gone", async () => (await lab.users()).length === 0, END_LIMIT_MS * 5).catch((error: unknown) => { problems.push((error as Error).message); });
  stop.abort();
  await watching;
  const tookMs = lastSeenMs - Number(endedAt);
  if (lastSeenMs === 0 || tookMs > END_LIMIT_MS) problems.push(`the user of psql was there for ${tookMs} ms after it`);
  return Math.max(0, tookMs);
}

interface Churn {
  readonly count: number;
  readonly upstream: LeasedUpstream;
  readonly problems: string[];
}

async function churn(up: WeirUp, lab: LeaseLab, { count, upstream, problems }: Churn): Promise<{ readonly users: number; readonly slowestMs: number }> {
  const waiting = Array.from({ length: count }, (_, index) => `churn-${index}`);
  let slowestMs = 0;
  const live = async () => {
    for (let instance = waiting.shift(); instance !== undefined; instance = waiting.shift()) {
      const status = await up.ask(instance, API);
      if (status !== 200) problems.push(`${instance} was answered ${status}`);
      const endedMs = performance.now();
      const [answer] = await revokeAtDoors(up.state, { instance });
      if (answer?.answer?.isConfirmed !== true) problems.push(`the end of ${instance} was not confirmed: ${answer?.trouble ?? "no proxy"}`);
      slowestMs = Math.max(slowestMs, performance.now() - endedMs);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, live));
  const users = new Set(upstream.shown.map(({ authorization }) => basicUser(authorization)));
  if (users.size !== count || users.has("")) problems.push(`${users.size} users for ${count} instances`);
  if (slowestMs > END_LIMIT_MS) problems.push(`a user was there for ${Math.round(slowestMs)} ms after its instance`);
  const left = (await lab.users()).length;
  if (left > 0) problems.push(`${left} users are left after the churn`);
  return { users: users.size, slowestMs };
}

/** Kills the proxy while instances lease, at a moment that chance says. */
async function killAndRestart(up: WeirUp, lab: LeaseLab, afterMs: number, problems: string[]): Promise<{ readonly left: number; readonly tookMs: number }> {
  const asks = Array.from({ length: 20 }, async (_, index) => up.ask(`killed-${index}`, API).catch(() => 0));
  await eventually("somebody has leased", async () => (await lab.users()).length > 0, 20_000);
  await pause(afterMs);
  await up.end("SIGKILL");
  await Promise.all(asks);
  const left = (await lab.users()).length;
  const startedMs = performance.now();
  await up.start();
  await eventually("no user is left", async () => (await lab.users()).length === 0, RESTART_LIMIT_MS)
    .catch(async () => { problems.push(`${(await lab.users()).length} of ${left} users are left a minute after the restart`); });
  return { left, tookMs: performance.now() - startedMs };
}

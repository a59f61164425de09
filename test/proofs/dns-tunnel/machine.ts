/** Runs as root of a user and network namespace of its own; started by ../dns-tunnel.ts, speaks JSON lines. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seeded } from "../../support/proof.ts";
import { Inside } from "./inside.ts";
import { describeAttempt, openTunnel, TYPES, type Attempt } from "./iodine.ts";
import { Namespace } from "./namespaces.ts";
import { Outside, push, ZONE } from "./outside.ts";
import { exfiltrateFromSandbox } from "./sandboxed.ts";

export interface MachineOptions {
  readonly quick: boolean;
  readonly seed: number;
}

export interface Outcome {
  /** Bytes per second through the tunnel without a boundary: what the set-up is able to carry. */
  readonly freeBytesPerSecond: number;
  readonly attempts: number;
  readonly bytesThrough: number;
  readonly questionsOutside: number;
  readonly packetsOutside: number;
  /** Questions of the agent that the boundary answered itself. */
  readonly questionsInside: number;
  readonly problems: readonly string[];
}

const POLICIES: readonly (readonly [name: string, names: Record<string, unknown>])[] = [
  ["every name resolves", {}],
  ["the zone is hidden", { hide: [ZONE, `**.${ZONE}`] }],
];

async function main({ quick, seed }: MachineOptions): Promise<Outcome> {
  execFileSync("ip", ["link", "set", "lo", "up"]);
  writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
  const free = await measureFree(quick ? 2_000 : 10_000);
  say(`without a boundary the tunnel opens and carries ${free.bytesPerSecond} bytes per second in ${free.questions} questions`);
  const problems: string[] = free.bytesPerSecond > 0 && free.questions > 0 ? [] : ["the tunnel does not work without a boundary either: nothing is shown"];

  // A server of its own: the other one still answers a client that is gone.
  await using outside = await Outside.open();
  const before = { ...outside.seen(), bytes: await outside.received() };
  const counts = { attempts: 0, inside: 0 };
  for (const [name, names] of POLICIES) await govern(name, names, { outside, attempts: chooseAttempts(quick, seed), problems, counts, quick, before });

  const sandboxed = await exfiltrateFromSandbox(quick ? 400 : 4_000);
  say(`in the sandbox of weir run: ${sandboxed.asked} names full of data, ${sandboxed.answered} answered inside, ${sandboxed.carried} bytes of record data came back; iodine: ${sandboxed.client}`);
  if (sandboxed.answered === 0) problems.push("no question from the sandbox reached the boundary: nothing is shown");
  if (sandboxed.carried > 0) problems.push("the sandbox got record data");

  const after = outside.seen();
  const bytesThrough = await outside.received() - before.bytes;
  problems.push(...await problemWithCounters(outside));
  return {
    freeBytesPerSecond: free.bytesPerSecond, attempts: counts.attempts, bytesThrough, problems, questionsInside: counts.inside + sandboxed.answered,
    questionsOutside: after.questions - before.questions, packetsOutside: after.packets - before.packets,
  };
}

/** The same client and server with an ordinary network between them. */
async function measureFree(durationMs: number): Promise<{ readonly bytesPerSecond: number; readonly questions: number }> {
  await using outside = await Outside.open();
  await using free = await Namespace.open();
  free.linkTo("10.9.1.1", "10.9.1.2", "free");
  const { isUp, said } = await openTunnel(free, { type: null, extra: ["-r", "-m", "1000"] }, 30_000);
  if (!isUp) throw new Error(`iodine finds no way even without a boundary: ${said.slice(-300)}`);
  await push(free, durationMs);
  return { bytesPerSecond: Math.round(await outside.received() / (durationMs / 1_000)), questions: outside.seen().questions };
}

interface Trial {
  readonly outside: Outside;
  readonly attempts: readonly Attempt[];
  readonly problems: string[];
  readonly counts: { attempts: number; inside: number };
  readonly quick: boolean;
  readonly before: { readonly questions: number; readonly packets: number };
}

async function govern(policy: string, names: Record<string, unknown>, trial: Trial): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "weir-tunnel-"));
  try {
    await using inside = await Inside.open(folder, names);
    for (const attempt of trial.attempts) {
      const asked = inside.names.length;
      const { isUp, said } = await openTunnel(inside.namespace, attempt, trial.quick ? 8_000 : 60_000);
      await push(inside.namespace, 500);
      trial.counts.attempts += 1;
      const questions = inside.names.length - asked;
      trial.counts.inside += questions;
      say(`${policy}, ${describeAttempt(attempt)}: ${isUp ? "OPEN" : "no tunnel"}, ${questions} questions answered inside, ${trial.outside.seen().questions - trial.before.questions} outside`);
      if (isUp) trial.problems.push(`${policy}: a tunnel opened with ${describeAttempt(attempt)}`);
      if (questions === 0) trial.problems.push(`${policy}: no question of the client reached the boundary: ${said.slice(-200)}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The counters must be able to see what the proxy asks, or their zero would say nothing. */
async function problemWithCounters(outside: Outside): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "weir-tunnel-"));
  try {
    await using inside = await Inside.open(folder, {});
    const { questions } = outside.seen();
    await inside.useAllowedHost();
    const asked = outside.seen().questions - questions;
    say(`an allowed request makes the proxy ask ${asked} questions outside: the counters work`);
    return asked > 0 ? [] : ["the counters do not see the proxy's own questions: their zero says nothing"];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function chooseAttempts(quick: boolean, seed: number): Attempt[] {
  const random = seeded(seed);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const shaped = (type: string | null): Attempt => ({ type, extra: ["-M", String(100 + Math.floor(random() * 156)), "-L", pick(["0", "1"]), ...pick([["-r"], []])] });
  if (quick) return [{ type: null, extra: [] }, shaped(pick(TYPES))];
  return [{ type: null, extra: [] }, ...TYPES.flatMap((type) => [shaped(type), shaped(type)])];
}

function say(line: string): void {
  process.stdout.write(`${JSON.stringify({ line })}\n`);
}

try {
  const outcome = await main(JSON.parse(process.argv[2] ?? "{}") as MachineOptions);
  process.stdout.write(`${JSON.stringify({ outcome })}\n`, () => { process.exit(0); });
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`, () => { process.exit(1); });
}

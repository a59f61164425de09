import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { readEnvironment, type Environment } from "../common/config.ts";
import { EXIT, UserError } from "../common/exit-codes.ts";
import { describeError } from "../common/lifecycle.ts";
import { obtainKubernetes } from "../tools/kubernetes.ts";
import { LAB_PROGRAMS, startNodeLab } from "../test/support/kube/node-lab.ts";
import { imageArchive } from "./build-images.ts";
import { IMAGES } from "./images/contents.ts";

const USAGE = `usage: node scripts/lab.ts up | down | status   (root)

A cluster of one real node on this machine, as the end-to-end tests have it. \`up\` imports the images that
scripts/build-images.ts has built; \`down\` leaves nothing.
`;

/** What the process of the lab tells the others. */
const labState = z.strictObject({ pid: z.number().int().positive(), kubeconfig: z.string(), url: z.string(), kubectl: z.string(), world: z.string() });
type LabState = z.output<typeof labState>;

const START_DEADLINE_MS = 120_000;
const END_DEADLINE_MS = 60_000;
const POLL_MS = 100;

async function up(environment: Environment, say: (line: string) => void): Promise<void> {
  if (await runningLab(environment) !== null) throw new UserError("a lab runs already", "`node scripts/lab.ts status` shows it, `down` ends it.", EXIT.usage);
  // A build takes minutes; after this line nothing does.
  await obtainKubernetes(environment, say, LAB_PROGRAMS);
  await mkdir(dirname(stateFile(environment)), { recursive: true });
  const logFile = `${stateFile(environment)}.log`;
  const log = openSync(logFile, "w");
  const child = spawn(process.execPath, [import.meta.filename, "serve"], { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  child.unref();
  await until(async () => await runningLab(environment) !== null || child.exitCode !== null, START_DEADLINE_MS);
  const state = await runningLab(environment);
  if (state === null) throw new UserError(`the lab did not start: ${(await readFile(logFile, "utf8")).trim()}`, "Its own words are above.", EXIT.failure);
  say(describe(state));
}

async function down(environment: Environment, say: (line: string) => void): Promise<void> {
  const state = await runningLab(environment);
  if (state === null) {
    say("no lab runs");
    return;
  }
  process.kill(state.pid, "SIGTERM");
  await until(async () => await runningLab(environment) === null, END_DEADLINE_MS);
  say("the lab is gone");
}

/** The process of the lab itself, until it is told to end. */
async function serve(environment: Environment): Promise<void> {
  const ended = Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  const lab = await startNodeLab();
  try {
    for (const archive of IMAGES.map(imageArchive).filter((path) => existsSync(path))) await lab.importImage(archive);
    const { kubectl } = await obtainKubernetes(environment, () => {}, ["kubectl"]);
    const state: LabState = { pid: process.pid, kubeconfig: lab.adminKubeconfig, url: lab.url, kubectl, world: lab.addresses.world };
    await writeFile(stateFile(environment), JSON.stringify(state), { mode: 0o600 });
    await ended;
  } finally {
    await lab.stop();
    await rm(stateFile(environment), { force: true });
  }
}

/** @returns null if there is none, or its process is gone */
async function runningLab(environment: Environment): Promise<LabState | null> {
  const text = await readFile(stateFile(environment), "utf8").catch(() => null);
  if (text === null) return null;
  const parsed = labState.safeParse(JSON.parse(text === "" ? "null" : text));
  return parsed.success && existsSync(`/proc/${parsed.data.pid}`) ? parsed.data : null;
}

function stateFile(environment: Environment): string {
  const cache = environment["XDG_CACHE_HOME"];
  return join(cache !== undefined && cache !== "" ? cache : join(environment["HOME"] ?? homedir(), ".cache"), "weir", "lab.json");
}

function describe({ kubeconfig, kubectl, url, world }: LabState): string {
  return `a node runs at ${url}\n  export KUBECONFIG=${kubeconfig}\n  ${kubectl} get pods -A\nservers on ${world} of this machine are what its pods see of the world`;
}

async function until(isTrue: () => Promise<boolean>, deadlineMs: number): Promise<void> {
  const deadline = AbortSignal.timeout(deadlineMs);
  while (!await isTrue()) {
    if (deadline.aborted) throw new UserError(`nothing happened for ${deadlineMs / 1000} s`, "Look into the log beside the state file.", EXIT.failure);
    await pause(POLL_MS);
  }
}

async function main([command]: readonly string[], environment: Environment): Promise<void> {
  const say = (line: string): void => { process.stdout.write(`${line}\n`); };
  if (command === "up") return up(environment, say);
  if (command === "down") return down(environment, say);
  if (command === "serve") return serve(environment);
  if (command !== "status") throw new UserError(USAGE, "", EXIT.usage);
  const state = await runningLab(environment);
  say(state === null ? "no lab runs" : describe(state));
}

await main(process.argv.slice(2), readEnvironment()).catch((error: unknown) => {
  process.stderr.write(`${error instanceof UserError ? `${error.message}\n${error.hint === "" ? "" : `  ${error.hint}\n`}` : describeError(error)}\n`);
  process.exitCode = error instanceof UserError ? error.exitCode : EXIT.failure;
});

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Finished, Stage } from "../../support/stage.ts";
import { LOGIN_FILES } from "./agent-task.ts";
import type { StockClient } from "./clients.ts";
import { searchFolder } from "./search.ts";
import type { Provider, Seen } from "./stand-in.ts";

/** A stage, the providers behind it, and what finds a real credential in bytes. */
export interface Scene {
  readonly stage: Stage;
  readonly provider: Provider;
  readonly find: (bytes: Buffer) => string | null;
}

/** What became of one client. */
export interface Verdict {
  /** Everything that is wrong; empty if nothing is. */
  readonly problems: readonly string[];
  /** How its provider saw it. */
  readonly seen: string;
  /** How much was searched. */
  readonly searched: string;
}

/** Agents call a model several times, and some try again before they give up. */
const DEADLINE_MS = 90_000;

/** Of the user, and none of the agent's business. */
const LOGIN_TOKEN = "token-that-the-user-logged-in-with";

/** Written before the client starts, by the process that becomes the client. */
const ENVIRONMENT_FILE = "environment-of-the-client.txt";
const LAUNCH = ["sh", "-c", `cat /proc/self/environ > ${ENVIRONMENT_FILE}; exec "$@"`, "sh"];

/** What is searched must be there: a search of environments that nobody wrote would find nothing. */
function evidenceProblems(work: string, client: StockClient): readonly string[] {
  const has = (name: string, text: string) => existsSync(join(work, name)) && readFileSync(join(work, name), "utf8").includes(text);
  return [
    ...has(ENVIRONMENT_FILE, "WEIRDUMMY") ? [] : ["the environment of its process was not seen, or has no dummy"],
    ...!client.isAgent || has("task-result.txt", "42\n") ? [] : ["its tool did not run the task"],
    ...!client.isAgent || existsSync(join(work, "task-logins.txt")) && !has("task-logins.txt", LOGIN_TOKEN) ? [] : ["its tool read what its user logged in with, or did not try"],
    ...!client.isAgent || has("task-processes.txt", "WEIRDUMMY") ? [] : ["the environment of its tool's processes was not seen, or has no dummy"],
  ];
}

/** Runs a client that holds the grant. */
export async function judge(client: StockClient, scene: Scene): Promise<Verdict> {
  const before = scene.provider.seen.length;
  const { result, work } = await runClient(client, scene);
  const seen = scene.provider.seen.slice(before);
  const searched = searchFolder(work, scene.find);
  const printed = scene.find(Buffer.from(result.stdout + result.stderr));
  const missing = client.steps.filter((step) => !seen.some((one) => one.step === step && one.credential === "real" && one.fault === null));
  const faults = seen.flatMap(({ method, path, fault, credential }) => (fault === null ? [] : [`${method} ${path}: ${fault} (credential: ${credential})`]));
  return {
    problems: [
      ...result.code === 0 ? [] : [`exit code ${result.code}: ${endOf(result)}`],
      ...client.expects.test(result.stdout) ? [] : [`it printed ${JSON.stringify(result.stdout.slice(-300))}`],
      ...missing.map((step) => `its provider saw no ${step}`),
      ...faults,
      ...seen.some(({ credential }) => credential === "other") ? ["its provider saw another credential than the real one"] : [],
      ...printed === null ? [] : [`it printed the credential ${printed}`],
      ...searched.found,
      ...evidenceProblems(work, client),
    ],
    seen: describe(seen), searched: `${searched.files} files, ${(searched.bytes / 2 ** 20).toFixed(1)} MiB`,
  };
}

/** Runs the same client where policy lends it nothing: it must fail, and its provider must never see the real credential. */
export async function judgeTwin(client: StockClient, scene: Scene): Promise<readonly string[]> {
  const before = scene.provider.seen.length;
  const { result, work } = await runClient({ ...client, env: { ...client.env, ...client.impatient } }, scene);
  const seen = scene.provider.seen.slice(before);
  return [
    ...client.expects.test(result.stdout) ? ["without the grant it works too"] : [],
    ...seen.some(({ credential }) => credential === "real") ? ["without the grant its provider saw the real credential"] : [],
    ...seen.some(({ fault }) => fault === null) ? ["without the grant its provider served it"] : [],
    ...searchFolder(work, scene.find).found,
  ].map((problem) => `${problem} (exit code ${result.code})`);
}

/** Runs the same client where its settings lead it to a host that is no business of its key: nothing that holds so much as the dummy may get there. */
export async function judgeAstray(client: StockClient, scene: Scene): Promise<readonly string[]> {
  if (client.astray === undefined) return [];
  const before = scene.provider.seen.length;
  const { result } = await runClient({ ...client, env: { ...client.env, ...client.impatient, ...client.astray } }, scene);
  const arrived = scene.provider.seen.slice(before).filter(({ step }) => step === "astray");
  return [
    ...arrived.some(({ credential }) => credential !== "none") ? ["its dummy arrived at a host where no credential belongs"] : [],
    ...result.stderr.includes("credential.misdirected") ? [] : [`that its key went astray was not said: ${endOf(result)}`],
  ];
}

/** Each client has a home of its own, which is also where it works. */
async function runClient(client: StockClient, { stage }: Scene): Promise<{ readonly result: Finished; readonly work: string }> {
  const work = join(stage.directory, "work", client.name.replaceAll(/[^A-Za-z0-9]+/g, "-"));
  const home = join(work, "home");
  mkdirSync(home, { recursive: true });
  for (const file of LOGIN_FILES) {
    mkdirSync(dirname(join(home, file)), { recursive: true });
    writeFileSync(join(home, file), JSON.stringify({ token: LOGIN_TOKEN }), { mode: 0o600 });
  }
  for (const [name, text] of Object.entries(client.files ?? {})) writeFileSync(join(work, name), text);
  const result = await stage.run([...LAUNCH, ...client.command], { cwd: work, env: { HOME: home, ...client.env }, deadlineMs: DEADLINE_MS });
  writeFileSync(join(work, "stdout.txt"), result.stdout);
  writeFileSync(join(work, "stderr.txt"), result.stderr);
  return { result, work };
}

function describe(seen: readonly Seen[]): string {
  const steps = new Map<string, number>();
  for (const { step, fault } of seen) if (fault === null) steps.set(step, (steps.get(step) ?? 0) + 1);
  return [...steps].map(([step, count]) => (count === 1 ? step : `${count} × ${step}`)).join(", ");
}

function endOf(result: Finished): string {
  return (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-6).join(" / ").slice(0, 800);
}

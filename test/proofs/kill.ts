import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { descendantsOf } from "../support/process-tree.ts";
import { buildStage, WEIR, type Stage } from "../support/stage.ts";
import { LineTape } from "./kill/line-tape.ts";
import { seeded, type ProofOptions, type ProofResult } from "../support/proof.ts";

const HOST = "api.kill.test";
const RECOVERY_LIMIT_MS = 20_000;

/**
 * A loop of requests runs in the sandbox while `kill -9` hits the proxy (`weir up`) and the sidecar in random order. While either is gone
 * no request succeeds; after its return the loop goes on by itself. All the while the namespace has no device but loopback, the destination
 * hears nothing that the proxy did not record, and the audit chain is whole over the crashes.
 */
export async function run({ quick, seed, print }: ProofOptions): Promise<ProofResult> {
  const stage = await buildStage();
  const destination = await startDestination(stage);
  const trial = new Trial(stage);
  try {
    await trial.start();
    const random = seeded(seed);
    const rounds = Array.from({ length: quick ? 4 : 30 }, () => (random() < 0.5 ? "proxy" : "sidecar"));
    for (const [index, victim] of rounds.entries()) {
      const tookMs = victim === "proxy" ? await trial.killProxy() : await trial.killSidecar();
      print(`  round ${index + 1}: killed the ${victim}; requests succeed again after ${Math.round(tookMs)} ms`);
    }
    await trial.finish();
    const verified = await stage.weir(["audit", "verify", "--config", stage.configFile]);
    if (verified.code !== 0) print(verified.stdout + verified.stderr);
    const problems = [...trial.problems, ...(verified.code === 0 ? [] : ["the chain does not verify"])];
    if (destination.arrived() < trial.succeeded) problems.push("more answers than requests upstream");
    for (const problem of problems) print(`  FAIL ${problem}`);
    return { holds: problems.length === 0, figure: `${rounds.length} kills, ${trial.succeeded} requests answered, ${trial.failed} failed closed, 0 devices but lo, chain ${verified.code === 0 ? "whole" : "BROKEN"}` };
  } finally {
    trial.abandon();
    destination.close();
    stage.remove();
  }
}

async function startDestination(stage: Stage) {
  let arrived = 0;
  const leaf = await stage.authority.leaf([HOST]);
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (_request, response) => {
    arrived += 1;
    response.end("ok\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stage.route(HOST, 443, (server.address() as AddressInfo).port);
  stage.configure({ logLevel: "error" }, { hosts: [{ name: HOST, rule: "kill.all" }] });
  return {
    arrived: () => arrived,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The three processes of the proof and what the loop says. */
class Trial {
  readonly problems: string[] = [];
  readonly #stage: Stage;
  readonly #socket: string;
  readonly #tape = new LineTape();
  #proxy: ChildProcess | undefined;
  #run: ChildProcess | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#socket = join(stage.directory, "up", "proxy.sock");
  }

  get succeeded(): number {
    return this.#tape.count((line) => line === "ok");
  }

  get failed(): number {
    return this.#tape.count((line) => line !== "ok");
  }

  async start(): Promise<void> {
    await this.#startProxy();
    const work = join(this.#stage.directory, "work");
    // Copied, because a checkout below /tmp is not there inside.
    cpSync(join(import.meta.dirname, "kill", "agent.mjs"), join(work, "agent.mjs"));
    this.#run = spawn(process.execPath, [WEIR, "run", "-q", "--config", this.#stage.configFile, "--proxy", this.#socket, "--", "node", "agent.mjs", `https://${HOST}/`], {
      cwd: work, stdio: ["pipe", "pipe", "inherit"],
    });
    this.#tape.follow(this.#run);
    await this.#recovered();
  }

  async killProxy(): Promise<number> {
    const proxy = this.#proxy;
    if (proxy === undefined) throw new Error("not started");
    const gone = once(proxy, "exit");
    proxy.kill("SIGKILL");
    await gone;
    const mark = this.#tape.length;
    await this.#tape.until((lines) => lines.slice(mark).filter((line) => line !== "ok").length >= 3, RECOVERY_LIMIT_MS);
    // The first line after the kill may be the end of a request that was answered before it.
    if (this.#tape.lines.slice(mark + 1).includes("ok")) this.problems.push("a request succeeded while the proxy was gone");
    this.#checkDevices();
    await this.#startProxy();
    return this.#recovered();
  }

  async killSidecar(): Promise<number> {
    const sidecar = this.#sidecar();
    process.kill(sidecar, "SIGKILL");
    const tookMs = await this.#recovered();
    if (this.#sidecar() === sidecar) this.problems.push("the sidecar that was killed is still there");
    this.#checkDevices();
    return tookMs;
  }

  async finish(): Promise<void> {
    const command = this.#run;
    if (command === undefined) return;
    const ended = once(command, "exit");
    command.stdin?.end();
    const [code] = await ended as [number | null];
    if (code !== 0) this.problems.push(`weir run ended with ${code}`);
    const proxy = this.#proxy;
    if (proxy === undefined) return;
    const stopped = once(proxy, "exit");
    proxy.kill("SIGTERM");
    const [proxyCode] = await stopped as [number | null];
    if (proxyCode !== 0) this.problems.push(`weir up ended with ${proxyCode} after SIGTERM`);
  }

  abandon(): void {
    for (const child of [this.#run, this.#proxy]) if (child?.exitCode === null) child.kill("SIGKILL");
  }

  async #startProxy(): Promise<void> {
    const proxy = spawn(process.execPath, [WEIR, "up", "--config", this.#stage.configFile, "--socket", this.#socket], { stdio: ["ignore", "ignore", "pipe"] });
    this.#proxy = proxy;
    const said = new LineTape();
    said.follow(proxy, "stderr");
    await said.until((lines) => lines.some((line) => line.startsWith("weir: up")), RECOVERY_LIMIT_MS);
  }

  /** Waits for three successes in a row from now on. @returns how long that took, in milliseconds */
  async #recovered(): Promise<number> {
    const startedAtMs = performance.now();
    const mark = this.#tape.length;
    await this.#tape.until((lines) => lines.slice(mark).join(" ").includes("ok ok ok"), RECOVERY_LIMIT_MS);
    return performance.now() - startedAtMs;
  }

  #sidecar(): number {
    const found = descendantsOf(this.#run?.pid ?? 0).filter(({ command }) => command.includes("sidecar.cjs"));
    if (found.length !== 1 || found[0] === undefined) throw new Error(`expected one sidecar, found ${found.length}`);
    return found[0].pid;
  }

  #checkDevices(): void {
    const inside = descendantsOf(this.#run?.pid ?? 0).find(({ command }) => command.includes("agent.mjs") && !command.includes("bwrap") && command.startsWith("node"));
    if (inside === undefined) {
      this.problems.push("the agent is gone");
      return;
    }
    const devices = readFileSync(`/proc/${inside.pid}/net/dev`, "utf8").split("\n").slice(2).flatMap((line) => /^\s*([^:\s]+):/.exec(line)?.[1] ?? []);
    if (devices.join() !== "lo") this.problems.push(`the namespace has other devices than lo: ${devices.join()}`);
  }
}

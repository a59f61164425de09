import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { SCENARIOS, type LoadName, type ScenarioName } from "./driver/messages.ts";
import { Driver, type Sample } from "./drive.ts";
import { openLab, type Lab } from "./lab.ts";
import { describeMachine } from "./machine.ts";
import { startDirect } from "./peers/direct.ts";
import { startHttpMitmProxy } from "./peers/http-mitm-proxy.ts";
import { startMitmproxy } from "./peers/mitmproxy.ts";
import { startNginx } from "./peers/nginx.ts";
import { PeerMissing, type Peer } from "./peers/peer.ts";
import { startSquid } from "./peers/squid.ts";
import { startWeir, startWeirLendingNothing } from "./peers/weir.ts";
import { summarize, type Result } from "./summary.ts";
import { renderTable } from "./table.ts";

/** A peer is a file and a line. `direct` and `nginx` are what the others are compared with. */
const PEERS: Readonly<Record<string, (lab: Lab) => Promise<Peer>>> = {
  direct: startDirect, nginx: startNginx, weir: startWeir, "weir-lending-nothing": startWeirLendingNothing, squid: startSquid, "http-mitm-proxy": startHttpMitmProxy, mitmproxy: startMitmproxy,
};
const ANCHORS = ["direct", "nginx"];
/** Compared with `weir` alone, when it is named. */
const ON_REQUEST = ["weir-lending-nothing"];
const WARM_UP_MS = 1_000;

interface Options {
  readonly scenarios: readonly ScenarioName[];
  readonly peers: readonly string[];
  readonly rounds: number;
  readonly durationMs: number;
  readonly jsonFile: string | null;
}

function readOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv], allowPositionals: true,
    options: { json: { type: "string" }, rounds: { type: "string", default: "3" }, seconds: { type: "string", default: "3" }, peers: { type: "string" } },
  });
  const scenarios = SCENARIOS.filter((name) => positionals.length === 0 || positionals.includes(name));
  const peers = Object.keys(PEERS).filter((name) => (values.peers === undefined ? !ON_REQUEST.includes(name) : ANCHORS.includes(name) || values.peers.split(",").includes(name)));
  const unknown = [...positionals.filter((name) => !SCENARIOS.includes(name as ScenarioName)), ...(values.peers?.split(",") ?? []).filter((name) => !(name in PEERS))];
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  if (unknown.length > 0 || !(rounds >= 1) || !(seconds > 0)) {
    throw new Error(`usage: npm run bench -- [${SCENARIOS.join("] [")}] [--rounds N] [--seconds S] [--peers ${Object.keys(PEERS).join(",")}] [--json FILE]`);
  }
  return { scenarios, peers, rounds, durationMs: seconds * 1000, jsonFile: values.json ?? null };
}

/** Starts peers into `running`, from where they are stopped, also if a later one fails. They stay up for the whole bench: each round meets the same machine. */
async function startPeers(names: readonly string[], lab: Lab, running: Peer[]): Promise<void> {
  for (const name of names) {
    try {
      const peer = await PEERS[name]?.(lab);
      if (peer !== undefined) running.push(peer);
    } catch (error) {
      if (!(error instanceof PeerMissing)) throw error;
      say(`left out: ${name}: ${error.message}`);
    }
  }
}

/** Rounds over the peers, interleaved; each round begins with another peer, so that none always follows the same. */
async function sampleAll(driver: Driver, peers: readonly Peer[], load: LoadName, options: Options): Promise<Map<string, Sample[]>> {
  const samples = new Map(peers.map((peer) => [peer.name, [] as Sample[]]));
  for (let round = 0; round < options.rounds; round += 1) {
    for (let index = 0; index < peers.length; index += 1) {
      const peer = peers[(round + index) % peers.length];
      if (peer === undefined) continue;
      const sample = await driver.sample(peer, load, WARM_UP_MS, options.durationMs)
        .catch((error: unknown) => { throw new Error(`${peer.name}, ${load}: ${(error as Error).message}`, { cause: error }); });
      samples.get(peer.name)?.push(sample);
    }
  }
  return samples;
}

async function runScenario(driver: Driver, peers: readonly Peer[], scenario: ScenarioName, options: Options): Promise<Result[]> {
  const samples = await sampleAll(driver, peers, scenario, options);
  /** A time under full load says how long the queue was, not what the proxy adds. */
  const latencyOf = async (name: ScenarioName) => {
    if (name === "small-requests") return await sampleAll(driver, peers, "latency", options);
    return name === "sse" ? samples : new Map<string, Sample[]>();
  };
  const results = summarize(scenario, samples, await latencyOf(scenario));
  say(renderTable(results));
  return results;
}

async function main(options: Options): Promise<void> {
  const machine = describeMachine();
  say(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, commit ${machine.commit}, load ${machine.loadAverage}${machine.isPinned ? "" : "; NOT pinned: one core only"}`);
  const lab = await openLab();
  const peers: Peer[] = [];
  const driver = new Driver();
  try {
    await startPeers(options.peers, lab, peers);
    for (const peer of peers) say(`  ${peer.name}: ${peer.remark}`);
    say("");
    const results: Result[] = [];
    for (const scenario of options.scenarios) results.push(...await runScenario(driver, peers, scenario, options));
    if (options.jsonFile !== null) await writeFile(options.jsonFile, `${JSON.stringify({ machine, results }, null, 2)}\n`);
  } finally {
    await driver.stop();
    await Promise.all(peers.map((peer) => peer.stop()));
    await lab.stop();
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await main(readOptions(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = 1;
}

import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BundleFolder } from "../../cli/policy/bundle-folder.ts";
import { openBundleServer, type BundleServer } from "../../cli/policy/bundle-server.ts";
import { pushBundle } from "../../cli/policy/push-bundle.ts";
import { Secret } from "../../common/secret.ts";
import type { LifecycleRecord } from "../../proxy/model/record.ts";
import type { ProofOptions, ProofResult } from "../support/proof.ts";
import { startStand, type Stand } from "../support/running-proxy.ts";
import { mintAuthority } from "../support/tls-authority.ts";
import { startUpstream, type UpstreamServer } from "../support/upstream-server.ts";
import { eventually } from "../support/whole-proxy.ts";
import { BAD_KINDS, FLEETING_DATABASE, FLEETING_HOST, HOST, Publisher } from "./swaps/bundles.ts";
import { Judge } from "./swaps/judge.ts";
import { Load } from "./swaps/load.ts";
import { openFleeting, openLasting, TUNNEL_PORT } from "./swaps/open-things.ts";

const NAME = "bundle.tar.gz";
const POLL_MS = 100;
const SWAP_DEADLINE_MS = 30_000;
const END_DEADLINE_MS = 1_000;
/** After so many swaps comes a bundle that is not fit, each kind in its turn, and after so many the fleeting permission is taken away. */
const BAD_EVERY = { quick: 3, full: 5 } as const;
const FLEETING_EVERY = 20;
/** Of each way; in the short form each kind that is not fit comes once. */
const SWAPS = { quick: BAD_EVERY.quick * BAD_KINDS, full: 500 } as const;
const MEMORY_GROWTH_LIMIT_BYTES = 160 << 20;

/** One way in which bundles reach a proxy. */
interface Way {
  readonly name: string;
  readonly policy: Record<string, unknown>;
  /** Publishes a bundle that is fit, as an operator would. */
  readonly publish: (packed: Buffer) => Promise<void>;
  readonly close: () => Promise<void>;
}

interface Outcome {
  readonly swaps: number;
  readonly refused: number;
  readonly asked: number;
  readonly decisions: number;
  readonly slowestEndMs: number;
  readonly grownBytes: number;
  readonly wrong: readonly string[];
}

/**
 * A whole proxy changes its policy again and again while clients ask without a pause: half of the bundles by `weir policy push` to a server that is polled, half
 * by a file. Bundles that are corrupt, unsigned, older and so on come in between. No request fails; each record names the revision that was in force; each bad
 * bundle is refused with its line and the old one stays; what is open ends within a second once its permission is gone, and lives while it is not.
 */
export async function run({ quick, print }: ProofOptions): Promise<ProofResult> {
  const form = quick ? "quick" : "full";
  const outcomes: Outcome[] = [];
  for (const open of [servedWay, fileWay]) outcomes.push(await prove(open, form, print));
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const wrong = outcomes.flatMap((outcome) => outcome.wrong);
  for (const sentence of wrong.slice(0, 10)) print(`  FAIL ${sentence}`);
  const slowestMs = Math.max(...outcomes.map(({ slowestEndMs }) => slowestEndMs));
  const grown = Math.max(...outcomes.map(({ grownBytes }) => grownBytes));
  return {
    holds: wrong.length === 0,
    figure: `${sum(({ swaps }) => swaps)} swaps under load: ${sum(({ asked }) => asked)} requests, ${wrong.length} things wrong, `
      + `${sum(({ decisions }) => decisions)} decisions each by the revision in force, `
      + `${sum(({ refused }) => refused)} bad bundles of ${BAD_KINDS} kinds refused; open streams ended within ${slowestMs.toFixed(0)} ms; memory grew by ${(grown / 2 ** 20).toFixed(0)} MiB`,
  };
}

async function prove(openWay: (directory: string, publisher: Publisher) => Promise<Way>, form: keyof typeof SWAPS, print: (line: string) => void): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), "weir-swaps-"));
  const publisher = new Publisher();
  writeFileSync(join(directory, NAME), await publisher.next(true));
  const way = await openWay(directory, publisher);
  const destinations = await Destinations.open();
  const stand = await destinations.stand(way.policy);
  try {
    const course = new Course(stand, publisher, { directory, publish: way.publish });
    const outcome = await course.run(SWAPS[form], BAD_EVERY[form]);
    print(`  by ${way.name}: ${outcome.swaps} swaps, ${outcome.asked} requests, ${outcome.refused} bad bundles refused, open streams ended within ${outcome.slowestEndMs.toFixed(0)} ms, `
      + `memory grew by ${(outcome.grownBytes / 2 ** 20).toFixed(0)} MiB`);
    return outcome;
  } finally {
    await stand.stop();
    await destinations.close();
    await way.close();
    rmSync(directory, { recursive: true });
  }
}

interface Place extends Pick<Way, "publish"> {
  readonly directory: string;
}

/** One way's run. */
class Course {
  readonly #stand: Stand;
  readonly #publisher: Publisher;
  readonly #place: Place;
  readonly #wrong: string[] = [];
  readonly #judge = new Judge((revision) => new RegExp(`^(?:proof\\.v${revision.split("-")[0]}|stream|tunnel|names\\.default)$`));
  #refused = 0;
  #slowestEndMs = 0;

  constructor(stand: Stand, publisher: Publisher, place: Place) {
    this.#stand = stand;
    this.#publisher = publisher;
    this.#place = place;
  }

  async run(swaps: number, badEvery: number): Promise<Outcome> {
    const load = new Load(this.#stand);
    const lasting = await openLasting(this.#stand);
    let grownBytes = 0;
    try {
      grownBytes = await this.#swapAll(swaps, badEvery);
    } finally {
      // What goes wrong is not to be hidden by a load that never ends.
      await load.stop();
    }
    if (this.#refused < BAD_KINDS) this.#wrong.push(`only ${this.#refused} of ${BAD_KINDS} kinds of bad bundles came`);
    if (lasting.received.isOver) this.#wrong.push("the stream whose permission stayed was ended");
    if (grownBytes > MEMORY_GROWTH_LIMIT_BYTES) this.#wrong.push(`memory grew by ${grownBytes} bytes`);
    lasting.close();
    for (let turn = 0; turn < 2; turn += 1) this.#judge.take(this.#stand.records);
    const { decisions, wrong } = this.#judge;
    return { swaps, refused: this.#refused, asked: load.asked, decisions, slowestEndMs: this.#slowestEndMs, grownBytes, wrong: [...this.#wrong, ...load.failures, ...wrong] };
  }

  /** @returns by how many bytes memory grew, see `growth` */
  async #swapAll(swaps: number, badEvery: number): Promise<number> {
    const used: NodeJS.MemoryUsage[] = [];
    for (let swap = 1; swap <= swaps; swap += 1) {
      if (swap % badEvery === 0) await this.#offerBad(this.#refused);
      if (swap % FLEETING_EVERY === 0) await this.#takeAway();
      else await this.#swap(true);
      used.push(process.memoryUsage());
    }
    return growth(used, badEvery * BAD_KINDS);
  }

  async #swap(isFleetingAllowed: boolean): Promise<void> {
    const packed = await this.#publisher.next(isFleetingAllowed);
    const { revision } = this.#publisher;
    await this.#place.publish(packed);
    await eventually(`${revision} is in force`, () => this.#events("policy.loaded").at(-1)?.fields["revision"] === revision, SWAP_DEADLINE_MS);
  }

  async #offerBad(kind: number): Promise<void> {
    const before = this.#events("policy.refused").length;
    const { what, says, packed } = await this.#publisher.bad(kind);
    replaceFile(this.#place.directory, packed);
    await eventually(`the bundle that is ${what} is refused`, () => this.#events("policy.refused").length > before, SWAP_DEADLINE_MS);
    const { fields } = this.#events("policy.refused").at(-1)!;
    if (!says.test(String(fields["error"]))) this.#wrong.push(`the bundle that is ${what} was refused so: ${String(fields["error"])}`);
    if (fields["kept"] !== this.#publisher.revision) this.#wrong.push(`when a bundle that is ${what} came, ${String(fields["kept"])} was kept, not ${this.#publisher.revision}`);
    this.#refused += 1;
  }

  async #takeAway(): Promise<void> {
    const open = await openFleeting(this.#stand);
    await this.#swap(false);
    const sinceMs = performance.now();
    await eventually("what is no longer allowed is ended", () => open.every(({ received }) => received.isOver), SWAP_DEADLINE_MS)
      .catch(() => { this.#wrong.push(`still open: ${open.filter(({ received }) => !received.isOver).map(({ what }) => what).join(", ")}`); });
    const tookMs = performance.now() - sinceMs;
    this.#slowestEndMs = Math.max(this.#slowestEndMs, tookMs);
    if (tookMs > END_DEADLINE_MS) this.#wrong.push(`what was no longer allowed ended after ${tookMs.toFixed(0)} ms`);
    for (const thing of open) thing.close();
    await this.#swap(true);
  }

  #events(event: string): LifecycleRecord[] {
    this.#judge.take(this.#stand.records);
    return this.#judge.lifecycle.filter((record) => record.event === event);
  }
}

/**
 * What stays, by the least of what was in use. Bombs leave much with the allocator when they come first, and so the memory of the process is compared between the
 * second round of all kinds and the last; in a run of one round, what lives, between its halves.
 * @param round swaps in which each kind of bad bundle comes once
 */
function growth(used: readonly NodeJS.MemoryUsage[], round: number): number {
  const isLong = used.length >= 3 * round;
  const half = used.length >> 1;
  const [before, after] = isLong ? [used.slice(round, 2 * round), used.slice(-round)] : [used.slice(0, half), used.slice(half)];
  const least = (part: typeof used) => Math.min(...part.map(({ rss, heapUsed, external }) => (isLong ? rss : heapUsed + external)));
  return least(after) - least(before);
}

/** As a whole, the way `mv` does it: a reader never sees half. */
function replaceFile(directory: string, packed: Buffer): void {
  writeFileSync(join(directory, `${NAME}.draft`), packed);
  renameSync(join(directory, `${NAME}.draft`), join(directory, NAME));
}

async function servedWay(directory: string, { keys }: Publisher): Promise<Way> {
  const token = new Secret("a-token-for-the-proof-only");
  const server: BundleServer = await openBundleServer({
    host: "127.0.0.1", port: 0, folder: new BundleFolder(directory), readToken: null, pushToken: token, tls: null, announce: () => undefined,
  });
  return {
    name: "push and polling", close: async () => server.close(),
    policy: { service: { url: server.url, resource: NAME, pollIntervalMs: POLL_MS }, verification: { keys: { proof: { key: keys.publicPem } } } },
    publish: async (packed) => { await pushBundle(packed, { url: new URL(NAME, server.url), token, caFile: null }); },
  };
}

async function fileWay(directory: string, { keys }: Publisher): Promise<Way> {
  return {
    name: "file", close: async () => undefined,
    policy: { bundle: join(directory, NAME), pollIntervalMs: POLL_MS, verification: { keys: { proof: { key: keys.publicPem } } } },
    publish: async (packed) => { replaceFile(directory, packed); },
  };
}

/** Where the agent's requests go. */
class Destinations {
  readonly #authority: Awaited<ReturnType<typeof mintAuthority>>;
  readonly #upstream: UpstreamServer;
  readonly #echo: Server;

  private constructor(authority: Awaited<ReturnType<typeof mintAuthority>>, upstream: UpstreamServer, echo: Server) {
    this.#authority = authority;
    this.#upstream = upstream;
    this.#echo = echo;
  }

  static async open(): Promise<Destinations> {
    const authority = await mintAuthority();
    const upstream = await startUpstream(await authority.leaf([HOST, FLEETING_HOST]));
    const echo = createServer((socket) => { socket.on("error", () => undefined).on("data", (chunk: Buffer) => { socket.write(chunk); }); }).listen(0, "127.0.0.1");
    await once(echo, "listening");
    return new Destinations(authority, upstream, echo);
  }

  async stand(policy: Record<string, unknown>): Promise<Stand> {
    const https = [HOST, FLEETING_HOST].map((name) => ({ name, port: 443, dialPort: this.#upstream.port }));
    return startStand({
      authority: this.#authority, policyData: {}, config: { policy: { deadlineMs: 5_000, ...policy } },
      routes: [...https, { name: FLEETING_DATABASE, port: TUNNEL_PORT, dialPort: (this.#echo.address() as AddressInfo).port }],
    });
  }

  async close(): Promise<void> {
    await this.#upstream.close();
    this.#echo.close();
  }
}

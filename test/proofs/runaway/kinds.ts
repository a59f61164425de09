import { renameSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Bundle } from "../../../proxy/policy/bundle.ts";
import type { Stand } from "../../support/running-proxy.ts";
import { AgentClient, type Timed } from "./agent-client.ts";
import { BODY_DATA, HOST, LARGE_DATA, published, WAYS } from "./policies.ts";

export const DEADLINE_MS = 100;
/** A question waits for its turn so many deadlines at most. */
const WAIT_IN_DEADLINES = 4;
/** Between two requests of one agent. */
const PAUSE_MS = 20;
const REPUBLISHED_MS = 1_000;

/** What a kind has to work with. */
export interface Scene {
  readonly stand: Stand;
  readonly random: () => number;
  readonly bundle: Bundle;
  readonly bundlePath: string;
  /** Every answer to a wild agent. */
  readonly told: (timed: Timed) => void;
}

/** One kind of load that must not harm a neighbour. */
export interface Kind {
  readonly name: string;
  /** Data of the library alone; absent: the policy with wild Rego in a bundle. */
  readonly data?: Record<string, unknown>;
  /** True if nothing but `policy.unavailable` may be answered. */
  readonly isEndless: boolean;
  /** What an answer may take, in milliseconds, the rest of a request left out. */
  readonly withinMs: number;
  /**
   * True if the neighbour is held to be served, and its p99 to its limit. It is where one thread is kept busy; beside more than that, threads that are started again and again,
   * and what is read and decided in the thread of the neighbour's own requests, it costs more on two processors, and several that
   * begin at once may have all threads for a moment: the figures are printed alone.
   */
  readonly isHeld: boolean;
  /** Prepares; @returns what goes on until its signal aborts */
  readonly open: (scene: Scene) => Promise<(signal: AbortSignal) => Promise<void>>;
}

/** Waiting, an evaluation, and as much again where threads start on processors that are busy. */
const QUEUED_MS = 2 * (WAIT_IN_DEADLINES + 1) * DEADLINE_MS;

export const KINDS: readonly Kind[] = [
  {
    name: "one wild agent", isHeld: true, isEndless: true, withinMs: DEADLINE_MS,
    open: async (scene) => loop(scene, await wildAgents(scene, 1), async (agent) => agent.get(`/${anyOf(scene, WAYS)}`)),
  },
  {
    name: "six wild agents", isHeld: false, isEndless: true, withinMs: QUEUED_MS,
    open: async (scene) => loop(scene, await wildAgents(scene, 6), async (agent) => agent.get(`/${anyOf(scene, WAYS)}`)),
  },
  { name: "four slow agents", isHeld: false, isEndless: false, withinMs: QUEUED_MS, open: openSlow },
  { name: "a new wild policy each second", isHeld: false, isEndless: true, withinMs: QUEUED_MS, open: openFresh },
  {
    name: "large data", isHeld: false, data: LARGE_DATA, isEndless: false, withinMs: QUEUED_MS,
    open: async (scene) => loop(scene, await wildAgents(scene, 2), async (agent) => agent.get(longPath(scene))),
  },
  { name: "heavy bodies of the default size", isHeld: false, data: BODY_DATA, isEndless: false, withinMs: QUEUED_MS, open: async (scene) => openBodies(scene, 128 << 10) },
];

/** Each in a namespace of its own, so that none answers for another. */
async function wildAgent({ stand }: Scene, index: number): Promise<AgentClient> {
  return AgentClient.open(stand, `wild${index}`, HOST, `wild-${index}`);
}

async function wildAgents(scene: Scene, count: number): Promise<readonly AgentClient[]> {
  return Promise.all(Array.from({ length: count }, async (_, index) => wildAgent(scene, index)));
}

function anyOf<T>({ random }: Scene, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}

function loop({ told }: Scene, agents: readonly AgentClient[], ask: (agent: AgentClient) => Promise<Timed>) {
  return async (signal: AbortSignal): Promise<void> => {
    await Promise.all(agents.map(async (agent) => {
      while (!signal.aborted) {
        told(await ask(agent));
        await pause(PAUSE_MS);
      }
    }));
  };
}

/** Policies that answer, shortly before they would be stopped. */
async function openSlow(scene: Scene) {
  const agents = await wildAgents(scene, 4);
  const [first] = agents as readonly [AgentClient];
  let [turns, ms] = [1, 0];
  for (; ms < DEADLINE_MS / 4; turns *= 2) ({ ms } = await first.get(`/slow/${turns}`));
  const most = Math.max(1, Math.floor((turns / 2) * (0.7 * DEADLINE_MS / ms)));
  return loop(scene, agents, async (agent) => agent.get(`/slow/${most}`));
}

/** A policy that nobody has met yet, again and again, so that nothing is held against anybody. */
async function openFresh(scene: Scene) {
  let number = 0;
  const publishing = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      writeFileSync(`${scene.bundlePath}.draft`, await published(scene.bundle, number += 1));
      renameSync(`${scene.bundlePath}.draft`, scene.bundlePath);
      await pause(REPUBLISHED_MS);
    }
  };
  const asking = askAnew(scene, async (agent) => agent.get(`/${anyOf(scene, WAYS)}`));
  return async (signal: AbortSignal) => { await Promise.all([publishing(signal), asking(signal)]); };
}

/** Two agents whose connections end now and then: one that is put to a new policy which does not answer, or one whose body nobody read to its end. */
function askAnew(scene: Scene, ask: (agent: AgentClient) => Promise<Timed>) {
  const one = async (signal: AbortSignal, index: number) => {
    for (; !signal.aborted; await pause(PAUSE_MS)) {
      const client = await wildAgent(scene, index).catch(() => null);
      if (client === null) continue;
      await using agent = client;
      try {
        for (; !signal.aborted; await pause(PAUSE_MS)) scene.told(await ask(agent));
      } catch {
        // Another connection is opened.
      }
    }
  };
  return async (signal: AbortSignal): Promise<void> => { await Promise.all([one(signal, 0), one(signal, 1)]); };
}

/** A path that many patterns almost cover, each time another: what was decided once is remembered. */
function longPath({ random }: Scene): string {
  return `/${Math.floor(random() * 20)}/${"a/1".repeat(100)}/${Math.floor(random() * 1e9)}/x${"y".repeat(100)}`;
}

function openBodies(scene: Scene, bytes: number) {
  const bodies = heavyBodies(bytes);
  return askAnew(scene, async (agent) => {
    const [path, body] = anyOf(scene, bodies);
    return agent.post(path, body);
  });
}

/** As heavy as so many bytes can be: deep, of many members, and of many fields. */
function heavyBodies(bytes: number): readonly (readonly [path: string, body: string])[] {
  const deep = `${"[".repeat(150)}${"]".repeat(150)}`;
  const call = (args: string) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"path":"/workspace/a","more":${args}}}}`;
  const members = (count: number) => `{${Array.from({ length: count }, (_, index) => `"k${index}":${index}`).join(",")}}`;
  return [
    ["/json", `{"a":{"b":"c"},"d":[${Array.from({ length: Math.floor(bytes / 310) }, () => deep).join(",")}]}`],
    ["/json", `{"a":{"b":"c"},"d":${members(Math.floor(bytes / 16))}}`],
    ["/mcp", call(members(Math.floor(bytes / 16)))],
    ["/mcp", call(`"${"x".repeat(bytes - 300)}"`)],
    ["/graphql", JSON.stringify({ query: `{ ${"viewer { a { b { c } } } ".repeat(Math.floor(bytes / 27))} }` })],
  ];
}

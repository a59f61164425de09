import { cpSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buildStage, type Stage } from "../support/stage.ts";
import { storedEvents } from "../support/audit-lines.ts";
import { seeded, type ProofOptions, type ProofResult } from "../support/proof.ts";

const HOST = "api.count.test";
const REFUSED_HOST = "elsewhere.count.test";

interface Planned {
  readonly url: string;
  readonly method: string;
  readonly isAllowed: boolean;
}

/**
 * Requests of an agent in the sandbox, allowed and denied in random order: the set of requests that the destination parsed, the set of
 * allow decisions in the audit and the set of allowed requests that were planned are the same set; every refused HTTP request is in the
 * audit too; and the chain verifies.
 */
export async function run({ quick, seed, print }: ProofOptions): Promise<ProofResult> {
  const stage = await buildStage();
  const arrived: string[] = [];
  const server = await startDestination(stage, arrived);
  try {
    const planned = plan(quick ? 1_000 : 10_000, seeded(seed));
    const answers = await send(stage, planned);
    print(`  the agent: ${answers}`);
    return await judge(stage, planned, arrived, print);
  } finally {
    server.close();
    server.closeAllConnections();
    stage.remove();
  }
}

function plan(count: number, random: () => number): Planned[] {
  return Array.from({ length: count }, (_, index) => {
    const dice = random();
    if (dice < 0.6) return { url: `https://${HOST}/v1/items/${index}`, method: random() < 0.5 ? "GET" : "POST", isAllowed: true };
    if (dice < 0.8) return { url: `https://${HOST}/v1/items/${index}`, method: "DELETE", isAllowed: false };
    if (dice < 0.97) return { url: `https://${HOST}/admin/${index}`, method: "GET", isAllowed: false };
    return { url: `https://${REFUSED_HOST}/v1/items/${index}`, method: "GET", isAllowed: false };
  });
}

async function startDestination(stage: Stage, arrived: string[]) {
  const leaf = await stage.authority.leaf([HOST, REFUSED_HOST]);
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
    arrived.push(`${request.method ?? ""} ${request.url ?? ""}`);
    request.resume();
    response.end("ok\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  for (const host of [HOST, REFUSED_HOST]) stage.route(host, 443, (server.address() as AddressInfo).port);
  stage.configure({ logLevel: "error" }, { hosts: [{ name: HOST, rule: "count.items", methods: ["GET", "POST"], paths: ["/v1/items/*"] }] });
  return server;
}

async function send(stage: Stage, requests: readonly Planned[]): Promise<string> {
  const file = join(stage.directory, "work", "plan.json");
  writeFileSync(file, JSON.stringify({ concurrency: 32, requests }));
  // Copied, because a checkout below /tmp is not there inside.
  cpSync(join(import.meta.dirname, "count", "agent.mjs"), join(stage.directory, "work", "agent.mjs"));
  const result = await stage.run(["node", "agent.mjs", file], { deadlineMs: 300_000 });
  if (result.code !== 0) throw new Error(`the agent ended with ${result.code}: ${result.stderr.slice(-2_000)}`);
  return result.stdout.trim();
}

async function judge(stage: Stage, planned: readonly Planned[], arrived: readonly string[], print: (line: string) => void): Promise<ProofResult> {
  const decided: string[] = [];
  const refused: string[] = [];
  for await (const event of storedEvents(stage.auditDirectory)) {
    if (event.unmapped?.weir?.kind !== "exchange") continue;
    const what = `${event.http_request?.http_method ?? ""} ${event.http_request?.url?.path ?? ""}`;
    if (event.unmapped.weir.phase === "decided") decided.push(what);
    else if (event.status_code === "policy.denied") refused.push(what);
  }
  const expected = (wanted: readonly Planned[]) => wanted.map(({ method, url }) => `${method} ${new URL(url).pathname}`);
  const allowed = expected(planned.filter((request) => request.isAllowed));
  const denied = expected(planned.filter((request) => !request.isAllowed && request.url.includes(`//${HOST}/`)));
  const verified = await stage.weir(["audit", "verify", "--config", stage.configFile], { deadlineMs: 120_000 });
  const checks: [string, boolean][] = [
    [`requests parsed upstream (${arrived.length}) = allowed requests planned (${allowed.length})`, sameMembers(arrived, allowed)],
    [`allow decisions in the audit (${decided.length}) = requests parsed upstream`, sameMembers(decided, arrived)],
    [`refused requests in the audit (${refused.length}) = refused requests planned (${denied.length})`, sameMembers(refused, denied)],
    ["the chain verifies", verified.code === 0],
  ];
  for (const [text, holds] of checks) print(`  ${holds ? "ok  " : "FAIL"} ${text}`);
  if (verified.code !== 0) print(verified.stdout + verified.stderr);
  return {
    holds: checks.every(([, holds]) => holds),
    figure: `${planned.length} requests: ${arrived.length} parsed upstream, ${decided.length} allow decisions, ${refused.length} refusals recorded, chain ${verified.code === 0 ? "whole" : "BROKEN"}`,
  };
}

/** The same members, each as often. */
function sameMembers(left: readonly string[], right: readonly string[]): boolean {
  const sortedRight = right.toSorted();
  return left.length === right.length && left.toSorted().every((value, index) => value === sortedRight[index]);
}

import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEnvironment } from "../../common/config.ts";
import { buildPolicy, openCandidate, readDecisions, ReplayTotals, type Candidate } from "../../proxy/operator.ts";
import { seeded, type ProofOptions, type ProofResult } from "../support/proof.ts";
import { startStand } from "../support/running-proxy.ts";
import { mintAuthority, type TestAuthority } from "../support/tls-authority.ts";
import { sendAll } from "./replay/agents.ts";
import { auditedDecision, Comparison, type AuditedDecision } from "./replay/comparison.ts";
import { HOSTS, plan, type Planned } from "./replay/plan.ts";
import { judgeSuggestions } from "./replay/judge-suggestions.ts";
import { POLICY_A, POLICY_B, REGO_B } from "./replay/policies.ts";

/** A machine that is busy with other things must not make a policy late here: lateness is a failure, and this is about decisions. */
const DEADLINE_MS = 10_000;

/**
 * Thousands of requests of several agents go through a whole proxy under policy A, with policy B as its shadow. What `weir policy replay` then says that B
 * would have decided is held against what happens when the same requests are sent under B: the same verdict by the same rule for every decision that it
 * does not call uncertain. Then all that `weir policy suggest` proposes is applied to A: it allows what was denied, and nothing else that it does not name.
 * The shadow saw what no record holds, and must be right about all that it could decide.
 */
export async function run({ quick, seed, print }: ProofOptions): Promise<ProofResult> {
  const directory = mkdtempSync(join(tmpdir(), "weir-replay-proof-"));
  const authority = await mintAuthority();
  const destination = await startDestination(authority);
  try {
    const policies = await writePolicies(directory);
    const planned = plan(quick ? 300 : 3_000, seeded(seed));
    const asA = await record({ planned, authority, destination, policy: { directory: policies.a, shadow: { bundle: policies.bundle, deadlineMs: DEADLINE_MS } } });
    const asB = await record({ planned, authority, destination, policy: { bundle: policies.bundle, deadlineMs: DEADLINE_MS } });
    const candidate = await openCandidate(policies.b, { environment: readEnvironment(), announce: print });
    const whole = judgeInputs([...asA, ...asB], print);
    const foretold = await judge(asA, asB, candidate, print);
    const suggested = await judgeSuggestions(asA.map(({ past }) => past), POLICY_A);
    print(`  ${suggested.holds ? "ok  " : "FAIL"} ${suggested.figure}`);
    for (const line of suggested.wrong.slice(0, 10)) print(`       ${line}`);
    return { holds: whole && foretold.holds && suggested.holds, figure: `${foretold.figure}; ${suggested.figure}` };
  } finally {
    destination.close();
    destination.closeAllConnections();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function startDestination(authority: TestAuthority): Promise<Server> {
  const leaf = await authority.leaf(Object.values(HOSTS));
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
    request.resume();
    response.setHeader("content-type", "application/json");
    response.end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function writePolicies(directory: string): Promise<{ readonly a: string; readonly b: string; readonly bundle: string }> {
  const [a, b, bundle] = [join(directory, "a"), join(directory, "b"), join(directory, "b.tar.gz")];
  for (const folder of [a, b]) mkdirSync(folder);
  writeFileSync(join(a, "data.json"), JSON.stringify(POLICY_A));
  writeFileSync(join(b, "data.json"), JSON.stringify(POLICY_B));
  writeFileSync(join(b, "own.rego"), REGO_B);
  writeFileSync(bundle, (await buildPolicy(b, readEnvironment(), () => undefined)).packed);
  return { a, b, bundle };
}

interface Setting {
  readonly planned: readonly Planned[];
  readonly authority: TestAuthority;
  readonly destination: Server;
  readonly policy: object;
}

/** Decisions of one proxy on all requests, as its audit tells them afterwards. */
async function record({ planned, authority, destination, policy }: Setting): Promise<readonly AuditedDecision[]> {
  const dialPort = (destination.address() as AddressInfo).port;
  const routes = Object.values(HOSTS).map((name) => ({ name, port: 443, dialPort }));
  const audit = mkdtempSync(join(tmpdir(), "weir-replay-audit-"));
  const stand = await startStand({ authority, policyData: {}, routes, config: { policy, dns: { queriesPerSecond: 10_000, queryBurst: 10_000 }, audit: { directory: audit, policyInput: "full" } } });
  try {
    await sendAll(stand, planned);
  } finally {
    await stand.stop();
  }
  return readAll(audit);
}

/** Reads a chain, and takes it away. */
async function readAll(directory: string): Promise<readonly AuditedDecision[]> {
  const found: AuditedDecision[] = [];
  for await (const one of readDecisions(directory, { sinceMs: 0, untilMs: Number.POSITIVE_INFINITY })) {
    const decision = auditedDecision(one);
    if (decision !== null) found.push(decision);
  }
  rmSync(directory, { recursive: true, force: true });
  return found;
}

/** Whether every record of a decision holds what decided it, those included that came to no verdict. */
function judgeInputs(decisions: readonly AuditedDecision[], print: ProofOptions["print"]): boolean {
  const without = decisions.filter(({ past: { input, question } }) => input === null || (question === "exchange" && input.request === undefined));
  const unread = decisions.filter(({ isUnread }) => isUnread).length;
  const holds = without.length === 0 && unread > 0;
  print(`  ${holds ? "ok  " : "FAIL"} of ${decisions.length} records of decisions ${without.length} lack the input; ${unread} are of bodies that could not be read`);
  for (const { key, past: { id, rule } } of without.slice(0, 10)) print(`       ${id} ${key} (${rule})`);
  return holds;
}

async function judge(asA: readonly AuditedDecision[], asB: readonly AuditedDecision[], candidate: Candidate, print: ProofOptions["print"]): Promise<ProofResult> {
  const comparison = new Comparison(asB);
  const totals = new ReplayTotals();
  const startedMs = performance.now();
  for (const { past } of asA) totals.add(await candidate.replay(past));
  const perSecond = Math.round(asA.length / (performance.now() - startedMs) * 1_000);
  for (const one of asA) await comparison.check(one, candidate);
  const { newly, unchanged, uncertain } = totals.report(candidate.revision, candidate.basis);
  const { wrong, wrongShadows, certain, shadows, shadowsBeyond, dropped } = comparison;
  const exchanges = asA.filter(({ past }) => past.question === "exchange").length;
  const onlyForReasons = Object.keys(uncertain.reasons).every((reason) => /x-replay-tag|was not read|could not|that failed|\.text is not recorded|input\.parts/.test(reason));
  const checks: [string, boolean][] = [
    [`${certain} decisions foretold without doubt, ${wrong.length} of them wrong`, wrong.length === 0 && certain > exchanges / 2],
    [`${uncertain.total} uncertain, and each for a header, a body or a text that is not recorded`, onlyForReasons && uncertain.total > 0],
    [`${shadows} answers of the shadow, ${wrongShadows.length} of them wrong; ${shadowsBeyond} where the audit alone leaves doubt; ${dropped} not asked`, wrongShadows.length === 0 && shadowsBeyond > 0 && dropped < shadows / 2],
    [`newly deny ${newly.deny.total}, newly allow ${newly.allow.total}, newly ask ${newly.ask.total}, unchanged ${unchanged}`, [newly.deny, newly.allow, newly.ask].every(({ total }) => total > 0)],
  ];
  for (const [text, holds] of checks) print(`  ${holds ? "ok  " : "FAIL"} ${text}`);
  for (const line of [...wrong, ...wrongShadows].slice(0, 10)) print(`       ${line}`);
  return {
    holds: checks.every(([, holds]) => holds),
    figure: `${asA.length} decisions (${exchanges} requests): ${certain} foretold, ${wrong.length} wrong; ${uncertain.total} uncertain; shadow right in ${shadows - wrongShadows.length} of ${shadows}, ${dropped} not asked; ${perSecond} replayed a second`,
  };
}

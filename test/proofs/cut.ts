import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatUsd } from "../../common/money.ts";
import { loadTokenizer } from "../../proxy/metering/answers/token-counter.ts";
import type { ModelApi } from "../../proxy/model/metered-call.ts";
import { aRequest, startBudgetStand, type BudgetStand } from "../support/budget-stand.ts";
import { eventsIn, problemOf, type WireForm } from "../support/model-answers/ended-stream.ts";
import type { AnswerPlan } from "../support/model-provider/answer-plan.ts";
import { billOf, NOTHING } from "../support/model-provider/bill.ts";
import { REQUEST_FORMS, type RequestFormName } from "../support/model-provider/requests.ts";
import { seeded, type ProofOptions, type ProofResult } from "../support/proof.ts";
import { eventually } from "../support/whole-proxy.ts";
import { readStream, withoutLimit, type SeenStream } from "./cut/stream-client.ts";

/** What each form of request is: its API, whose prices, and how its streams hang together. */
const FORMS: Readonly<Record<RequestFormName, readonly [api: ModelApi, provider: string, wire: WireForm]>> = {
  "openai-chat": ["openai-chat", "openai", "event-source"], "openai-chat without usage": ["openai-chat", "openai", "event-source"],
  "openai-responses": ["openai-responses", "openai", "event-source"], "anthropic-messages": ["anthropic-messages", "anthropic", "event-source"],
  "gemini-generate": ["gemini-generate", "google", "event-source"], "gemini-generate as an array": ["gemini-generate", "google", "json-array"],
  "mistral-chat": ["mistral-chat", "mistral", "event-source"], "openrouter-chat": ["openrouter-chat", "openrouter", "event-source"],
  "bedrock-converse": ["bedrock-converse", "aws", "aws-event-stream"], "bedrock-invoke": ["bedrock-invoke", "aws", "aws-event-stream"],
};
const ALL = Object.keys(FORMS) as RequestFormName[];
/** Of these two the API itself wants a limit. */
const WITHOUT_LIMIT: readonly RequestFormName[] = ALL.filter((name) => name !== "anthropic-messages" && name !== "bedrock-invoke");
const QUICK: readonly RequestFormName[] = ["openai-chat without usage", "anthropic-messages", "gemini-generate as an array", "bedrock-converse"];

/** Tokens of output that a cap pays for, and that one request asks for where it has a limit. */
const CAP_TOKENS = 3_000;
const LIMIT_TOKENS = 400;
const STEP_TOKENS = 256;
/** A model that writes 10,000 tokens a second: more than any does. */
const PACE = { chunkTokens: 10, chunkEveryMs: 1 } as const;
/** Requests after which a cap that never stops anybody is no cap. */
const MOST_REQUESTS = 60;

type Way = "cap" | "agent leaves" | "connection lost" | "to the end";

interface Case {
  readonly name: RequestFormName;
  readonly way: Way;
  readonly hasLimit: boolean;
}

interface Overshoot {
  readonly streams: number;
  readonly nanoUsd: bigint;
  readonly tokens: number;
  /** Of the cap, by the provider's own count: what is charged for unheard output, and held beyond what is seen, is the rest. */
  readonly usedPercent: number;
  readonly problems: readonly string[];
}

/**
 * Streams that end early: at the cap where nothing limits their output, because the agent leaves, because the provider's connection is lost; one after another
 * until the cap refuses. What the provider itself counts that it wrote is compared with the cap, and what the agent got at the edge is read by other readers.
 */
export async function run({ quick, seed, print }: ProofOptions): Promise<ProofResult> {
  await loadTokenizer();
  const random = seeded(seed);
  const names = quick ? QUICK : ALL;
  const limited = names.flatMap((name) => (["agent leaves", "connection lost", "to the end"] as const).map((way) => ({ name, way, hasLimit: true })));
  const unlimited = names.filter((name) => WITHOUT_LIMIT.includes(name)).flatMap((name) => (["cap", "agent leaves", "connection lost"] as const).map((way) => ({ name, way, hasLimit: false })));
  // One ledger for all, each case with a budget of its own: to found a ledger takes seconds.
  const directory = mkdtempSync(join(tmpdir(), "weir-cut-"));
  const stage = { random, directory, print };
  const totals = { limited: await tryAll(limited, stage), unlimited: await tryAll(unlimited, stage) };
  rmSync(directory, { recursive: true, force: true });
  const problems = [...totals.limited.problems, ...totals.unlimited.problems];
  const over = ({ streams, nanoUsd, tokens }: Overshoot) => `${tokens} tokens and $${formatUsd(nanoUsd)} past the cap over ${streams} streams`;
  return {
    holds: totals.limited.nanoUsd === 0n && problems.length === 0,
    figure: `with max_tokens ${over(totals.limited)}; without ${over(totals.unlimited)}; ${problems.length} endings not whole`,
  };
}

interface Stage {
  readonly random: () => number;
  readonly directory: string;
  print(line: string): void;
}

async function tryAll(cases: readonly Case[], stage: Stage): Promise<Overshoot> {
  const all = { streams: 0, nanoUsd: 0n, tokens: 0, usedPercent: 0, problems: [] as string[] };
  for (const one of cases) {
    const { streams, nanoUsd, tokens, usedPercent, problems } = await tryCase(one, stage);
    all.streams += streams;
    all.nanoUsd += nanoUsd;
    all.tokens += tokens;
    all.problems.push(...problems);
    const verdict = problems.length > 0 ? `FAIL ${problems.join("; ")}` : `${tokens} tokens, $${formatUsd(nanoUsd)} past the cap, ${usedPercent} % of it used`;
    stage.print(`  ${one.name}, ${one.hasLimit ? "with" : "without"} max_tokens, ${one.way}: ${streams} streams, ${verdict}`);
  }
  return all;
}

/** One budget, and streams that end in this way until it refuses. */
async function tryCase(one: Case, { random, directory }: Stage): Promise<Overshoot> {
  const [, provider] = FORMS[one.name];
  const { model } = REQUEST_FORMS[one.name];
  const price = (output: number) => billOf(provider, model, { ...NOTHING, input: 100, output });
  const cap = price(CAP_TOKENS);
  const id = `${one.name}-${one.way}-${one.hasLimit}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  const named = { [id]: { meter: "usd", limit: formatUsd(cap), window: "total", applies: "always" } };
  const scene = await startBudgetStand({ budgets: { named }, directory, config: { metering: { stepTokens: STEP_TOKENS } } });
  try {
    const problems = await spend(scene, one, random);
    const nano = scene.provider.tally.nanoUsd;
    const over = nano > cap ? nano - cap : 0n;
    const perToken = Number(price(CAP_TOKENS) - price(0)) / CAP_TOKENS;
    return { streams: scene.provider.tally.calls.length, nanoUsd: over, tokens: Math.ceil(Number(over) / perToken), usedPercent: Number(nano * 100n / cap), problems };
  } finally {
    await scene.stand.stop(true);
    await scene.provider.close();
  }
}

/** @returns what was wrong with the streams that the cap ended */
async function spend(scene: BudgetStand, { name, way, hasLimit }: Case, random: () => number): Promise<readonly string[]> {
  const form = aRequest(name, true, LIMIT_TOKENS);
  const plan: Partial<AnswerPlan> = { output: hasLimit ? LIMIT_TOKENS : 100_000, ...PACE };
  for (let sent = 0; sent < MOST_REQUESTS; sent += 1) {
    const afterTokens = Math.floor(random() * LIMIT_TOKENS);
    const fault = way === "connection lost" ? { kind: "drop", afterTokens } as const : null;
    const seen = await readStream(scene, hasLimit ? form : withoutLimit(form), { ...plan, fault }, way === "agent leaves" ? Math.floor(random() * 20_000) : null);
    // A case in which nothing ran shows nothing.
    if (seen.status !== 200) return sent === 0 ? [`${name}: the first stream was refused`] : [];
    await scene.settled();
    await eventually("the provider has stopped writing", () => scene.provider.tally.calls.every(({ ending }) => ending !== "open"));
    if (way === "cap") return problemsOf(name, seen);
  }
  return [`${name}: ${MOST_REQUESTS} streams, and the cap refused none`];
}

function problemsOf(name: RequestFormName, { bytes, isWhole }: SeenStream): readonly string[] {
  const [api, , wire] = FORMS[name];
  if (!isWhole) return [`${name}: the answer is not whole`];
  try {
    const problem = problemOf(api, eventsIn(bytes, wire));
    return problem === null ? [] : [`${name}: ${problem}`];
  } catch (error) {
    return [`${name}: ${error instanceof Error ? error.message : "not readable"}`];
  }
}

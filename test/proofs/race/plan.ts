import type { AgentIdentity } from "../../../common/identity.ts";
import { PAYERS_HEADER, PLAN_HEADER, type AnswerPlan } from "../../support/model-provider/answer-plan.ts";
import { billOf, NOTHING } from "../../support/model-provider/bill.ts";
import { REQUEST_FORMS, type AskedForm, type RequestFormName } from "../../support/model-provider/requests.ts";

/** One request as planned, before anything happened to it. */
export interface PlannedRequest {
  readonly agent: AgentIdentity;
  readonly form: AskedForm;
  /** What it costs if the model says all that it may, by the smallest count of its input; nano-dollars. Whoever refuses it has less left. */
  readonly leastCostNano: bigint;
  /** Nobody needs to hold more for it: each byte of its body and of a long frame a token. */
  readonly heldAtMostNano: bigint;
  /** The agent goes away in the middle of the answer. */
  readonly leavesAfterBytes: number;
}

export interface RoundSize {
  readonly round: number;
  readonly requests: number;
  readonly threads: number;
  readonly teams: number;
}

const FORMS = Object.keys(REQUEST_FORMS) as RequestFormName[];
const PROVIDERS: Readonly<Record<string, string>> = { openai: "openai", anthropic: "anthropic", gemini: "google", mistral: "mistral", openrouter: "openrouter", bedrock: "aws" };
const FRAME_TOKENS = 1_100;
const LIMITS = [16, 40, 120, 300] as const;

/** Those who pay for a thread, as the stand-in's books call them: its own budget, its team's, the organisation's. */
export function payersOf({ namespace, name, thread }: AgentIdentity): readonly string[] {
  return ["org", `team/${namespace}`, `thread/${namespace}/${name}/${thread}`];
}

/** Requests of one round in random order: all forms, JSON and streams, quick and slow, some that fail and some that are left. */
export function planRound({ round, requests, threads, teams }: RoundSize, random: () => number): readonly PlannedRequest[] {
  return Array.from({ length: requests }, (_, index) => {
    const thread = index % threads;
    return planRequest(anAgent(`team-${thread % teams}`, `r${round}-t${thread}`), random);
  });
}

export function anAgent(team: string, thread: string): AgentIdentity {
  return { namespace: team, name: "racer", thread, instance: `${team}-${thread}`, user: "tester", labels: {}, chain: [] };
}

export function planRequest(agent: AgentIdentity, random: () => number): PlannedRequest {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const name = pick(FORMS);
  const { model, form } = REQUEST_FORMS[name];
  const limit = pick(LIMITS);
  const isStream = random() < 0.6;
  const asked = form({ model, prompt: `Word ${"and word ".repeat(Math.floor(random() * 60))}`, isStream, limit });
  const plan = planAnswer(limit, random);
  const provider = PROVIDERS[name.split("-", 1)[0] ?? ""] ?? "openai";
  return {
    agent, leavesAfterBytes: random() < 0.03 ? 600 : Number.POSITIVE_INFINITY,
    form: { ...asked, headers: { ...asked.headers, [PLAN_HEADER]: JSON.stringify(plan), [PAYERS_HEADER]: payersOf(agent).join(",") } },
    leastCostNano: billOf(provider, model, { ...NOTHING, input: 1, output: limit }),
    heldAtMostNano: billOf(provider, model, { ...NOTHING, input: FRAME_TOKENS + JSON.stringify(asked.body).length, output: limit }),
  };
}

function planAnswer(limit: number, random: () => number): Partial<AnswerPlan> {
  const dice = random();
  const output = Math.floor(limit * (0.3 + random() * 1.5));
  const pace = { output, chunkTokens: 1 + Math.floor(random() * 12), chunkEveryMs: Math.floor(random() * 40), firstAfterMs: Math.floor(random() * 300) };
  if (dice < 0.03) return { ...pace, fault: { kind: "status", status: dice < 0.01 ? 429 : dice < 0.02 ? 500 : 529 } };
  if (dice < 0.06) return { ...pace, fault: { kind: "drop", afterTokens: Math.floor(output / 2) } };
  if (dice < 0.08) return { ...pace, isUsageMissing: true };
  if (dice < 0.2) return { ...pace, cached: 20 };
  if (dice < 0.3) return { ...pace, reasoning: Math.floor(limit / 4) };
  return pace;
}

import { beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../common/clock.ts";
import { readDecision } from "../../proxy/policy/answer.ts";
import { compileData } from "../../proxy/policy/compile-data.ts";
import { policyData } from "../../proxy/policy/data.ts";
import { DecisionMemory } from "../../proxy/policy/decision-memory.ts";
import type { Step } from "../../proxy/policy/places.ts";
import type { PolicyInput } from "../../proxy/policy/policy-engine.ts";
import { openCandidate, type Candidate } from "../../proxy/policy/replay/candidate.ts";
import { readDefaultBundle } from "../../proxy/policy/shipped-files.ts";
import { WasmPolicy } from "../../proxy/policy/wasm-policy.ts";
import { aPastDecision } from "../support/past-decisions.ts";
import { GOLDEN_DATA, goldenQuestions, type GoldenQuestion } from "./golden/questions.ts";
import { picker, type Picker } from "./golden/walk.ts";
import { anExchange } from "./questions.ts";

/** Denies that look at what the query says, beside all that the golden data look at. */
const DATA = policyData.parse({
  ...GOLDEN_DATA, hosts: [
    ...GOLDEN_DATA.hosts, { name: "deny.reading.test", methods: ["*"] }, { name: "deny.reading.test", rule: "no.push", effect: "deny", git: { access: "write" }, methods: ["*"] },
    { name: "deny.reading.test", rule: "no.delete", effect: "deny", methods: ["DELETE"] }, { name: "deny.reading.test", rule: "no.graphql", effect: "deny", paths: ["/graphql"], graphql: { types: ["mutation"] }, methods: ["*"] },
  ],
});
/** What the library may look for in a text, wherever it stands. */
const TEXTS = ["service", "git-receive-pack", "_method", "DELETE", "other", "", "postgresql"];
const QUERIES = [{}, { service: ["git-receive-pack"] }, { q: ["a service"] }, { _method: ["DELETE"] }, { "_METHOD[0]": ["put"] }, { channel: ["C1"] }, { query: ["{ viewer }"] }];
const memory = new DecisionMemory();
let candidate: Candidate;
/** It remembers nothing. */
let library: WasmPolicy;

beforeAll(async () => {
  candidate = await openCandidate(DATA, { environment: {}, announce: () => {} });
  const module = await WebAssembly.compile((await readDefaultBundle()).wasm);
  library = new WasmPolicy({ module, data: JSON.stringify(compileData(DATA)) }, { limits: { deadlineMs: 60_000, memoryLimitBytes: 64 << 20 }, clock: systemClock });
});

/** Requests of the denies above. */
const AT_DENIES: readonly GoldenQuestion[] = ["GET", "POST"].flatMap((method) => QUERIES.flatMap((query) => [["acme", "app", "info", "refs"], ["graphql"], ["plain"]].map((path) => (
  { question: "exchange" as const, input: anExchange({ connection: { name: "deny.reading.test" }, request: { method, path, query, has_body: method === "POST" } }) }
))));

/** Places of everything that is in an input, tables and lists included. */
function placesIn(value: unknown, at: readonly Step[] = []): (readonly Step[])[] {
  if (typeof value !== "object" || value === null) return [at];
  return [...(at.length === 0 ? [] : [at]), ...Object.entries(value).flatMap(([key, item]) => placesIn(item, [...at, Array.isArray(value) ? Number(key) : key]))];
}

function valueAt(value: unknown, place: readonly Step[]): unknown {
  return place.reduce<unknown>((at, step) => (isFields(at) ? at[step] : undefined), value);
}

function isFields(value: unknown): value is Readonly<Record<Step, unknown>> {
  return typeof value === "object" && value !== null;
}

/** The same input with another value in one place, or without it. */
function withValue(input: PolicyInput, place: readonly Step[], value: unknown): PolicyInput {
  const copy = structuredClone(input);
  const parent = valueAt(copy, place.slice(0, -1)) as Record<Step, unknown>;
  const last = place.at(-1) as Step;
  if (value !== undefined) parent[last] = value;
  else if (Array.isArray(parent)) parent.splice(last as number, 1);
  else delete parent[last];
  return copy;
}

/** Places that need not be there. */
const OPTIONAL = new Set(["git", "grpc", "sql", "request.has_body"]);

/** Something else that may stand in a place: what another question has there, or something made up of the same kind; undefined for nothing at all. */
function another(here: unknown, there: unknown, place: readonly Step[], pick: Picker): unknown {
  if (place.at(-1) === "query") return pick(QUERIES);
  if (typeof here === "boolean") return !here;
  if (there === undefined && OPTIONAL.has(place.join("."))) return undefined;
  const made = typeof here === "string" ? pick(TEXTS) : typeof here === "number" ? here + 1 : here;
  return there === undefined || (made !== undefined && pick([true, false])) ? made : there;
}

async function answerTo({ question, input }: GoldenQuestion): Promise<string> {
  return JSON.stringify(readDecision(question, await library.evaluate(question, input), ""));
}

/** Questions in pairs that differ in one place alone: each place of each question. */
function* pairs(seed: number): Generator<{ readonly one: GoldenQuestion; readonly other: GoldenQuestion; readonly place: readonly Step[] }> {
  const pick = picker(seed);
  const all = [...AT_DENIES, ...goldenQuestions()];
  for (const one of all) {
    for (const place of [...placesIn(one.input), ...[...OPTIONAL].map((text) => text.split("."))]) {
      const foreign = pick(all).input;
      if (!isFields(valueAt(one.input, place.slice(0, -1)))) continue;
      const value = another(valueAt(one.input, place), valueAt(foreign, place), place, pick);
      yield { one, other: { ...one, input: withValue(one.input, place, value) }, place };
    }
  }
}

const written = (place: readonly Step[]) => `input.${place.join(".")}`;

describe("what the library reads", () => {
  test("is in the key by which decisions are remembered", async () => {
    const wrong: string[] = [];
    let alike = 0;
    for (const { one, other, place } of pairs(11)) {
      const key = memory.keyOf(one.question, one.input);
      if (key === null || key !== memory.keyOf(other.question, other.input)) continue;
      alike += 1;
      const [before, after] = [await answerTo(one), await answerTo(other)];
      if (before !== after) wrong.push(`${written(place)}: ${before} and ${after}`);
    }
    expect(wrong).toEqual([]);
    expect(alike).toBeGreaterThan(1_000);
  });

  test("leaves a replay in doubt where it is not recorded, unless the answer is the same whatever it was", async () => {
    const wrong: string[] = [];
    let certain = 0;
    // Asking twice about each of them takes long; of the others some will do.
    const some = [...pairs(13)].filter(({ one }, index) => AT_DENIES.includes(one) || index % 5 === 0);
    for (const { one: { question, input }, place } of some) {
      const past = aPastDecision({ question, input: withValue(input, place, undefined) });
      const without = await candidate.replay({ ...past, redacted: [{ text: written(place), steps: place }] });
      if (without.doubts.length > 0) continue;
      certain += 1;
      const whole = await candidate.replay({ ...past, input });
      if (whole.verdict !== without.verdict || whole.rule !== without.rule) wrong.push(`${written(place)}: ${whole.verdict} by ${whole.rule}, told as ${without.verdict} by ${without.rule}`);
    }
    expect(wrong).toEqual([]);
    expect(certain).toBeGreaterThan(500);
  });

  test.each([["a deny of pushes", ["acme", "app", "info", "refs"], 1], ["nothing that does", ["plain"], 0]] as const)("of a value of the query counts under %s", async (_what, path, doubts) => {
    const input = anExchange({ connection: { name: "deny.reading.test" }, request: { path } });
    const { verdict, doubts: told } = await candidate.replay(aPastDecision({ input }, ["input.request.query.q"]));
    expect([verdict, told.length]).toEqual(["allow", doubts]);
  });
});

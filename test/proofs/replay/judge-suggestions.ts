import type { McpReading } from "../../../proxy/model/readings.ts";
import type { PolicyInput } from "../../../proxy/policy/policy-engine.ts";
import { policyData } from "../../../proxy/policy/data.ts";
import { candidateOf, readPolicy, Suggestions, withEntries, type Candidate, type PastDecision, type Suggestion } from "../../../proxy/operator.ts";
import { HOSTS } from "./plan.ts";

const OPTIONS = { environment: {}, announce: () => undefined };
/** Requests that are tried for each suggestion and that nobody sent: parts of one with parts of another. */
const CROSSED_LIMIT = 4_000;

export interface JudgedSuggestions {
  readonly holds: boolean;
  readonly figure: string;
  readonly wrong: readonly string[];
}

/**
 * Applies all suggestions for what a policy denied, and asks about every denial, and about requests that nobody sent: method, path, readings and agent of
 * one with those of another. What is allowed beyond the denials must be named in `opens`, and nothing may be allowed that a person is asked about.
 */
export async function judgeSuggestions(decisions: readonly PastDecision[], data: object): Promise<JudgedSuggestions> {
  const denials = decisions.filter(({ verdict, question, input }) => verdict === "deny" && question === "exchange" && input !== null);
  const policy = await readPolicy(policyData.parse(data), OPTIONS);
  if (policy.folder === null) throw new Error("data are a folder");
  const suggestions = new Suggestions(policy);
  for (const past of denials) suggestions.add(past);
  const before = await candidateOf(policy, OPTIONS);
  const after = await candidateOf(withEntries({ ...policy, folder: policy.folder }, suggestions.proposed()), OPTIONS);
  for (const past of denials) suggestions.tried(await after.replay(past));
  const list = suggestions.list();
  const passed = await passedPeople(denials, after);
  const covered = list.reduce((sum, { allows, perhaps }) => sum + allows + perhaps, 0);
  const { tried, named, wrong } = await tryCrossed(denials, list, { before, after });
  return {
    holds: wrong.length === 0 && passed.wrong.length === 0 && passed.tried > 0 && covered > denials.length / 2 && tried > denials.length, wrong: [...wrong, ...passed.wrong],
    figure: `${list.length} suggestions allow ${covered} of ${denials.length} denials; of ${tried} requests that nobody sent they open ${named} that they name, and ${wrong.length} that they do not; of ${passed.tried} that an entry asks a person about they allow ${passed.wrong.length}`,
  };
}

/** Denials of what `a.rest.ask` asks about, whose conditions did not hold: no proposal may let them go past the person. */
async function passedPeople(denials: readonly PastDecision[], after: Candidate): Promise<{ readonly tried: number; readonly wrong: string[] }> {
  const asked = denials.filter(({ host, input }) => host === HOSTS.rest && input?.request?.method === "DELETE" && input.request.path[0] === "v1");
  const wrong: string[] = [];
  for (const past of asked) if ((await after.replay(past)).verdict === "allow") wrong.push(`${shapeOf(past)} goes past a person`);
  return { tried: asked.length, wrong };
}

interface Candidates {
  readonly before: Candidate;
  readonly after: Candidate;
}

async function tryCrossed(denials: readonly PastDecision[], list: readonly Suggestion[], { before, after }: Candidates): Promise<{ readonly tried: number; readonly named: number; readonly wrong: string[] }> {
  const sent = new Set(denials.map(shapeOf));
  const wrong: string[] = [];
  let tried = 0;
  let named = 0;
  for (const past of crossed(denials)) {
    if (sent.has(shapeOf(past)) || (await before.replay(past)).verdict === "allow") continue;
    tried += 1;
    if ((await after.replay(past)).verdict !== "allow") continue;
    if (list.some((suggestion) => names(suggestion, past))) named += 1;
    else wrong.push(`${shapeOf(past)} is allowed, and no suggestion says so`);
  }
  return { tried, named, wrong };
}

/** Each denial with the agent, the method, the path and the readings of the next ones at the same host. */
function* crossed(denials: readonly PastDecision[]): Generator<PastDecision> {
  const hosts = Map.groupBy(denials, ({ host }) => host);
  let made = 0;
  for (const of of hosts.values()) {
    for (const [index, past] of of.entries()) {
      const other = of[(index + 1) % of.length] as PastDecision;
      for (const input of mixtures(past.input as PolicyInput, other.input as PolicyInput)) {
        if (made >= CROSSED_LIMIT) return;
        made += 1;
        yield { ...past, input, agent: `${input.agent.namespace}/${input.agent.name}`, redacted: [] };
      }
    }
  }
}

function mixtures(one: PolicyInput, other: PolicyInput): PolicyInput[] {
  const [request, foreign] = [one.request, other.request];
  if (request === undefined || foreign === undefined) return [];
  return [
    { ...one, agent: other.agent }, { ...one, request: { ...request, method: foreign.method } }, { ...one, request: { ...request, path: foreign.path } },
    ...(one.mcp === undefined || other.mcp === undefined ? [] : mixedCalls(one.mcp, other.mcp).map((mcp) => ({ ...one, mcp }))),
    ...(one.git === undefined || other.git === undefined ? [] : [{ ...one, git: { ...one.git, is_write: other.git.is_write } }, { ...one, git: { ...one.git, repository: other.git.repository } }]),
    ...(one.llm === undefined || other.llm === undefined ? [] : [{ ...one, llm: { ...one.llm, model: other.llm.model } }]),
    ...(one.graphql === undefined || other.graphql === undefined ? [] : [{ ...one, graphql: { ...one.graphql, fields: other.graphql.fields } }]),
  ];
}

/** A message that is no call of a tool has neither name nor arguments to give. */
function mixedCalls(one: McpReading, other: McpReading): McpReading[] {
  return one.tool === null || other.tool === null ? [] : [{ ...one, tool: other.tool }, { ...one, arguments: other.arguments }];
}

/** What an entry can tell apart. */
function shapeOf({ agent, host, input }: PastDecision): string {
  const { request, mcp, git, llm, graphql, grpc, json } = input ?? {};
  return JSON.stringify([agent, host, git === undefined ? [request?.method, request?.path] : null, mcp?.method, mcp?.tool, mcp?.arguments, git?.repository, git?.is_write, llm, graphql, grpc, json]);
}

/** Whether a suggestion of this agent and host names the way in which the request differs from what was denied. */
function names({ entry, opens, example }: Suggestion, { agent, host, input }: PastDecision): boolean {
  if (example.agent !== agent || example.host !== host) return false;
  const { methods, paths, git, mcp } = entry as { methods?: readonly string[]; paths?: readonly string[]; git?: { repositories: readonly string[] }; mcp?: { tools?: readonly unknown[]; methods?: readonly string[] } };
  if (input?.git !== undefined) return git?.repositories.includes(input.git.repository) === true && opens.some((open) => open.includes("every fetch"));
  const hasMethod = methods?.includes(input?.request?.method ?? "") === true;
  const anySegment = opens.some((open) => open.startsWith("any segment")) && paths?.some((path) => path.split("/").length === (input?.request?.path.length ?? 0) + 1) === true;
  const anyArguments = input?.mcp?.tool !== undefined && mcp?.tools?.includes(input.mcp.tool) === true && opens.some((open) => open.startsWith("any arguments of the tools"));
  const begins = mcp !== undefined && input?.mcp?.tool === null && opens.some((open) => open.startsWith("what every MCP client needs"));
  const anyBody = opens.includes("any body") && input?.mcp === undefined && input?.llm === undefined && input?.graphql === undefined;
  return hasMethod && ((anySegment && (mcp === undefined || anyArguments || begins || sameMethod(mcp, input) || sameTool(mcp, input))) || (paths === undefined && opens.includes("every path")) || anyArguments || begins || (anyBody && anySegment));
}

function sameMethod(mcp: { readonly methods?: readonly string[] }, input: PolicyInput | null): boolean {
  return input?.mcp?.tool === null && mcp.methods?.includes(input.mcp.method ?? "") === true;
}

function sameTool(mcp: { readonly tools?: readonly unknown[] }, input: PolicyInput | null): boolean {
  return mcp.tools?.some((tool) => (tool as { readonly name?: string }).name === input?.mcp?.tool) === true;
}

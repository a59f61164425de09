import { isIP } from "node:net";
import * as z from "zod";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { EgressError } from "../errors.ts";
import type { Decision } from "../model/decision.ts";
import type { PolicyConnection, PolicyEngine, PolicyInput, Question } from "./policy-engine.ts";
import type { TrialContext, TrialHeadRead } from "./trial-head.ts";
import { answerRead, holdsReading, trialReadings } from "./trial-readings.ts";

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/** A request that nobody sends: what `weir policy try` and the cases of `weir policy test` ask the policy about. {@link checkTrial} belongs to it. */
export const trial = z.strictObject({
  host: z.string().min(1).max(253).describe("Name that the agent connects to, or an address that it dials by itself."),
  port: z.number().int().min(1).max(65_535).optional().describe("Default 443, or 80 for http."),
  scheme: z.enum(["https", "http"]).default("https"),
  wire: z.enum(["tls", "http", "postgres", "opaque"]).optional().describe("Default by scheme, or `postgres` with a database; `opaque` is a protocol that is none of the others."),
  database: z.string().min(1).max(63).optional().describe("Database that a PostgreSQL client asks for."),
  user: z.string().min(1).max(63).default("agent").describe("Name that a PostgreSQL client calls itself."),
  method: z.string().regex(/^[A-Z-]+$/, "a method is upper case").optional().describe("Without a method only name and connection are asked about, unless something is said of the body: then it is POST."),
  path: z.string().startsWith("/").refine(isDecodable, "holds a % that is no escape").optional().describe("Path as it is sent; default /. Needs a method, or something of the body."),
  headers: z.record(z.string(), z.string()).default({}),
  encoded_slash: z.enum(["refuse", "keep"]).default("refuse").describe("As `exchange.encodedSlash` of the boundary."),
  websocket: z.boolean().default(false),
  agent: z.string().regex(/^[^/]+\/[^/]+$/, "an agent is written namespace/name").default("local/agent"),
  labels: z.record(z.string(), z.string()).default({}),
  ...trialReadings,
});
export type Trial = z.output<typeof trial>;

/** What says something of a request although none is asked about would hold whatever it says. */
export function checkTrial(asked: Trial, context: z.RefinementCtx): void {
  if (hasRequest(asked)) return;
  const said = { path: asked.path !== undefined, headers: Object.keys(asked.headers).length > 0, websocket: asked.websocket };
  for (const [key, isSaid] of Object.entries(said)) {
    if (isSaid) context.addIssue({ code: "custom", path: [key], message: "belongs to a request, and without a method none is asked about: add a method, such as GET" });
  }
}

/** Reads a trial from the command line. @throws UserError naming the option that is wrong */
export function parseTrial(options: Readonly<Record<string, unknown>>): Trial {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const parsed = trial.superRefine(checkTrial).safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `--${issue.path.join(".")}: ${issue.message}`);
  throw new UserError(problems.join("\n"), "See `weir policy try --help`.", EXIT.usage, { cause: parsed.error });
}

export interface TrialStep {
  readonly question: Question;
  readonly decision: Decision;
}

/**
 * Asks what the boundary would ask, in its order: does the name resolve, may the connection be opened, may the request be sent. Where policy wants to see
 * the body, it is told what the trial says of it. Ends with the first deny or ask; the last step is the outcome.
 */
export async function runTrial(engine: PolicyEngine, asked: Trial, context: TrialContext): Promise<readonly [TrialStep, ...TrialStep[]]> {
  const input = inputOf(asked, context.time);
  const head = context.readHead(headOf(asked, input.connection));
  const questions: Question[] = [...(input.connection.is_address ? [] : ["name" as const]), "connection", ...(hasRequest(asked) ? ["exchange" as const] : [])];
  const steps: TrialStep[] = [];
  for (const question of questions) {
    if (question === "exchange" && head.kind === "malformed") {
      steps.push({ question, decision: refusedHead(head.why, engine) });
      break;
    }
    const asking = inputFor(question, input, head);
    let decision: Decision = await decide(engine, question, asking);
    steps.push({ question, decision });
    if (decision.kind === "read") {
      decision = await decide(engine, question, { ...asking, ...answerRead(asked, decision.readings) });
      steps.push({ question, decision });
    }
    // Only what is intercepted has exchanges to ask about.
    if (decision.kind !== "allow" || (question === "connection" && decision.handling !== "intercept")) break;
  }
  const { decision } = steps.at(-1) ?? {};
  if (decision?.kind === "allow" && decision.handling === "postgres" && asked.database !== undefined) {
    const { dns: _, ...session } = input;
    steps.push({ question: "connection", decision: await decide(engine, "connection", session) });
  }
  return steps as [TrialStep, ...TrialStep[]];
}

/** @throws UserError for what the boundary would refuse because the policy has no answer: whoever wrote it can mend it */
async function decide(engine: PolicyEngine, question: Question, input: PolicyInput): Promise<Decision> {
  try {
    return await engine.decide(question, input, new AbortController().signal);
  } catch (cause) {
    if (!(cause instanceof EgressError)) throw cause;
    throw new UserError(`the policy has no answer (${question}), and the boundary would refuse the request: ${cause.message}`,
      "Rego of one's own answers as docs/rego.md says; `weir policy eval` shows what it answers.", EXIT.config, { cause });
  }
}

type FullInput = PolicyInput & Required<Pick<PolicyInput, "connection" | "sql" | "dns">>;

function inputFor(question: Question, input: FullInput, head: TrialHeadRead): PolicyInput {
  const { dns, connection, sql: _, ...rest } = input;
  if (question === "name") return { ...rest, dns };
  if (question === "connection" || head.kind === "malformed") return { ...rest, connection };
  return { ...rest, connection, request: head.request, ...head.readings };
}

/** What the boundary refuses before it asks anybody. */
function refusedHead(why: string, { revision }: PolicyEngine): Decision {
  return { kind: "deny", rule: "request.malformed", reason: why, hint: "The boundary refuses such a request with 400, whatever the policy says.", revision };
}

function headOf(asked: Trial, { name, port }: PolicyConnection): Parameters<TrialContext["readHead"]>[0] {
  const method = asked.method ?? (holdsReading(asked) ? "POST" : "GET");
  return {
    method, scheme: asked.scheme, host: name, port, target: asked.path ?? "/", headers: asked.headers, isWebSocket: asked.websocket,
    hasBody: holdsReading(asked) || !["DELETE", "GET", "HEAD", "OPTIONS"].includes(method), encodedSlash: asked.encoded_slash,
  };
}

const hasRequest = (asked: Trial): boolean => asked.method !== undefined || holdsReading(asked);

function inputOf(asked: Trial, time: Date): FullInput {
  const [namespace = "", name = ""] = asked.agent.split("/");
  const wire = asked.wire ?? wireOf(asked);
  const port = asked.port ?? (wire === "postgres" ? 5432 : asked.scheme === "https" ? 443 : 80);
  const host = asked.host.toLowerCase();
  const isAddress = isIP(host) !== 0;
  return {
    version: 1,
    agent: { namespace, name, thread: "trial", user: "", labels: asked.labels, chain: [] },
    connection: { name: host, is_address: isAddress, port, wire, sni: wire === "tls" && !isAddress ? host : null, alpn: wire === "tls" ? ["h2", "http/1.1"] : [] },
    sql: { user: asked.user, database: asked.database ?? "", application_name: "", options: "" },
    dns: { name: host, type: "A" },
    budgets: {},
    time: time.toISOString(),
  };
}

function wireOf({ database, scheme }: Trial): PolicyConnection["wire"] {
  if (database !== undefined) return "postgres";
  return scheme === "https" ? "tls" : "http";
}

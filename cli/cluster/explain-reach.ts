import { agentKey, BOUNDARY_CONFIG_MAP } from "../../common/boundary-set.ts";
import { systemClock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { describeError } from "../../common/lifecycle.ts";
import { silentLog } from "../../common/log.ts";
import {
  BoundaryHoldings, describeStep, parseTrial, policyConfig, readBoundary, readTrialHead, ReloadingPolicyEngine, runTrial, withinHoldings, type Boundary, type Decision,
} from "../../proxy/operator.ts";
import type { Cluster } from "./cluster-connection.ts";
import { getSeen, readAgent, type SeenAgent, type SeenCondition } from "./resources.ts";

/** A request that nobody sends. */
export interface Reach {
  readonly agent: string;
  /** An MCP server of the agent, which has an identity of its own. */
  readonly container: string | undefined;
  readonly url: string;
  readonly method: string | undefined;
  /** The most that the thread may be lent; undefined: what the Agent holds. */
  readonly narrowedTo: readonly string[] | undefined;
}

/** Whether an agent may send a request, by the boundary that is published, and why. */
export interface ReachExplanation {
  readonly agent: string;
  readonly request: string;
  readonly revision: string;
  readonly isAllowed: boolean;
  readonly rule: string;
  readonly reason: string;
  readonly hint: string;
  readonly grants: readonly string[];
  readonly budgets: readonly string[];
  /** Each question that the boundary would ask, in order, and its answer. */
  readonly steps: readonly string[];
  /** What the Agent says of itself that is not so. */
  readonly conditions: readonly SeenCondition[];
}

/** Asks the published boundary what a node proxy would ask. Nothing is sent. @throws UserError if there is none, or the URL cannot be asked about */
export async function explainReach(cluster: Cluster, reach: Reach): Promise<ReachExplanation> {
  const { namespace } = cluster;
  const boundary = await publishedBoundary(cluster);
  const name = reach.container === undefined ? reach.agent : `${reach.agent}.${reach.container}`;
  const asked = parseTrial({ ...requestOf(reach), agent: `${namespace}/${name}` });
  const engine = await ReloadingPolicyEngine.open(policyConfig.parse({}), {
    log: silentLog, clock: systemClock, environment: {}, held: () => ({ packed: boundary.bundle, revision: boundary.set.revision }),
  });
  const steps = await runTrial(engine, asked, { time: new Date(systemClock.nowMs()), readHead: readTrialHead });
  const last = steps.at(-1) ?? steps[0];
  const decision = withinHoldings(last.decision, holdingsOf(boundary, { namespace, name, narrowedTo: reach.narrowedTo }));
  const agent = await getSeen(cluster.api, TYPES.agents, { namespace, name: reach.agent }, readAgent);
  return {
    agent: `${namespace}/${name}`,
    request: asked.method === undefined ? `a connection to ${asked.host} port ${asked.port ?? 0}` : `${asked.method} ${reach.url}`,
    ...told(decision, boundary.set.agents[agentKey(namespace, name)] !== undefined, agent),
    steps: steps.map(describeStep), conditions: agent?.status.conditions.filter(({ status }) => status !== "True") ?? [],
  };
}

async function publishedBoundary({ api, systemNamespace }: Cluster): Promise<Boundary> {
  const found = await api.get(TYPES.configMaps, { namespace: systemNamespace, name: BOUNDARY_CONFIG_MAP });
  if (found === null) {
    throw new UserError(
      `there is no boundary in ${systemNamespace}: proxies refuse everything`, "`weir doctor --cluster` says what keeps the controller from writing it.",
      EXIT.unavailable,
    );
  }
  return readBoundary(found).catch((error: unknown) => {
    throw new UserError(
      `the boundary in ${systemNamespace} cannot be read: ${describeError(error)}`,
      "Use the tool of the installation's version; `weir doctor --cluster` says more.", EXIT.failure, { cause: error },
    );
  });
}

const SCHEMES = new Set(["https", "http", "postgres", "tcp"]);
const USUAL_PORTS: Readonly<Record<string, number>> = { http: 80, postgres: 5432 };

/**
 * `https://host/path` and `http://…` are asked about with a method, `postgres://user@host/database` as a session; `tcp://host:port` stands for any
 * other protocol.
 */
function requestOf({ url, method }: Reach): Record<string, unknown> {
  const parsed = URL.parse(url);
  const scheme = parsed?.protocol.slice(0, -1);
  if (parsed === null || !SCHEMES.has(scheme ?? "")) {
    throw new UserError(`not a URL to ask about: ${url}`, "Write https://HOST/PATH, http://HOST/PATH, postgres://HOST/DATABASE or tcp://HOST:PORT.", EXIT.usage);
  }
  const host = parsed.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = parsed.port === "" ? USUAL_PORTS[scheme ?? ""] ?? 443 : Number(parsed.port);
  if (scheme === "postgres") return { host, port, database: parsed.pathname.slice(1), user: parsed.username || undefined };
  if (scheme === "tcp") return { host, port, wire: "opaque" };
  return { host, port, scheme, method: method ?? "GET", path: `${parsed.pathname}${parsed.search}` };
}

function holdingsOf(
  { set }: Boundary, { namespace, name, narrowedTo }: { readonly namespace: string; readonly name: string; readonly narrowedTo: readonly string[] | undefined },
) {
  const holdings = new BoundaryHoldings();
  holdings.replace(set);
  const grants = narrowedTo === undefined ? {} : { grants: narrowedTo.map((grant) => `${namespace}.${grant}`) };
  return holdings.of({ namespace, name, thread: "", instance: "", user: "", labels: {}, chain: [], ...grants });
}

function told(
  decision: Decision, isKnown: boolean, agent: SeenAgent | null,
): Pick<ReachExplanation, "revision" | "isAllowed" | "rule" | "reason" | "hint" | "grants" | "budgets"> {
  const { revision, rule } = decision;
  if (decision.kind === "allow") {
    return { revision, isAllowed: true, rule, reason: "policy allows it", hint: "", grants: decision.grants, budgets: decision.budgets };
  }
  const nothing = { revision, isAllowed: false, grants: [], budgets: [] };
  if (isKnown) return { ...nothing, rule, reason: "reason" in decision ? decision.reason : "the body has to be read to decide", hint: "hint" in decision ? decision.hint : "" };
  // Whoever is unknown is refused before any policy is asked.
  const unknown = { ...nothing, rule: "agents.unknown" };
  if (agent === null) return { ...unknown, reason: "there is no such Agent", hint: "`weir agents -A` lists all of them." };
  const hint = "Its conditions say why; an Agent comes into the boundary as soon as the controller can read it.";
  return { ...unknown, reason: "the Agent is not, or not yet, part of the boundary", hint };
}

import { InvalidArgumentError, type Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { describeStep, packAdvice, parseTrial, readPolicyFolder, readTrialHead, runTrial } from "../../proxy/operator.ts";
import { loadConfig } from "../load-config.ts";
import type { Io } from "../io.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";
import { openEngine, placeOf } from "./open-engine.ts";

interface TryOptions {
  readonly config?: string;
  readonly policy?: string;
  readonly host: string;
  readonly port?: number;
  readonly scheme?: string;
  readonly opaque?: boolean;
  readonly database?: string;
  readonly user?: string;
  readonly method?: string;
  readonly path?: string;
  readonly websocket?: boolean;
  readonly mcp?: unknown;
  readonly llm?: unknown;
  readonly graphql?: unknown;
  readonly json?: unknown;
  readonly agent?: string;
  readonly output: OutputFormat;
}

/** `weir policy try` */
export function registerTry(policy: Command, io: Io): void {
  policy.command("try")
    .description("Ask the policy what it says of a request, without sending anything. Exits 0 if it is allowed, 3 if it is denied or a person would be asked.")
    .requiredOption("--host <name>", "host that the agent connects to, or an address that it dials by itself")
    .option("--port <port>", "default 443, 80 for http, 5432 for PostgreSQL", portNumber)
    .option("--scheme <scheme>", "https or http", "https")
    .option("--opaque", "a protocol that is none of TLS, HTTP and PostgreSQL")
    .option("--database <name>", "database that a PostgreSQL client asks for")
    .option("--user <name>", "name that a PostgreSQL client calls itself")
    .option("--method <method>", "method of the request; without it only name and connection are asked about")
    .option("--path <path>", "path of the request, default /; needs --method, or something of the body")
    .option("--websocket", "the request opens a WebSocket; needs --method")
    .option("--mcp <json>", 'what a policy would read of the body, as in cases: {"tool": "write_file", "arguments": {"path": "/workspace/a"}}', jsonValue)
    .option("--llm <json>", 'the same of a request to a language model: {"model": "gpt-5"}', jsonValue)
    .option("--graphql <json>", 'the same of a GraphQL operation: {"type": "mutation", "fields": ["mergePullRequest"]}', jsonValue)
    .option("--json <json>", "the body itself", jsonValue)
    .option("--agent <name>", "agent, as NAME or NAMESPACE/NAME")
    .option("-p, --policy <path>", "policy folder or bundle; overrides the configuration")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .option("-o, --output <format>", "text or json", outputFormat, "text")
    .action(async (options: TryOptions) => { await tryRequest(options, io); });
}

async function tryRequest(options: TryOptions, io: Io): Promise<void> {
  const { config } = loadConfig(options.config);
  const engine = await openEngine(options.policy === undefined ? config.policy : placeOf(options.policy), io);
  const agent = options.agent ?? config.agent.name;
  const asked = parseTrial({
    host: hostAlone(options.host), port: options.port, scheme: options.scheme, wire: options.opaque === true ? "opaque" : undefined,
    database: options.database, user: options.user, method: options.method, path: options.path, websocket: options.websocket, encoded_slash: config.exchange.encodedSlash,
    mcp: options.mcp, llm: options.llm, graphql: options.graphql, json: options.json,
    agent: agent.includes("/") ? agent : `${config.agent.namespace}/${agent}`, labels: config.agent.labels,
  });
  const steps = await runTrial(engine, asked, { time: new Date(systemClock.nowMs()), readHead: readTrialHead });
  const { decision } = steps.at(-1) ?? steps[0];
  if (options.output === "json") {
    io.out(JSON.stringify({ decision, steps }, null, 2));
  } else {
    for (const step of steps) io.out(describeStep(step));
    if ((decision.kind === "deny" || decision.kind === "ask") && decision.hint !== "") io.out(`hint: ${decision.hint}`);
    if (decision.kind === "deny") for (const text of await adviceOn(asked, decision.rule, { place: options.policy ?? config.policy.directory })) io.out(`pack: ${text}`);
    if (decision.kind === "allow" && decision.grants.length > 0) io.out(`lends: ${decision.grants.join(", ")}`);
  }
  if (decision.kind !== "allow") io.exitWith(EXIT.denied);
}

/** What packs have to do with a refusal, by the folder that was asked. */
async function adviceOn({ host, method, path = "/" }: ReturnType<typeof parseTrial>, rule: string, { place }: { readonly place: string | undefined }): Promise<string[]> {
  const folder = place === undefined || place.endsWith(".tar.gz") ? null : await readPolicyFolder(place);
  return packAdvice(folder?.taken ?? [], { host, rule, operation: { ...(method === undefined ? {} : { methods: [method] }), paths: [path] } });
}

/** A host as policy knows it. @throws UserError for an address of the web, or a host with a port */
function hostAlone(host: string): string {
  const url = /^[a-z][a-z+.-]*:\/\//i.test(host);
  if (!url && !/^[^:]+:\d+$/.test(host)) return host;
  throw new UserError(`--host: ${host} is more than a host`, `Write the host without ${url ? "scheme and path" : "port"}; --scheme, --port and --path say the rest.`, EXIT.usage);
}

function jsonValue(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw new InvalidArgumentError("it is no JSON.");
  }
}

function portNumber(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError("it is a number from 1 to 65535.");
  return port;
}

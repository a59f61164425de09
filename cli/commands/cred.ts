import { userInfo } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { Secret } from "../../common/secret.ts";
import { checkGrant, listGrants, openLocalIssuer, UndiciUpstream, type GrantReport, type WantedRequest } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";
import { loadConfig, type LoadedConfig } from "../load-config.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";
import { stateDirectory } from "../state-directory.ts";
import { printFacts, printTable } from "../table.ts";

interface CredOptions {
  readonly config?: string;
  readonly output: OutputFormat;
}

interface CheckOptions extends CredOptions {
  readonly url?: string;
  readonly method: string;
}

const CHECK_HELP = `
Asks the store for the grant's secret just as a proxy would, makes of it what would be put into a request, and gives back what was leased for it.
The value is never printed. What a running proxy holds is not touched; a store that knows agents by their own tokens is asked with one that this
machine's issuer makes for the agent of the configuration.

Of a cluster, \`kubectl get credentialgrants\` says whether each is in force; a proxy that cannot fetch one says why in its audit log.

Examples:
  weir cred check github
  weir cred check github --url https://api.github.com/repos/a/b --method GET

Exit code: 0 it can be lent, 1 it cannot (the reason is printed), 2 there is no such grant, 78 the configuration is not usable.`;

const CHECK_TOKEN_TTL_MS = 60_000;

export function registerCred(program: Command, io: Io): void {
  const cred = program.command("cred").summary("list and try the grants of this machine").description("List the configured grants, and try whether they can be lent. Never prints a secret.");
  cred.command("ls").alias("list")
    .description("List the configured grants: where each secret is, and where it may go.")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .option("-o, --output <format>", "text or json", outputFormat, "text")
    .action(async (options: CredOptions) => { await list(options, io); });
  cred.command("check")
    .description("Fetch the secret of a grant and say what came of it.")
    .argument("<grant>", "name of the grant")
    .option("--url <url>", "a request that its binding must allow")
    .option("--method <method>", "the method of that request", "GET")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .option("-o, --output <format>", "text or json", outputFormat, "text")
    .addHelpText("after", CHECK_HELP)
    .action(async (name: string, options: CheckOptions) => { await check(name, options, io); });
}

async function list(options: CredOptions, io: Io): Promise<void> {
  const { config } = loadConfig(options.config);
  const grants = await withSources(config, io, async (sources) => listGrants(config, sources));
  if (options.output === "json") return io.out(JSON.stringify({ grants }, null, 2));
  if (grants.length === 0) return io.err("no grant is configured");
  printTable(["GRANT", "TYPE", "PLACE", "INJECT", "HOSTS", "ENV"],
    grants.map(({ grant, type, place, inject, hosts, env }) => [grant, type, place, inject, hosts.join(","), env.join(",") || "-"]), io);
}

async function check(name: string, options: CheckOptions, io: Io): Promise<void> {
  const loaded = loadConfig(options.config);
  const { config } = loaded;
  const wanted = wantedOf(options);
  if (!Object.hasOwn(config.grants, name)) {
    throw new UserError(`there is no grant ${name}`, `These are configured: ${Object.keys(config.grants).join(", ") || "none"}.`, EXIT.usage);
  }
  const borrower = await borrowerOf(loaded, stateDirectory(config, io.environment));
  const report = await withSources(config, io, async (sources) => checkGrant(name, config, sources, { borrower, wanted }));
  if (options.output === "json") io.out(JSON.stringify(report, null, 2));
  else printFacts(factsOf(report), io);
  if (!report.isUsable) io.exitWith(EXIT.failure);
}

/** Does the work with what a proxy of this machine opens its grants with, the way to servers that give tokens among it. */
async function withSources<T>(config: LoadedConfig["config"], io: Io, work: (sources: Parameters<typeof listGrants>[1]) => Promise<T>): Promise<T> {
  const state = stateDirectory(config, io.environment);
  const upstream = new UndiciUpstream(config.upstream, systemClock);
  try {
    const mint = { network: upstream.network, stateDirectory: state, kube: null };
    return await work({ environment: io.environment, leaseDirectory: join(state, "leases"), mint });
  } finally {
    await upstream.close();
  }
}

function wantedOf({ url, method }: CheckOptions): WantedRequest | null {
  if (url === undefined) return null;
  if (!URL.canParse(url)) throw new UserError(`${url} is no URL`, "Give it whole: https://HOST/PATH.", EXIT.usage);
  return { method: method.toUpperCase(), url: new URL(url) };
}

async function borrowerOf({ config }: LoadedConfig, state: string) {
  const { namespace, name, labels } = config.agent;
  const instance = `check-${crypto.randomUUID()}`;
  const agent = { namespace, name, thread: instance, instance, user: userInfo().username, labels, chain: [] };
  const issuer = await openLocalIssuer(join(state, "issuer"));
  return { agent, token: new Secret(await issuer.mint(agent, CHECK_TOKEN_TTL_MS)) };
}

function factsOf(report: GrantReport): [string, string][] {
  const { grant, type, place, scope, inject, hosts, ports, methods, paths, problem, version, lease, isRenewable, expiresAt } = report;
  return [
    ["grant", grant], ["usable", problem === null ? "yes" : `no: ${problem}`], ["type", type], ["place", place],
    ["fetched for", scope === "shared" ? "all instances together" : "each instance"], ["inject", inject],
    ["hosts", hosts.join(", ")], ["ports", ports.join(", ")], ["methods", methods.join(", ")], ["paths", paths.join(", ")],
    ...(version === null ? [] : [["version", version] as [string, string], ["lease", lease === null ? "none" : `${lease}${isRenewable ? " (renewable)" : ""}`] as [string, string],
      ["expires", expiresAt ?? "never; fetched again after credentials.cacheTtlMs"] as [string, string]]),
  ];
}

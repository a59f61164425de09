import type { Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import type { RevokeRequest } from "../../common/operator-door.ts";
import { withCluster } from "../cluster/cluster-connection.ts";
import { withInstallationOptions, type InstallationOptions } from "../cluster/cluster-options.ts";
import { revokeOnNodes } from "../cluster/revoke-on-nodes.ts";
import type { Io } from "../io.ts";
import { loadConfig } from "../load-config.ts";
import { revokeAtDoors, type DoorAnswer } from "../operator-doors.ts";
import { stateDirectory } from "../state-directory.ts";
import { printTable } from "../table.ts";

interface RevokeOptions extends InstallationOptions {
  readonly config?: string;
  readonly cluster?: true;
  readonly grant?: string;
  readonly instance?: string;
  readonly thread?: string;
  readonly all?: true;
}

const HELP = `
What is meant is forgotten at once by every running proxy, and what is leased of it is given back to its store; several options together mean what
all of them say. The next request that needs it fetches it anew: to keep an agent from a credential, change the policy or the grant first.
Requests that are under way are not ended, sessions of databases on what was leased are; a credential of a store that ends with its lease is worth
nothing from then on.

Without --cluster the proxies of this machine are ordered (\`weir up\`, and each \`weir run\` of the same state directory), through a Unix socket that
only its owner can reach; with it every node proxy of an installation, by \`kubectl exec\`.

Examples:
  weir revoke --grant github
  weir revoke --thread 01J9Z3 --cluster
  weir revoke --all

Exit code: 0 all is taken back, 1 a proxy did not answer or a store has not confirmed yet (it is tried again), 69 no proxy runs.`;

export function registerRevoke(program: Command, io: Io): void {
  withInstallationOptions(program.command("revoke"))
    .summary("take lent credentials back, now")
    .description("Take back credentials that running proxies hold.")
    .option("--grant <name>", "of this grant")
    .option("--instance <id>", "of this instance")
    .option("--thread <id>", "of this thread's instances")
    .option("--all", "all there are")
    .option("--cluster", "on the nodes of a cluster instead of this machine")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .addHelpText("after", HELP)
    .action(async (options: RevokeOptions) => { await revoke(options, io); });
}

async function revoke(options: RevokeOptions, io: Io): Promise<void> {
  const wanted = wantedOf(options);
  const answers = options.cluster === true
    ? await withCluster(options, async (cluster) => revokeOnNodes(cluster, options, wanted))
    : await revokeAtDoors(stateDirectory(loadConfig(options.config).config, io.environment), wanted);
  if (answers.length === 0) throw new UserError("no proxy runs here", "Nothing is lent then. For a cluster add --cluster.", EXIT.unavailable);
  if (options.output === "json") io.out(JSON.stringify({ proxies: answers }, null, 2));
  else printTable(["PROXY", "TAKEN BACK", "CONFIRMED"], answers.map(rowOf), io);
  if (answers.some(({ answer }) => answer?.isConfirmed !== true)) io.exitWith(EXIT.failure);
}

/** Nothing given must not mean everything by accident. */
function wantedOf({ grant, instance, thread, all }: RevokeOptions): RevokeRequest {
  const wanted = { ...(grant === undefined ? {} : { grant }), ...(instance === undefined ? {} : { instance }), ...(thread === undefined ? {} : { thread }) };
  const isNamed = Object.keys(wanted).length > 0;
  if (isNamed === (all === true)) {
    throw new UserError(isNamed ? "--all and one of its parts are named" : "it is not said what to revoke", "Give --grant, --instance or --thread, or --all alone.", EXIT.usage);
  }
  return wanted;
}

function rowOf({ proxy, answer, trouble }: DoorAnswer): string[] {
  return answer === null ? [proxy, "-", trouble ?? "no answer"] : [proxy, String(answer.dropped), answer.isConfirmed ? "yes" : "not yet; it is tried again"];
}

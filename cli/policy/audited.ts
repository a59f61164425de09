import { EXIT, UserError } from "../../common/exit-codes.ts";
import { listAuditChains } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";
import { loadConfig } from "../load-config.ts";
import { auditRoot } from "../state-directory.ts";

/** The folder whose decisions are looked at: the one that was named, else that of the configuration. @throws UserError if nothing was ever recorded there */
export async function recordedFolder({ audit, config }: { readonly audit?: string; readonly config?: string }, io: Io): Promise<string> {
  const root = audit ?? auditRoot(loadConfig(config).config, io.environment);
  if ((await listAuditChains(root)).length > 0) return root;
  throw new UserError(`nothing is recorded in ${root}`, "Run something with `weir run`, or name the folder of a chain with --audit.", EXIT.failure);
}

interface Narrowed {
  readonly since: number;
  readonly agent?: string;
  readonly host?: string;
}

/** What to say where nothing was found: that is no result, though nothing speaks against it. */
export function noneFound(what: "decision" | "refusal", root: string, { since, agent, host }: Narrowed): string {
  const narrowed = [agent === undefined ? "" : ` of agent ${agent}`, host === undefined ? "" : ` about ${host}`].join("");
  return `no ${what}${narrowed} since ${new Date(since).toISOString()} in ${root}: look at --since, --agent and --host`;
}

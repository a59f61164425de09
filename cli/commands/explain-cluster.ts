import { resolve } from "node:path";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { explainRecord, type AuditRecord } from "../../proxy/operator.ts";
import { withCluster, type Cluster } from "../cluster/cluster-connection.ts";
import type { ClusterOptions } from "../cluster/cluster-options.ts";
import { explainReach } from "../cluster/explain-reach.ts";
import { explainThread } from "../cluster/explain-thread.ts";
import { isForbidden } from "../cluster/kube-trouble.ts";
import { printReach, printRefusals, printThreadExplanation } from "../cluster/print-explanation.ts";
import { searchAudit, type AuditFindings } from "../cluster/proxy-audit.ts";
import { getSeen, readThread } from "../cluster/resources.ts";
import { explainDetails } from "../explain-details.ts";
import type { Io } from "../io.ts";
import { printRecord } from "../print-record.ts";

export interface ExplainOptions extends ClusterOptions {
  readonly config?: string;
  readonly policy?: string;
  readonly cluster?: true;
  readonly thread?: string;
  readonly agent?: string;
  readonly container?: string;
  readonly url?: string;
  readonly method?: string;
}

/** Refusals of a thread that are shown. */
const REFUSALS = 5;

/** Whether an agent, or a thread, may reach a URL. */
export async function explainClusterUrl(url: string, options: ExplainOptions, io: Io): Promise<void> {
  await withCluster(options, async (cluster) => {
    const { agent, narrowedTo } = await whoever(cluster, options);
    const told = await explainReach(cluster, { agent, narrowedTo, container: options.container, url, method: options.method });
    if (options.output === "json") io.out(JSON.stringify(told, null, 2));
    else printReach(told, io);
    if (!told.isAllowed) io.exitWith(EXIT.denied);
  });
}

async function whoever(
  { api, namespace }: Cluster, { agent, thread: name }: ExplainOptions,
): Promise<{ readonly agent: string; readonly narrowedTo: readonly string[] | undefined }> {
  if (agent !== undefined) return { agent, narrowedTo: undefined };
  if (name === undefined) throw new UserError("who wants to reach it?", "Add --agent NAME, or --thread NAME.", EXIT.usage);
  const thread = await getSeen(api, TYPES.threads, { namespace, name }, readThread);
  if (thread === null) throw new UserError(`there is no Thread ${namespace}/${name}`, "`weir threads ls` lists yours.", EXIT.failure);
  return { agent: thread.spec.agent, narrowedTo: thread.spec.grants };
}

/** Why a thread has an instance or none, and what was refused to it. */
export async function explainClusterThread(name: string, options: ExplainOptions, io: Io): Promise<void> {
  await withCluster(options, async (cluster) => {
    const told = await explainThread(cluster, name);
    const texts = [`"thread":${JSON.stringify(name)}`, `"namespace":${JSON.stringify(cluster.namespace)}`, '"disposition_id":2,'];
    const { records, troubles } = await searched(cluster, options, texts);
    const refusals = records.filter((record) => isOf(record, cluster.namespace, name)).slice(-REFUSALS);
    const explained = () => refusals.map((record) => ({ timeMs: record.timeMs, ...explainRecord(record) }));
    if (options.output === "json") return io.out(JSON.stringify({ ...told, refusals: explained(), notRead: troubles }, null, 2));
    printThreadExplanation(told, io);
    if (refusals.length > 0) io.out("\nRefused lately (`weir explain --cluster ID` says what would allow it):");
    printRefusals(refusals, io);
    for (const trouble of troubles) io.err(`audit not read: ${trouble}`);
  });
}

function isOf(record: AuditRecord, namespace: string, thread: string): boolean {
  return record.kind !== "lifecycle" && record.outcome === "denied" && record.agent?.namespace === namespace && record.agent.thread === thread;
}

/** Why a request of some agent in the cluster ended as it did. */
export async function explainClusterRequest(id: string | undefined, options: ExplainOptions, io: Io): Promise<void> {
  if (id === undefined) throw new UserError("which request?", "Give its id, or --thread NAME for what was refused to a thread.", EXIT.usage);
  await withCluster(options, async (cluster) => {
    const { records, troubles } = await searched(cluster, options, [JSON.stringify(id)]);
    const record = records.findLast((one) => isCalled(one, id));
    for (const trouble of troubles) io.err(`audit not read: ${trouble}`);
    if (record === undefined) {
      throw new UserError(
        `no record of ${id} on any node that could be read`, "Old records are where the audit is delivered to (docs/audit.md); nodes keep the newest.",
        EXIT.failure,
      );
    }
    printRecord(record, { output: options.output, ...options.policy === undefined ? null : await explainDetails(record, resolve(options.policy), io) }, io);
  });
}

function isCalled(record: AuditRecord, id: string): boolean {
  switch (record.kind) {
    case "exchange": return record.exchangeId === id;
    case "connection": return record.connectionId === id;
    case "name": return record.queryId === id;
    case "lifecycle": return false;
  }
}

async function searched(cluster: Cluster, options: ExplainOptions, texts: readonly string[]): Promise<AuditFindings> {
  try {
    return await searchAudit(cluster, options, { texts, limit: 50 });
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return { records: [], troubles: [`you may not list pods in ${cluster.systemNamespace}`] };
  }
}

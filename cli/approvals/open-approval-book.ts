import { withController } from "../cluster/controller-client.ts";
import type { ControllerOptions } from "../cluster/controller-options.ts";
import type { Io } from "../io.ts";
import { loadConfig } from "../load-config.ts";
import { stateDirectory } from "../state-directory.ts";
import type { ApprovalBook } from "./approval-book.ts";
import { clusterApprovalBook } from "./cluster-book.ts";
import { keptApprovals } from "./kept-approvals.ts";
import { localApprovalBook } from "./local-book.ts";

export interface ApprovalOptions extends ControllerOptions {
  readonly config?: string;
  readonly cluster?: true;
  readonly allNamespaces?: true;
}

/** Opens the place that is meant for as long as the work takes. @throws UserError */
export async function withApprovalBook<T>(options: ApprovalOptions, io: Io, work: (book: ApprovalBook) => Promise<T>): Promise<T> {
  if (isCluster(options)) {
    return withController(options, async ({ client, namespace }) => work(clusterApprovalBook(client, options.allNamespaces === true ? null : namespace)));
  }
  const { config } = loadConfig(options.config);
  const state = stateDirectory(config, io.environment);
  return work(localApprovalBook(state, keptApprovals(config, state)));
}

/** Whoever names a cluster means it. */
function isCluster({ cluster, kubeconfig, context, namespace, server, allNamespaces }: ApprovalOptions): boolean {
  return cluster === true || allNamespaces === true || [kubeconfig, context, namespace, server].some((one) => one !== undefined);
}

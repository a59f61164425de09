import { join } from "node:path";
import { openLog, type Log } from "../../common/log.ts";
import { openOperatorChain } from "../../proxy/operator.ts";
import { withController } from "../cluster/controller-client.ts";
import type { ControllerOptions } from "../cluster/controller-options.ts";
import type { WeirConfig } from "../config.ts";
import type { Io } from "../io.ts";
import { loadConfig } from "../load-config.ts";
import { stateDirectory } from "../state-directory.ts";
import type { BudgetBook } from "./budget-book.ts";
import { clusterBook } from "./cluster-book.ts";
import { configuredBudgets } from "./configured-budgets.ts";
import { localBook, type RecordAdjustment } from "./local-book.ts";
import { openMachineLedger } from "./machine-ledger.ts";

export interface BookOptions extends ControllerOptions {
  readonly config?: string;
  readonly cluster?: true;
  readonly allNamespaces?: true;
}

/** Opens the ledger that is meant for as long as the work takes. @throws UserError */
export async function withBook<T>(options: BookOptions, io: Io, work: (book: BudgetBook) => Promise<T>): Promise<T> {
  if (isCluster(options)) {
    return withController(options, async ({ client, namespace }) => work(await clusterBook(client, { namespace: options.allNamespaces === true ? null : namespace })));
  }
  const { config } = loadConfig(options.config);
  const state = stateDirectory(config, io.environment);
  const log = openLog("weir", config.logLevel);
  const { record, close } = recorder(config, state, log);
  const book = localBook(openMachineLedger(config.budgets, state, log), configuredBudgets(config.budgets), record);
  try {
    return await work(book);
  } finally {
    await close();
    await book.close();
  }
}

/** Whoever names a cluster means it. */
function isCluster({ cluster, kubeconfig, context, namespace, server, allNamespaces }: BookOptions): boolean {
  return cluster === true || allNamespaces === true || [kubeconfig, context, namespace, server].some((one) => one !== undefined);
}

interface Recorder {
  readonly record: RecordAdjustment;
  close(): Promise<void>;
}

/** Beside the chains of runs, in one of its own that goes on from order to order; opened when there is something to write. */
function recorder({ audit }: WeirConfig, state: string, log: Log): Recorder {
  let opened: ReturnType<typeof openOperatorChain> | undefined;
  return {
    record: async (event, fields) => {
      opened ??= openOperatorChain(audit, join(state, "audit", "operator"), log);
      await (await opened).commit({ event, outcome: "succeeded", fields });
    },
    close: async () => (await opened)?.close(),
  };
}

import type { Command } from "commander";
import { outputFormat, type OutputFormat } from "../output-format.ts";

/** How a command finds a cluster, and what of it is meant. */
export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Default: the one of the kubeconfig's context, or `default`. */
  readonly namespace?: string;
  readonly systemNamespace: string;
  readonly output: OutputFormat;
}

/** Adds the options that every command about a cluster has. */
export function withClusterOptions(command: Command): Command {
  return command
    .option("-n, --namespace <name>", "namespace of agents and threads; default: of the kubeconfig's context")
    .option("--kubeconfig <file>", "kubeconfig; default KUBECONFIG or ~/.kube/config")
    .option("--context <name>", "context of the kubeconfig; default its current one")
    .option("--system-namespace <name>", "namespace of the installation", "weir-system")
    .option("-o, --output <format>", "text or json", outputFormat, "text");
}

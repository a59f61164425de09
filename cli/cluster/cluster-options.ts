import type { Command } from "commander";
import { outputFormat, type OutputFormat } from "../output-format.ts";

/** How a command finds a cluster and the installation in it. */
export interface InstallationOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly systemNamespace: string;
  readonly output: OutputFormat;
}

/** The same for a command about what a team has there. */
export interface ClusterOptions extends InstallationOptions {
  /** Default: the one of the kubeconfig's context, or `default`. */
  readonly namespace?: string;
}

/** Adds the options that every command about a cluster has. */
export function withInstallationOptions(command: Command): Command {
  return command
    .option("--kubeconfig <file>", "kubeconfig; default KUBECONFIG or ~/.kube/config")
    .option("--context <name>", "context of the kubeconfig; default its current one")
    .option("--system-namespace <name>", "namespace of the installation", "weir-system")
    .option("-o, --output <format>", "text or json", outputFormat, "text");
}

/** Adds those and the namespace. */
export function withClusterOptions(command: Command): Command {
  return withInstallationOptions(command.option("-n, --namespace <name>", "namespace of agents and threads; default: of the kubeconfig's context"));
}

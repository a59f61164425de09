import { InvalidArgumentError, type Command } from "commander";
import { outputFormat, type OutputFormat } from "../output-format.ts";

/** How a command finds the controller of a cluster, and as whom it speaks. */
export interface ControllerOptions {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
  readonly serviceAccount?: ServiceAccountName;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly systemNamespace: string;
  readonly namespace: string;
  readonly output: OutputFormat;
}

export interface ServiceAccountName {
  readonly namespace: string;
  readonly name: string;
}

export const CONTROLLER_HELP = `
The controller is found through your kubeconfig (\`kubectl port-forward\` to it), or at --server. You speak as the bearer token of your
kubeconfig, as --service-account (a short token is requested for it), or by --token-file.`;

/** Adds the options that every command against a cluster has. */
export function withControllerOptions(command: Command): Command {
  return command
    .option("-n, --namespace <name>", "namespace of agents and threads", "default")
    .option("--server <url>", "address of the controller's API, https://HOST[:PORT]")
    .option("--ca-file <file>", "PEM with the CA of --server; default: the cluster's ConfigMap weir-ca")
    .option("--token-file <file>", "file with the bearer token to show")
    .option("--service-account <ns/name>", "speak as this service account", serviceAccountName)
    .option("--kubeconfig <file>", "kubeconfig; default KUBECONFIG or ~/.kube/config")
    .option("--context <name>", "context of the kubeconfig")
    .option("--system-namespace <name>", "namespace of the installation", "weir-system")
    .option("-o, --output <format>", "text or json", outputFormat, "text");
}

/** Parses `namespace/name`. */
export function serviceAccountName(value: string): ServiceAccountName {
  const [namespace, name, ...rest] = value.split("/");
  if (namespace === undefined || namespace === "" || name === undefined || name === "" || rest.length > 0) throw new InvalidArgumentError("it is written NAMESPACE/NAME.");
  return { namespace, name };
}

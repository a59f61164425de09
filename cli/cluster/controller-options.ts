import { InvalidArgumentError, type Command } from "commander";
import type { ObjectRef } from "../../common/kube/kube-api.ts";
import { withClusterOptions, type ClusterOptions } from "./cluster-options.ts";

/** How a command finds the controller's API, and as whom it speaks. */
export interface ControllerOptions extends ClusterOptions {
  readonly server?: string;
  readonly caFile?: string;
  readonly tokenFile?: string;
  readonly serviceAccount?: ServiceAccountName;
}

export type ServiceAccountName = Required<ObjectRef>;

export const CONTROLLER_HELP = `
The controller is found through your kubeconfig (\`kubectl port-forward\` to it), or at --server. You speak as the bearer token of your
kubeconfig, as --service-account (a short token is requested for it), or by --token-file.`;

/** Adds the options that every command that speaks to the controller has. */
export function withControllerOptions(command: Command): Command {
  return withClusterOptions(command)
    .option("--server <url>", "address of the controller's API, https://HOST[:PORT]")
    .option("--ca-file <file>", "PEM with the CA of --server; default: the public ones")
    .option("--token-file <file>", "file with the bearer token to show; read again when it changes")
    .option("--service-account <ns/name>", "speak as this service account", serviceAccountName);
}

/** Parses `namespace/name`. */
export function serviceAccountName(value: string): ServiceAccountName {
  const [namespace, name, ...rest] = value.split("/");
  if (namespace === undefined || namespace === "" || name === undefined || name === "" || rest.length > 0) {
    throw new InvalidArgumentError("it is written NAMESPACE/NAME.");
  }
  return { namespace, name };
}

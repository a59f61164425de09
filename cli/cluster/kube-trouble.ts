import { EXIT, UserError } from "../../common/exit-codes.ts";
import { KubeError } from "../../common/kube/kube-api.ts";

const HINTS: Readonly<Record<number, string>> = {
  0: "Is the cluster up, and is this the right kubeconfig and --context? `kubectl version` asks the same.",
  401: "Sign in to the cluster again: it does not know the credentials of your kubeconfig.",
  403: "Ask for that right in the cluster; `kubectl auth can-i` shows what you have.",
  404: "Is Weir installed in this cluster? docs/kubernetes.md says how.",
};

/** What is wrong with an API server's answer, for its user. Every other error comes back as it is. */
export function kubeTrouble(error: unknown): unknown {
  if (!(error instanceof KubeError)) return error;
  const isAway = error.status === 0 || error.status >= 500;
  return new UserError(
    error.message, HINTS[isAway ? 0 : error.status] ?? "See `kubectl` for the same objects.", isAway ? EXIT.unavailable : EXIT.failure, { cause: error },
  );
}

/** True if the answer was that this user may not know. */
export function isForbidden(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 403 || error.status === 401);
}

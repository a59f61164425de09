import type { ReadPod } from "../resources/pod.ts";
import type { PodSettings } from "./pod-settings.ts";

/** Under which name, and how, a pod is put behind the boundary. */
export interface Governance {
  /** Agent of the pod's namespace. */
  readonly agentName: string;
  /** Containers that have an identity of their own, in the order of their uids. */
  readonly identities: readonly string[];
  readonly trust: {
    readonly mountSystemBundle: boolean;
    /** ConfigMap of the pod's namespace with `ca.crt`. */
    readonly extraCaConfigMap?: string | undefined;
  };
  /** Who may open connections into the pod. */
  readonly inbound: "none" | "any";
  readonly settings: PodSettings;
}

export type Governed =
  | {
    readonly kind: "governed";
    readonly pod: ReadPod;
    /** What the pod's author should know, a sentence each. */
    readonly warnings: readonly string[];
  }
  | {
    readonly kind: "refused";
    /** Why it cannot be governed as it is, a sentence each; at least one. */
    readonly problems: readonly string[];
  };

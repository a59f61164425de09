import type { KubeObject } from "../../common/kube/kube-api.ts";

/** How pods of this installation reach their boundary: the controller's own configuration and what it looked up. */
export interface PodSettings {
  readonly images: { readonly init: string; readonly sidecar: string; readonly pullPolicy: "Always" | "IfNotPresent" | "Never" };
  /** Addresses of the node proxy's service (one of each family at most) and its port. */
  readonly proxy: { readonly addresses: readonly string[]; readonly port: number };
  /** CA of the boundary, PEM; public. */
  readonly caPem: string;
  /** `init`: an init container with NET_ADMIN. `node`: the node's own agent writes the rules, and the sidecar waits for them. */
  readonly redirect: "init" | "node";
  readonly tokenLifetimeSeconds: number;
  /** Service account that mutates and creates governed pods: `system:serviceaccount:NAMESPACE:NAME`. */
  readonly controllerUser: string;
}

/** A pod, as far as it is rewritten; the rest is passed through. */
export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly ephemeralContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly [field: string]: unknown }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export interface Volume {
  readonly name: string;
  /** One key, the kind of the volume. */
  readonly [kind: string]: unknown;
}

export interface Pod extends KubeObject {
  readonly spec: PodSpec;
}

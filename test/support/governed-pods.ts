import type { KubeObject } from "../../common/kube/kube-api.ts";
import { ANNOTATIONS, LABELS } from "../../common/labels.ts";

export interface PodWish {
  readonly name?: string;
  readonly namespace?: string;
  readonly node?: string;
  readonly uid?: string;
  readonly ips?: readonly string[];
  readonly labels?: Readonly<Record<string, string | undefined>>;
  /** By the key of `ANNOTATIONS`; what is no text is written as JSON. */
  readonly annotations?: Readonly<Partial<Record<keyof typeof ANNOTATIONS, unknown>>>;
  readonly containers?: readonly object[];
  readonly phase?: string;
  readonly spec?: object;
  readonly deletionTimestamp?: string;
}

export const THE_UID = "0b6c2f1e-58a7-4d7f-9f5a-6f1f0a1b2c3d";

/** A pod as the boundary's injection and the controller leave it, but for what is wished; a label that is `undefined` is left out. */
export function aPod(wish: PodWish = {}): KubeObject {
  const labels = Object.fromEntries(Object.entries({ [LABELS.inject]: "enabled", [LABELS.agent]: "coder", team: "a", ...wish.labels }).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const written = Object.entries({ injected: { version: "1", fingerprint: "f" }, ...wish.annotations }).filter(([, value]) => value !== undefined)
    .map(([key, value]) => [ANNOTATIONS[key as keyof typeof ANNOTATIONS], typeof value === "string" ? value : JSON.stringify(value)]);
  const { name = "weir-t7", namespace = "agents", node = "n1", uid = THE_UID, ips = ["10.1.2.3"], phase = "Running", deletionTimestamp } = wish;
  return {
    metadata: { name, namespace, uid, labels, annotations: Object.fromEntries(written), ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
    spec: { nodeName: node, containers: wish.containers ?? [{ name: "agent", image: "x" }], ...wish.spec },
    status: { phase, podIPs: ips.map((ip) => ({ ip })) },
  };
}

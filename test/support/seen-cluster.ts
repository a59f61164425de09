import type { Cluster } from "../../cli/cluster/cluster-connection.ts";
import type { KubeObject, ResourceType } from "../../common/kube/kube-api.ts";
import { MemoryKubeApi } from "./kube/memory-api.ts";

/** A cluster for the operator's tool, in memory. */
export interface SeenCluster extends Cluster {
  readonly api: MemoryKubeApi;
  /** Answers of `text` by a part of the path; a path without one throws. */
  readonly texts: Map<string, string>;
  add(type: ResourceType, name: string, fields?: Readonly<Record<string, unknown>>, namespace?: string): Promise<KubeObject>;
}

export function aCluster(namespace = "team"): SeenCluster {
  const api = new MemoryKubeApi();
  const texts = new Map<string, string>();
  return {
    api, texts, namespace, server: "https://api.example:6443", systemNamespace: "weir-system",
    text: async (path) => {
      const found = [...texts].find(([part]) => path.includes(part));
      if (found === undefined) throw new Error("nobody answers");
      return found[1];
    },
    add: async (type, name, { metadata, ...fields } = {}, home = namespace) => api.create(type, {
      ...fields, metadata: { name, ...(type.isNamespaced ? { namespace: home } : {}), ...(metadata as object | undefined) },
    }),
  };
}

/** A condition as the API has it. */
export function aCondition(type: string, status: "True" | "False" | "Unknown", reason = type, message = ""): Readonly<Record<string, string>> {
  return { type, status, reason, message, lastTransitionTime: "2026-01-01T00:00:00Z" };
}

import type { Cluster } from "../cluster-connection.ts";
import type { Facts } from "./facts.ts";

export type FindingState = "ok" | "warn" | "fail";

/** What one check says of the cluster. `warn`: something is worth a look, or cannot be known with these rights. */
export interface ClusterFinding {
  readonly name: string;
  readonly state: FindingState;
  readonly detail: string;
  /** What to do about it; empty if there is nothing. */
  readonly fix: string;
}

export const finding = {
  ok: (name: string, detail: string): ClusterFinding => ({ name, state: "ok", detail, fix: "" }),
  warn: (name: string, detail: string, fix: string): ClusterFinding => ({ name, state: "warn", detail, fix }),
  fail: (name: string, detail: string, fix: string): ClusterFinding => ({ name, state: "fail", detail, fix }),
};

/** A question about the cluster. Reads only; may throw KubeError, which becomes a finding. */
export interface Check {
  readonly name: string;
  run(cluster: Cluster, facts: Facts): Promise<readonly ClusterFinding[]>;
}

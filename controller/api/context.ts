import type { HttpBindings } from "@hono/node-server";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Clock } from "../../common/clock.ts";
import type { KubeApi } from "../../common/kube/kube-api.ts";
import type { LedgerStore } from "../../common/ledger/ledger-store.ts";
import type { Log } from "../../common/log.ts";
import type { Access, Caller, Instance, Person } from "../access/access.ts";
import type { ClusterObjects } from "../access/cluster-objects.ts";
import type { ApprovalStore } from "../approvals/approval-store.ts";
import type { KnownBudgets } from "../ledger/known-budgets.ts";
import type { ThreadStore } from "../threads/thread-store.ts";
import type { ApiConfig } from "./config.ts";
import { ApiProblem } from "./problem.ts";
import type { Waiting } from "./waiting.ts";

/** What one ended request counts as. `route` is the pattern, never the path. */
export interface RequestFacts {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly durationMs: number;
}

export interface ApiMetrics {
  requestEnded(facts: RequestFacts): void;
}

/** The rooms that the API is a door to. */
export interface ApiParts {
  readonly store: ThreadStore;
  /** Where budgets are counted for all node proxies. */
  readonly ledger: LedgerStore;
  /** The same as the proxy of one node may use it. */
  ledgerOfNode(node: string): LedgerStore;
  readonly budgets: KnownBudgets;
  /** Where people answer for all node proxies. */
  readonly approvals: ApprovalStore;
  readonly access: Access;
  readonly objects: ClusterObjects;
  /** Creates, stops and deletes Thread resources. */
  readonly kube: KubeApi;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: ApiMetrics;
}

/** The same, with what the routes share. */
export interface RouteParts extends ApiParts {
  readonly config: ApiConfig;
  readonly waiting: Waiting;
}

export interface ApiEnv {
  Bindings: HttpBindings;
  Variables: { requestId: string; caller: Caller };
}

export type Api = OpenAPIHono<ApiEnv>;

/** @throws ApiProblem for instances and node proxies */
export function personOf(context: Context<ApiEnv>): Person {
  const caller = context.get("caller");
  if (caller.kind === "person") return caller;
  throw new ApiProblem("access.denied", "this is for people", { rule: "people.only", hint: "the contract of instances is below /v1/instance" });
}

/** @throws ApiProblem for everybody else */
export function instanceOf(context: Context<ApiEnv>): Instance {
  const caller = context.get("caller");
  if (caller.kind === "instance") return caller;
  throw new ApiProblem("access.denied", "this is for instances of agents", { rule: "instances.only", hint: "call https://weir.internal from inside the pod" });
}

/** Who is counted for limits: one name for each person, instance and node proxy. */
export function callerKey(caller: Caller): string {
  if (caller.kind === "person") return `person ${caller.name}`;
  return caller.kind === "node" ? `node ${caller.node}` : `instance ${caller.podUid}`;
}

import type { Agent } from "../../client/client.ts";
import { age } from "../age.ts";
import type { Io } from "../io.ts";
import { printFacts, printTable } from "../table.ts";
import { conditionOf, type SeenAgent, type SeenCondition } from "./resources.ts";

/** Agents, one a line. */
export function printAgents(agents: readonly SeenAgent[], isEveryNamespace: boolean, io: Io, nowMs: number): void {
  const headings = ["NAME", "READY", "REASON", "INSTANCES", "THREADS", "POLICIES", "GRANTS", "BUDGETS", "AGE"];
  const rows = agents.map(({ metadata, spec, status }) => {
    const ready = conditionOf({ status }, "Ready");
    return [
      metadata.name, ready?.status ?? "Unknown", ready?.reason ?? "Pending", String(status.instances), String(status.threads),
      names(spec.policies), names(spec.grants), names(spec.budgets), age(metadata.creationTimestamp, nowMs),
    ];
  });
  if (!isEveryNamespace) return printTable(headings, rows, io);
  printTable(["NAMESPACE", ...headings], rows.map((row, index) => [agents[index]?.metadata.namespace ?? "", ...row]), io);
}

/** Agents as the controller tells them to whoever may open threads on them. */
export function printOpenableAgents(agents: readonly Agent[], io: Io): void {
  printTable(["NAME", "POLICIES", "GRANTS", "BUDGETS", "MCP SERVERS", "SPAWNS"], agents.map((agent) => [
    agent.name, names(agent.policies), names(agent.grants), names(agent.budgets), names(agent.mcpServers), names(agent.spawns.map((right) => right.agent)),
  ]), io);
}

/** One agent: what it is, what it and its servers hold, and what is so and why. */
export function printAgent({ metadata, spec, status }: SeenAgent, io: Io, nowMs: number): void {
  printFacts([
    ["name", `${metadata.namespace}/${metadata.name}`], ["image", spec.image ?? "none: an identity for pods that others create"],
    ["policies", names(spec.policies)], ["grants", names(spec.grants)], ["budgets", names(spec.budgets)], ["idle after", spec.idleTimeout || "5m"],
    ["instances", `${status.instances} of ${status.threads} threads`], ["age", age(metadata.creationTimestamp, nowMs)],
  ], io);
  if (spec.mcpServers.length > 0) {
    io.out("");
    printTable(
      ["MCP SERVER", "POLICIES", "GRANTS", "BUDGETS"],
      spec.mcpServers.map((server) => [server.name, names(server.policies), names(server.grants), names(server.budgets)]), io,
    );
  }
  io.out("");
  printConditions(status.conditions, io, nowMs);
}

export function printConditions(conditions: readonly SeenCondition[], io: Io, nowMs: number): void {
  if (conditions.length === 0) return io.out("No controller has looked at it yet: see `weir doctor --cluster`.");
  printTable(
    ["CONDITION", "STATUS", "FOR", "REASON", "MESSAGE"],
    conditions.map(({ type, status, lastTransitionTime, reason, message }) => [type, status, age(lastTransitionTime, nowMs), reason, message]), io,
  );
}

const names = (list: readonly string[]): string => (list.length === 0 ? "-" : list.join(","));

import { budgets } from "./dashboards/budgets.ts";
import { spend } from "./dashboards/spend.ts";
import { threads } from "./dashboards/threads.ts";
import { traffic } from "./dashboards/traffic.ts";
import type { Dashboard } from "./panels.ts";

/** File name below files/dashboards/ and what is in it. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = { "traffic.json": traffic, "spend.json": spend, "budgets.json": budgets, "threads.json": threads };

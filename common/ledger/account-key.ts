import type { MeterName } from "../meters.ts";
import type { AccountSpec, Window } from "./account.ts";

export const SCOPES = ["all", "namespace", "user", "agent", "thread"] as const;
/** Who shares a count: everybody who is charged to it, or each namespace, user, agent or thread has one of its own. */
export type Scope = (typeof SCOPES)[number];

/** What is in the key of an account. `shared` says who: nothing (`all`), namespace, user, namespace and agent, or namespace, agent and thread. */
export interface AccountName {
  readonly budget: string;
  readonly meter: MeterName;
  readonly window: Window;
  readonly scope: Scope;
  readonly shared: readonly string[];
}

const PARTS: Readonly<Record<Scope, number>> = { all: 0, namespace: 1, user: 1, agent: 2, thread: 3 };

/** JSON, because every part may hold any separator. Meter and window are in it: a count of other things is another count. */
export function accountKey({ budget, meter, window, scope, shared }: AccountName): string {
  return JSON.stringify([budget, meter, window, scope, ...shared]);
}

/** For people and reports. @returns null if this program has not written the key */
export function readAccountKey(key: string): AccountName | null {
  try {
    const parts: unknown = JSON.parse(key);
    if (!Array.isArray(parts) || !parts.every((part) => typeof part === "string")) return null;
    const [budget, meter, window, scope, ...shared] = parts;
    if (budget === undefined || scope === undefined || !(SCOPES as readonly string[]).includes(scope)) return null;
    const name = { budget, meter: meter as MeterName, window: window as Window, scope: scope as Scope, shared };
    return shared.length === PARTS[name.scope] && accountKey(name) === key ? name : null;
  } catch {
    return null;
  }
}

/** Whether an account is what its key says: counts are found by their keys, so that another budget, meter or window beside it would be a lie. */
export function isOfItsKey({ key, budget, meter, window }: Pick<AccountSpec, "key" | "budget" | "meter" | "window">): boolean {
  const name = readAccountKey(key);
  return name !== null && name.budget === budget && name.meter === meter && name.window === window;
}

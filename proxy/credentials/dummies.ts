import { dummyFor } from "../../common/dummy-keys.ts";
import type { DummyChoice, Grants } from "./config.ts";

export { DUMMY_SHAPES } from "../../common/dummy-keys.ts";

/** The variables that an agent's environment gets from the grants, all dummies. */
export function dummyEnvironment(grants: Grants): Readonly<Record<string, string>> {
  const entries = Object.entries(grants).flatMap(([grant, { env }]) =>
    Object.entries(env).map(([variable, choice]): [string, string] => [variable, choose(choice, grant, variable)]));
  return Object.fromEntries(entries);
}

function choose(choice: DummyChoice, grant: string, variable: string): string {
  return typeof choice === "object" ? choice.value : dummyFor(choice, grant, variable);
}

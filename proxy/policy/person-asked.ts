import type { HostEntry } from "./data.ts";

/**
 * What a proposed entry has to do with a person. `carried`: the same person has to be asked by it. `stands`: an entry asks about this very operation, under
 * conditions; a second one beside it would go past the person wherever those do not hold, so that only a change of the entry helps.
 */
export interface PersonAsked {
  readonly kind: "carried" | "stands";
  readonly rule: string;
  readonly ask: HostEntry["ask"];
}

/** The entry as it may be proposed; null where none may be. */
export function withPerson<Entry extends object>(entry: Entry, asked: PersonAsked | null): Entry | null {
  if (asked === null) return entry;
  return asked.kind === "stands" ? null : { ...entry, effect: "ask", ask: asked.ask };
}

import { DUMMY_FOLDER, dummyFor } from "../../common/dummy-keys.ts";
import type { DummyChoice, Grant, Grants } from "./config.ts";

export { DUMMY_SHAPES } from "../../common/dummy-keys.ts";

/** The variables that an agent's environment gets from the grants, all dummies. */
export function dummyEnvironment(grants: Grants): Readonly<Record<string, string>> {
  return Object.assign({}, ...Object.entries(grants).map(([grant, { env }]) => dummyVariables(grant, env))) as Record<string, string>;
}

/** The variables of one grant. @param grant its name, as the proxies know it: the same dummy is made of the same name */
export function dummyVariables(grant: string, env: Grant["env"]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).map(([variable, choice]) => [variable, choose(choice, grant, variable)]));
}

/** Texts of the files in `DUMMY_FOLDER` that variables of a grant name, by the variable, which is the file's name too. */
export function dummyFiles({ env }: Pick<Grant, "env">): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).flatMap(([variable, choice]) => (typeof choice === "object" && "file" in choice ? [[variable, choice.file]] : [])));
}

/** The dummies of one grant. Settings of a client that stand among them are none: whatever is short, or more than one word. */
export function dummiesOf(name: string, { env }: Pick<Grant, "env">): readonly string[] {
  return Object.entries(env).flatMap(([variable, choice]) => {
    if (typeof choice !== "object") return [dummyFor(choice, name, variable)];
    return "file" in choice ? keysIn(choice.file) : isKeyLike(choice.value) ? [choice.value] : [];
  });
}

/** What is surely a key among the words of a file: names of settings are as long as keys. */
function keysIn(text: string): readonly string[] {
  return (text.match(/[A-Za-z0-9_.-]{16,}/g) ?? []).filter((word) => isKeyLike(word) && (word.startsWith("eyJ") || word.includes("WEIRDUMMY")));
}

/** One word of the characters of keys, or a JWT; an address or a name of a host is none. */
function isKeyLike(text: string): boolean {
  return /^[A-Za-z0-9_:~-]{16,512}$/.test(text) || /^eyJ[\w-]{10,2048}\.[\w-]{10,4096}\.[\w-]{10,1024}$/.test(text);
}

function choose(choice: DummyChoice, grant: string, variable: string): string {
  if (typeof choice !== "object") return dummyFor(choice, grant, variable);
  return "file" in choice ? `${DUMMY_FOLDER}/${variable}` : choice.value;
}

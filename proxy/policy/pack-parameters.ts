import type { PackUse } from "./data-readings.ts";
import type { Pack, PackParameter } from "./pack-file.ts";
import { parseHostPattern } from "./patterns.ts";

/** The values of each parameter of a pack, by name. */
export type ParameterValues = ReadonlyMap<string, readonly string[]>;

/** Values of one parameter. */
const VALUES_LIMIT = 1_000;
const PLACE = /\$\{([^}]*)\}/g;
const NAME = /^(?:\*|(?!\.{1,2}$)[A-Za-z0-9._-]{1,128})$/;

/**
 * Puts values of a pack's user, or else defaults, beside the parameters. Every problem is `with.PARAMETER: …`.
 * @param used those that the level uses: the others need no value, and would be without effect
 */
export function readParameters(parameters: Pack["parameters"], given: PackUse["with"], used: ReadonlySet<string>): { readonly values: ParameterValues; readonly problems: readonly string[] } {
  const known = Object.keys(parameters).filter((name) => used.has(name));
  const problems = Object.keys(given).filter((name) => !known.includes(name))
    .map((name) => `with.${name}: no entry of this level has such a parameter; ${known.length === 0 ? "they have none" : `they have ${known.join(", ")}`}`);
  const values = new Map<string, readonly string[]>();
  for (const [name, parameter] of Object.entries(parameters).filter(([key]) => used.has(key))) {
    const own = Object.hasOwn(given, name) ? given[name] : undefined;
    const chosen = own === undefined ? parameter.default : [own].flat();
    if (chosen === undefined || chosen.length === 0) {
      problems.push(`with.${name}: must be given: ${parameter.about}${parameter.example === undefined ? "" : `, such as ${parameter.example.join(", ")}`}`);
      continue;
    }
    problems.push(...chosen.slice(0, VALUES_LIMIT).flatMap((value) => {
      const trouble = troubleOf(parameter, value);
      return trouble === null ? [] : [`with.${name}: "${value}" ${trouble}`];
    }));
    if (chosen.length > VALUES_LIMIT) problems.push(`with.${name}: there are more than ${VALUES_LIMIT} values`);
    values.set(name, chosen);
  }
  return { values, problems };
}

/** Why a value is none of its parameter's, or null. A value never gets out of the place that it is written into: no slash in a name, no dots for a segment. */
function troubleOf({ kind, segments }: PackParameter, value: string): string | null {
  switch (kind) {
    case "name": return NAME.test(value) ? null : "is not a name: letters, digits and . _ -, or * for every one";
    case "path": {
      const parts = value.split("/");
      if (!parts.every((part) => NAME.test(part))) return "is not names between slashes, such as acme/app";
      return segments === undefined || parts.length === segments ? null : `is not ${segments} names between slashes`;
    }
    case "host": return hostTrouble(value);
    case "glob": return value.includes("**") || value.includes("${") ? "holds two asterisks in a row, or ${" : null;
    case "port": return /^[1-9]\d{0,4}$/.test(value) && Number(value) <= 65_535 ? null : "is not a port";
  }
}

function hostTrouble(value: string): string | null {
  try {
    parseHostPattern(value);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Names of the parameters that a written entry uses. */
export function parametersIn(written: unknown): ReadonlySet<string> {
  if (typeof written === "string") return new Set([...written.matchAll(PLACE)].map(([, name = ""]) => name));
  if (typeof written !== "object" || written === null) return new Set();
  return new Set(Object.values(written).flatMap((below) => [...parametersIn(below)]));
}

/** How many texts a written value becomes, before anything of it is made. */
export function countTexts(written: unknown, values: ParameterValues): number {
  if (typeof written === "string") return [...parametersIn(written)].reduce((product, name) => product * (values.get(name)?.length ?? 0), 1);
  if (typeof written !== "object" || written === null) return 0;
  return Object.values(written).reduce<number>((sum, below) => sum + countTexts(below, values), 0);
}

/** One text for each value that its `${parameter}` may have. @throws Error if a parameter has no values */
export function textsOf(text: string, values: ParameterValues): readonly string[] {
  return [...parametersIn(text)].reduce<readonly string[]>((texts, name) => {
    const chosen = values.get(name) ?? [];
    if (chosen.length === 0) throw new Error(`\${${name}} has no value`);
    return texts.flatMap((each) => chosen.map((value) => each.replaceAll(`\${${name}}`, () => value)));
  }, [text]);
}

/**
 * A written value with its parameters filled in. In a list, a text becomes one for each value (`ports: ["${port}"]` a number); where a single text stands,
 * there can be one value only.
 * @throws Error saying which text cannot be filled in
 */
export function fillIn(written: unknown, values: ParameterValues): unknown {
  if (typeof written === "string") {
    const [text, ...more] = textsOf(written, values);
    if (more.length > 0) throw new Error(`${written} stands where one text is written, and there are ${more.length + 1} values`);
    return text;
  }
  if (Array.isArray(written)) return written.flatMap((item: unknown): readonly unknown[] => (typeof item === "string" ? textsOf(item, values) : [fillIn(item, values)]));
  if (typeof written !== "object" || written === null) return written;
  return Object.fromEntries(Object.entries(written).map(([key, below]) => [key, key === "ports" ? portsOf(below, values) : fillIn(below, values)]));
}

/** Parameters are texts, and ports are numbers. */
function portsOf(written: unknown, values: ParameterValues): unknown {
  const filled = fillIn(Array.isArray(written) ? written.map(String) : written, values);
  return Array.isArray(filled) ? filled.map(Number) : filled;
}

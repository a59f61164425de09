import { parseArgs } from "node:util";
import type * as z from "zod";
import { parseConfig, type Environment } from "../common/config.ts";
import { EXIT, UserError } from "../common/exit-codes.ts";

/** The settings of a program that has no file: each is a flag in kebab case; the same name in upper case behind WEIR_ is its environment variable. */
export interface Settings<Schema extends z.ZodType> {
  readonly schema: Schema;
  /** For messages. */
  readonly program: string;
  /** Keys of the schema at its top level. */
  readonly names: readonly string[];
  /** Those that are numbers. */
  readonly numeric: ReadonlySet<string>;
}

/** Flags win over the environment. @throws ConfigError for values that do not fit, UserError for a flag that there is not */
export function readSettings<Schema extends z.ZodType>(args: readonly string[], environment: Environment, { schema, program, names, numeric }: Settings<Schema>): z.output<Schema> {
  const flags = Object.fromEntries(names.map((name) => [kebab(name), { type: "string" } as const]));
  const values = readFlags(args, flags);
  const settings = names.map((name) => {
    const given = values[kebab(name)] ?? environment[`WEIR_${kebab(name).replaceAll("-", "_").toUpperCase()}`];
    return [name, given !== undefined && numeric.has(name) ? Number(given) : given];
  });
  return parseConfig(schema, program, "{}", Object.fromEntries(settings));
}

/** `nodeAddresses` as `node-addresses`: a setting as a flag. */
export function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function readFlags(args: readonly string[], options: Record<string, { type: "string" }>): Record<string, string | undefined> {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    throw new UserError((error as Error).message, `Known flags: ${Object.keys(options).map((name) => `--${name}`).join(" ")}`, EXIT.config, { cause: error });
  }
}

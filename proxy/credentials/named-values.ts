import * as z from "zod";
import { Secret } from "../../common/secret.ts";
import { SourceError, VALUE_NAMES, type Material, type ValueName } from "./secret-source.ts";

/** For stores that hold text: which fields of it, read as a JSON object, are which values. */
export const namedFields = z.partialRecord(z.enum(VALUE_NAMES), z.string().min(1).max(256)).optional()
  .describe("For an injection of several values: what is read is a JSON object, and this names the key of each value (`username`, `password`, `accessKeyId` …). Without it the whole text is the secret.");
export type NamedFields = z.output<typeof namedFields>;

/**
 * The values of a text, one for each of `fields`.
 * @param describe the store, for errors; nothing of the text goes into them
 * @throws SourceError `malformed` if the text is no JSON object or a field is no text, `missing` if a field is not there
 */
export function namedValues(text: string, fields: NonNullable<NamedFields>, describe: string): Material["values"] {
  const content = objectOf(text);
  if (content === null) throw new SourceError("malformed", `${describe} is no JSON object, which \`fields\` asks for`);
  return Object.fromEntries((Object.entries(fields) as [ValueName, string][]).map(([name, field]) => [name, textOf(content, field, describe)]));
}

function textOf(content: ReadonlyMap<string, unknown>, field: string, describe: string): Secret {
  const value = content.get(field);
  if (value === undefined) throw new SourceError("missing", `${describe} has no field ${field}`);
  if (typeof value !== "string" || value === "") throw new SourceError("malformed", `${describe} has no text in field ${field}`);
  return new Secret(value);
}

function objectOf(text: string): ReadonlyMap<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? new Map(Object.entries(parsed)) : null;
  } catch {
    // The parser's words quote the text.
    return null;
  }
}

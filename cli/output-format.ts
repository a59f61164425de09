import { InvalidArgumentError } from "commander";

export type OutputFormat = "text" | "json";

/** Parses `-o`. */
export function outputFormat(value: string): OutputFormat {
  if (value === "text" || value === "json") return value;
  throw new InvalidArgumentError(`it is "text" or "json", not "${value}".`);
}

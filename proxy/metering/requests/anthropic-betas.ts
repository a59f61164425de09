import type { HeaderList } from "../../model/request.ts";
import type { Fields } from "./fields.ts";
import type { Reading } from "./reading.ts";

/** The second is OpenRouter's. */
const HEADERS = new Set(["anthropic-beta", "x-anthropic-beta"]);
const FIELDS = ["anthropic_beta", "betas"] as const;
/** `context-1m-2025-08-07` opens a window of a million tokens (https://platform.claude.com/docs/en/build-with-claude/context-windows). */
const LONG_CONTEXT = /\bcontext-(\d{1,3})m\b/gi;
const MILLION = 1_000_000;

/**
 * The betas of Anthropic's that a request asks for, of which some open a larger window than the table knows.
 * @param body where they may be listed too; null if there is no such place
 */
export function readAnthropicBetas(reading: Reading, headers: HeaderList, body: Fields | null): void {
  const named = headers.flatMap(([name, value]) => (HEADERS.has(name) ? [value] : []));
  const listed = FIELDS.flatMap((name) => (body?.has(name) === true ? [JSON.stringify(body.get(name))] : []));
  for (const [, millions] of [...named, ...listed].join(",").matchAll(LONG_CONTEXT)) {
    reading.windowTokens = Math.max(reading.windowTokens, Number(millions) * MILLION);
  }
}

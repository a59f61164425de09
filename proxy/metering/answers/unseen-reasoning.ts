import type { ModelApi } from "../../model/metered-call.ts";

/** Models that think before they speak, by the names that their makers give them; thoughts are billed and mostly not shown. */
const THINKERS = [
  /(?:^|[/.-])(?:o\d|gpt-(?:[5-9]|\d\d)|gpt-oss|codex|gemini-(?:2\.5|[3-9])|grok-(?:[3-9]|code))/i,
  /magistral|deepseek-r|qwq|nova-2|reason|think|-r1\b/i,
];
/** APIs that show thoughts, as they are or in short: there, who thinks is seen. */
const SHOWS_THOUGHTS: ReadonlySet<ModelApi> = new Set<ModelApi>(["anthropic-messages", "bedrock-converse", "bedrock-invoke"]);

/**
 * Whether output may have been billed that nobody saw: where a stream ends without a report of its usage, what was seen of it says little then.
 * @param hasThought thoughts were seen, perhaps in short
 */
export function mayThinkUnseen(api: ModelApi, model: string, hasThought: boolean): boolean {
  return hasThought || (!SHOWS_THOUGHTS.has(api) && THINKERS.some((names) => names.test(model)));
}

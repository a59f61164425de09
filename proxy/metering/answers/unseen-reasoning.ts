import type { ModelApi } from "../../model/metered-call.ts";

/** Models that think before they speak, by the names that their makers give them; thoughts are billed and mostly not shown. */
const THINKERS = /(?:^|[/.-])(?:o\d|gpt-(?:[5-9]|\d\d)|gpt-oss|codex|gemini-(?:2\.5|[3-9])|grok-(?:[3-9]|code)|magistral|deepseek-r|qwq|nova-2)|reason|think|-r1\b/i;
/** APIs that show thoughts, as they are or in short: there, who thinks is seen. */
const SHOWS_THOUGHTS: ReadonlySet<ModelApi> = new Set<ModelApi>(["anthropic-messages", "bedrock-converse", "bedrock-invoke"]);

/**
 * Whether output may have been billed that nobody saw: of a stream that ended before its usage was reported, it is then not known how much was written.
 * @param hasThought thoughts were seen, perhaps in short
 * @param saysThoughts the provider has said in this stream how much was thought
 */
export function mayThinkUnseen(api: ModelApi, model: string, { hasThought, saysThoughts }: { readonly hasThought: boolean; readonly saysThoughts: boolean }): boolean {
  if (saysThoughts) return false;
  return hasThought || (!SHOWS_THOUGHTS.has(api) && THINKERS.test(model));
}

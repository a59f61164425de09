/**
 * The most that a model writes in one answer where nothing limits it, from the model pages of OpenAI, Google, Anthropic and AWS. Only models that are
 * known for certain: what is missing here is held at `metering.unknownOutputTokens`.
 */
const CEILINGS: readonly (readonly [model: RegExp, tokens: number])[] = [
  [/gpt-5-pro/, 272_000],
  [/gpt-5/, 128_000],
  [/gpt-4\.1/, 32_768],
  [/gpt-4o|gpt-4\.5/, 16_384],
  [/gpt-4-32k/, 32_768],
  [/gpt-4-turbo|gpt-4-vision|gpt-3\.5/, 4_096],
  [/(?:^|[/.])o[134](?:-|$)/, 100_000],
  [/gemini-(?:2\.5|3)/, 65_536],
  [/gemini-(?:1|2\.0)/, 8_192],
  [/claude-3-(?:haiku|opus|sonnet)/, 4_096],
  [/claude-3-5/, 8_192],
  [/claude-(?:3-7|(?:opus|sonnet|haiku)-[45])/, 128_000],
];

/** @returns tokens of one choice; null for a model that is not known */
export function outputCeiling(model: string): number | null {
  return CEILINGS.find(([pattern]) => pattern.test(model))?.[1] ?? null;
}

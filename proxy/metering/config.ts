import * as z from "zod";
import { MODEL_APIS } from "../model/metered-call.ts";

const perMillion = z.number().min(0).max(1_000_000);

const flatPrice = z.strictObject({
  inputPerMillion: perMillion.describe("Price of a million tokens of input, in dollars."),
  outputPerMillion: perMillion.describe("Price of a million tokens of output, in dollars."),
});

const hostName = z.string().max(253).regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "must be a host name in lower case");
const modelName = z.string().min(1).max(200);

const declaredHost = z.strictObject({
  host: hostName.describe("Name of a gateway or of models of your own."),
  port: z.number().int().min(1).max(65_535).optional().describe("Port; any where it is left out."),
  api: z.enum(MODEL_APIS).describe("API that it speaks at the paths that end as this API's do (`/chat/completions`, `/v1/messages` …)."),
  provider: z.string().max(64).regex(/^[a-z0-9][a-z0-9_-]*$/).default("custom").describe("Name for records, and where prices are looked up: `openai`, `anthropic`, or one of `pricesFile`."),
  price: z.union([flatPrice, z.literal("free")]).optional().describe("What every model of this host costs, or `free`; where it is left out, prices are looked up by provider and model."),
  injectUsage: z.boolean().default(true).describe("Whether usage is asked for in streams of `openai-chat` where the agent does not (`stream_options.include_usage`); false for servers that refuse the option."),
});
export type DeclaredHost = z.output<typeof declaredHost>;

/** How the use of language models is counted. */
export const meteringConfig = z.strictObject({
  bodyLimitBytes: z.number().int().min(1_024).max(256 * 1024 * 1024).default(32 * 1024 * 1024).describe("Largest body of a request to a model, in bytes: it is held back until it is whole, because its cost must be known before it is sent."),
  whenShort: z.enum(["clamp", "refuse"]).default("clamp").describe("What becomes of a request to a model whose worst case is more than what is left of a budget: its output is limited to what is left (`clamp`), or it is refused (`refuse`). Policy may say it for each rule."),
  leastOutputTokens: z.number().int().min(1).max(1_000_000).default(256).describe("Output that must at least be left for a request to be sent with less than it asked for, in tokens."),
  toolCalls: z.number().int().min(0).max(100).default(4).describe("Where a budget or policy limits tokens or dollars, and a request has tools that the provider runs as often as the model likes (web search of OpenAI's Responses, web search and fetch of Anthropic): how often each may run at most. It is put into the request where the request says nothing (`max_tool_calls`, `max_uses`), and lowered down to 1 where less is left. 0: such requests are refused."),
  overReport: z.enum(["believable", "ceiling", "reported"]).optional().describe("What is charged where a provider reports more than was held: what it reports, up to what the model can do at all (`believable`: its context window, or `unknownContextTokens` if that is more, each time it is asked; the most that it writes, or `unknownOutputTokens` if that is more); no more than was held (`ceiling`); or whatever is reported (`reported`). Left out: `believable` for the providers that Weir knows, whose bill is what counts, and `ceiling` for those of `metering.hosts`. In any case it is an alarm."),
  cutAnswers: z.enum(["held", "estimated"]).default("held").describe("What an answer is charged that ends early, because the agent left or the connection was lost, before the provider reported its use: all that was held for it (`held`: providers may write on unheard, and bill it), or what was seen of it (`estimated`: less is charged, and a cap may be passed by what nobody heard)."),
  answerLimitBytes: z.number().int().min(1_024).max(256 * 1024 * 1024).default(32 * 1024 * 1024).describe("Largest answer in one piece whose use is read, in bytes. A larger one passes unread and is charged as an estimate."),
  eventLimitBytes: z.number().int().min(1_024).max(64 * 1024 * 1024).default(8 * 1024 * 1024).describe("Largest event of a streamed answer, in bytes. After a larger one the stream passes unread and is charged as an estimate."),
  inputBytesPerToken: z.number().min(1).max(4).default(1).describe("Bytes of a request that are held as one token of input. No tokenizer makes more than one token of a byte, so that 1 always holds; 2 or 3 hold less of a budget back while a request is under way, and may be passed by text that is no prose."),
  stepTokens: z.number().int().min(64).max(1_000_000).default(4_096).describe("Tokens of output that are held at a time for a request that limits its output nowhere."),
  unknownOutputTokens: z.number().int().min(64).max(10_000_000).default(131_072).describe("Most output in tokens of a model that nothing limits, where the answer is not streamed, or its thoughts are not shown, and it is not known how much the model writes at most."),
  unknownContextTokens: z.number().int().min(1_024).max(100_000_000).default(2_000_000).describe("Largest input in tokens that a request may refer to (earlier responses, files, URLs) where the price table does not know the model's context window."),
  fallbackPrice: flatPrice.optional().describe("Price of models that nobody knows. Without it they are refused wherever money is limited."),
  pricesFile: z.string().min(1).optional().describe("Path of a JSON file with prices that go before the built-in table: a list of providers in the form of @pydantic/genai-prices."),
  aliases: z.record(modelName, modelName).default({}).describe("Models by the names that deployments, gateways and inference profiles give them: `{\"my-deployment\": \"gpt-5.5\"}`."),
  subscriptions: z.array(z.string().min(1).max(253)).max(256).default([]).describe("Grants whose calls are paid by a subscription: tokens count, money does not. Grants that lend an OAuth token of a plan belong here."),
  hosts: z.array(declaredHost).max(256).default([]).describe("Gateways and models of your own whose use counts too."),
});
export type MeteringConfig = z.output<typeof meteringConfig>;

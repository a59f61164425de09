import type { UnreadOfModel } from "../../model/readings.ts";
import type { HeaderList } from "../../model/request.ts";
import type { Fields } from "./fields.ts";

const BOTH = ["models", "tools"] as const;

/**
 * Fields that name something stored at the provider, or leave something to it, and what that may bring beside the request. An earlier answer
 * (`previous_response_id`) is not among them: its tools are not taken over, and what it has of a conversation came through the same rules.
 */
const BRINGING: Readonly<Record<string, readonly UnreadOfModel[]>> = {
  // Of OpenAI, of Azure's and Mistral's agents, of Bedrock's prompts.
  prompt: BOTH, agent: BOTH, agent_reference: BOTH, agent_id: BOTH, assistant_id: BOTH, promptVariables: BOTH, multi_agent: BOTH,
  conversation: ["tools"], thread: ["tools"], cachedContent: ["tools"],
  // Of gateways, and what they pass on unread.
  preset: BOTH, extra_body: BOTH, google: BOTH, fallbacks: ["models"], compound_custom: ["models"],
};
/** Text that a model goes on with, in bodies of older models. */
const TEXT_TOO = new Set(["prompt"]);
const STORED_MODEL = /@preset\/|:prompt\//i;
const MODEL_HEADER = "x-ms-spillover-deployment";

/**
 * What policy cannot read of a request because something brings it that the request only names.
 * @param models that it names @param areModelsRead true where the API's list of models in place of one was read
 */
export function unreadParts(body: Fields, headers: HeaderList, { models, areModelsRead }: { readonly models: readonly string[]; readonly areModelsRead: boolean }): readonly UnreadOfModel[] {
  const named = Object.entries(BRINGING).filter(([field]) => body.has(field) && body.get(field) !== false && !(TEXT_TOO.has(field) && typeof body.get(field) === "string"));
  const found = new Set(named.flatMap(([, parts]) => parts));
  if (models.some((model) => STORED_MODEL.test(model))) for (const part of BOTH) found.add(part);
  if ((body.has("models") && !areModelsRead) || headers.some(([name]) => name === MODEL_HEADER)) found.add("models");
  return BOTH.filter((part) => found.has(part));
}

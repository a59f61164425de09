import { objectsOf, type Fields } from "./fields.ts";
import { readHostedTool } from "./hosted-tools.ts";
import { refuseFields, type Reading } from "./reading.ts";

/** What leaves it to OpenRouter who answers, and at which price (https://openrouter.ai/docs/features/provider-routing). */
const ROUTING: Readonly<Record<string, string>> = {
  provider: "chooses among servers with other prices",
  route: "chooses among models with other prices",
  plugins: "adds work that has a price of its own",
  transforms: "changes the prompt",
  preset: "may bring a model, tools and limits that are not in the request",
  fallbacks: "may have another model answer",
};
/** A model of OpenRouter's own, a preset (`@preset/x`, also after a model), or a suffix beyond those that cost no more. */
const ROUTED_MODEL = /^~?openrouter\/|@preset\/|:(?!(?:free|floor|extended|thinking|beta)$)/i;
/** Short for the plugin `web` (https://openrouter.ai/docs/features/web-search). */
const SEARCHING_MODEL = /:online$/i;
/** Chooses the model that answers. */
const ROUTER = /^~?openrouter\//i;

/** What OpenRouter takes beside the fields of the API that a request speaks: `models` may answer in the place of `model`. */
export function readOpenRouter(body: Fields, reading: Reading): void {
  for (const other of body.list("models")) reading.model(typeof other === "string" ? other : null);
  for (const plugin of objectsOf(body.list("plugins"))) {
    reading.toolNames.push(`plugin:${plugin.text("id") ?? ""}`);
    readHostedTool(plugin, "plugin", reading);
  }
  if (reading.models.some((model) => SEARCHING_MODEL.test(model))) reading.toolNames.push("plugin:web");
  if (reading.models.some((model) => ROUTER.test(model))) reading.leaves("model");
  refuseFields(body, ROUTING, reading);
  if (reading.models.some((model) => ROUTED_MODEL.test(model))) {
    reading.unbound("model", "leaves it to OpenRouter what answers, and at which price", "Name a model without such a suffix.");
  }
}

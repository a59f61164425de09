import { RECIPES } from "./recipes.ts";

/**
 * A grant with what its recipe says filled in, for the schema to judge: what the grant says itself wins. `bind` and `inject` are filled in field
 * by field (another `inject.type` than the recipe's stands for itself), `env` is taken or replaced as a whole. Anything else is returned as it is:
 * what is wrong with it is the schema's to say. Expanding twice is the same as once.
 */
export function withRecipe(value: unknown): unknown {
  if (!isMapping(value) || typeof value["use"] !== "string" || !Object.hasOwn(RECIPES, value["use"])) return value;
  const recipe = RECIPES[value["use"]];
  if (recipe === undefined) return value;
  const { inject, bind, env } = value;
  return {
    ...value,
    inject: isMapping(inject) && isOfType(inject["type"], recipe.inject["type"]) ? { ...recipe.inject, ...inject } : inject ?? recipe.inject,
    bind: isMapping(bind) ? { ...recipe.bind, ...bind } : bind ?? recipe.bind,
    env: env ?? recipe.env,
  };
}

/** Left out in a grant, it is the recipe's; left out in a recipe, it is a header (injection-config.ts). */
const isOfType = (given: unknown, recipes: unknown): boolean => given === undefined || given === (recipes ?? "header");

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

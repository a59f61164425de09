import { describe, expect, test } from "vitest";
import { Fields } from "../../../../../proxy/metering/requests/fields.ts";
import { unreadParts } from "../../../../../proxy/metering/requests/stored-parts.ts";

const unread = (body: object, headers: readonly (readonly [string, string])[] = [], areModelsRead = false) => {
  const { model } = body as { readonly model?: string };
  return unreadParts(Fields.of(body, "cached_content" in body), headers, { models: [model ?? "gpt-5"], areModelsRead });
};

describe("what something stored may bring is told to policy", () => {
  test.each([
    ["a stored prompt", { prompt: { id: "pmpt_1" } }, ["models", "tools"]],
    ["an agent", { agent: { name: "a" } }, ["models", "tools"]],
    ["variables of a prompt", { promptVariables: { a: { text: "b" } } }, ["models", "tools"]],
    ["a preset", { preset: "mine" }, ["models", "tools"]],
    ["a preset behind the model", { model: "openai/gpt-5@preset/mine" }, ["models", "tools"]],
    ["a prompt in the place of the model", { model: "arn:aws:bedrock:eu-west-1:1:prompt/P" }, ["models", "tools"]],
    ["a conversation", { conversation: "conv_1" }, ["tools"]],
    ["cached content", { cached_content: "cachedContents/1" }, ["tools"]],
    ["models in reserve", { fallbacks: ["o3"] }, ["models"]],
    ["other models", { models: ["o3"] }, ["models"]],
  ])("%s", (_what, body, expected) => {
    expect(unread(body)).toEqual(expected);
  });

  test("another deployment, by a field of the head", () => {
    expect(unread({}, [["x-ms-spillover-deployment", "big"]])).toEqual(["models"]);
  });

  test.each([
    ["what says all there is", { model: "gpt-5", input: "a", tools: [] }], ["an earlier answer", { previous_response_id: "resp_1" }],
    ["a prompt that is a text", { prompt: "Once" }], ["what is switched off", { prompt: null, fallbacks: false }],
  ])("nothing by %s", (_what, body) => {
    expect(unread(body)).toEqual([]);
  });

  test("nothing by a list of models that was read", () => {
    expect(unread({ models: ["a/b"] }, [], true)).toEqual([]);
  });
});

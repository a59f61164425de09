import { describe, expect, test } from "vitest";
import { ANTHROPIC, OPENAI_CHAT, OPENAI_RESPONSES, readModelRequest as read } from "../../../../support/model-requests.ts";

const responses = { model: "gpt-5.4", max_output_tokens: 16, input: "hello" };
const bringing = (type: string, tools: readonly object[]) => ({ ...responses, input: [{ type, call_id: "c", tools }] });
const namespace = (...tools: readonly object[]) => ({ type: "namespace", name: "crm", tools });
const search = { type: "web_search" };
const mine = { type: "function", name: "f" };
const sent = (body: Buffer | null) => (body === null ? null : JSON.parse(body.toString()) as unknown);

describe("tools of the provider's are found wherever a request of OpenAI's may hold tools", () => {
  test.each<readonly [string, object]>([
    ["the result of a search for tools", bringing("tool_search_output", [search])],
    ["tools that an item adds", bringing("additional_tools", [search])],
    ["an item that nobody knows", bringing("more_tools", [search])],
    ["a namespace", { ...responses, tools: [namespace(mine, search)] }],
    ["a namespace in a namespace in an item", bringing("tool_search_output", [namespace(namespace(search))])],
  ])("in %s, and limited", async (_name, body) => {
    const call = await read(OPENAI_RESPONSES, body);
    expect(call.unbounded).toMatchObject({ rule: "metering.unbounded", reason: expect.stringContaining("`tools`") });
    const bounded = call.bounded();
    expect(bounded.unbounded).toBeNull();
    expect(sent(bounded.body)).toEqual({ ...body, max_tool_calls: 4 });
  });

  test.each([bringing("additional_tools", [{ type: "code_interpreter" }]), bringing("tool_search_output", [namespace({ type: "mcp" })]), { ...responses, input: { type: "additional_tools", tools: [{ type: "mcp" }] } }])("and refused where nothing limits them: %j", async (body) => {
    expect((await read(OPENAI_RESPONSES, body)).bounded().unbounded?.reason).toContain("whose price is not known before");
  });

  test.each([bringing("tool_search_output", [mine, namespace(mine)]), bringing("additional_tools", [{ type: "custom", name: "exec" }, { type: "tool_search", execution: "client" }]), { ...responses, tools: [namespace(mine)] }])("what the agent itself runs is all text: %j", async (body) => {
    const call = await read(OPENAI_RESPONSES, body);
    expect(call.unbounded).toBeNull();
    expect(call.worstCase["input-tokens"]).toBeLessThan(5_000n);
    expect(call.bounded().body).toBeNull();
  });

  test("what a server of tools has is told, not brought", async () => {
    const call = await read(OPENAI_RESPONSES, bringing("mcp_list_tools", [{ name: "t", input_schema: {} }]));
    expect(call.unbounded).toBeNull();
  });
});

describe("and in messages of other APIs", () => {
  const chat = (message: object) => ({ model: "gpt-5.5", messages: [{ role: "system", content: "x", ...message }] });
  const claude = (...content: readonly object[]) => ({ model: "claude-opus-5", max_tokens: 100, messages: [{ role: "user", content: "x" }, { role: "system", content }] });
  const adding = (definition: object) => ({ type: "tool_addition", tool: { type: "tool_definition", definition } });

  test.each<readonly [string, object]>([
    [OPENAI_CHAT, chat({ tools: [{ type: "builtin_function", function: { name: "$web_search" } }] })],
    [OPENAI_CHAT, { ...chat({}), tools: [{ google_search: {} }] }],
    [ANTHROPIC, claude(adding({ type: "web_search_20250305", name: "web_search", max_uses: 2 }))],
    [ANTHROPIC, claude(adding({ type: "mcp_toolset", mcp_server_name: "s" }))],
    [ANTHROPIC, claude({ type: "compaction", content: "x", tool_changes: [adding({ type: "code_execution_20250825", name: "c" })] })],
  ])("what the provider runs is refused: %s %j", async (url, body) => {
    expect((await read(url, body)).bounded().unbounded).toMatchObject({ rule: "metering.unbounded" });
  });

  test.each<readonly [string, object]>([
    [OPENAI_CHAT, chat({ tools: [{ type: "function", function: { name: "f" } }, { function: { name: "g" } }] })],
    [ANTHROPIC, claude(adding({ name: "mine", input_schema: {} }), { type: "tool_addition", tool: { type: "tool_reference", tool_name: "mine" } }, { type: "tool_removal", tool: { type: "tool_reference", tool_name: "mine" } })],
    [ANTHROPIC, claude(adding({ type: "bash_20250124", name: "bash" }))],
  ])("what the agent runs is not: %s %j", async (url, body) => {
    expect((await read(url, body)).unbounded).toBeNull();
  });
});

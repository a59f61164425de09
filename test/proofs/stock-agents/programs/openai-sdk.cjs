// An agent's turn with the official OpenAI library for Node: Responses API, streaming, with one tool.
const { execFileSync } = require("node:child_process");
const OpenAI = require("openai").default;

const tools = [{ type: "function", name: "run_command", description: "Runs a command.", strict: true,
  parameters: { type: "object", properties: { command: { type: "string" } }, required: ["command"], additionalProperties: false } }];
const input = [{ role: "user", content: process.argv[2] }];

async function main() {
  const client = new OpenAI({ maxRetries: 0 });
  for (;;) {
    const stream = await client.responses.create({ model: "gpt-6.1-sol", stream: true, store: false, tools, input });
    const calls = [];
    for await (const event of stream) {
      if (event.type === "response.output_text.delta") process.stdout.write(event.delta);
      if (event.type === "response.output_item.done") input.push(event.item);
      if (event.type === "response.output_item.done" && event.item.type === "function_call") calls.push(event.item);
    }
    if (calls.length === 0) return;
    for (const call of calls) {
      const output = execFileSync("sh", ["-c", JSON.parse(call.arguments).command], { encoding: "utf8" });
      input.push({ type: "function_call_output", call_id: call.call_id, output });
    }
  }
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});

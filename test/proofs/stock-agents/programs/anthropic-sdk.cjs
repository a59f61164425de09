// An agent's turn with the official Anthropic library for Node: streaming, with one tool.
const { execFileSync } = require("node:child_process");
const Anthropic = require("@anthropic-ai/sdk").default;

const tools = [{ name: "run_command", description: "Runs a command.", input_schema: { type: "object", properties: { command: { type: "string" } }, required: ["command"] } }];
const messages = [{ role: "user", content: process.argv[2] }];

async function main() {
  const client = new Anthropic({ maxRetries: 0 });
  for (;;) {
    const stream = client.messages.stream({ model: "claude-opus-5-5", max_tokens: 1024, tools, messages });
    stream.on("text", (text) => { process.stdout.write(text); });
    const message = await stream.finalMessage();
    messages.push({ role: "assistant", content: message.content });
    if (message.stop_reason !== "tool_use") return;
    const calls = message.content.filter((block) => block.type === "tool_use");
    messages.push({ role: "user", content: calls.map((call) => ({ type: "tool_result", tool_use_id: call.id, content: execFileSync("sh", ["-c", call.input.command], { encoding: "utf8" }) })) });
  }
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});

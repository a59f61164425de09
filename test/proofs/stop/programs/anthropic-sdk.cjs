// The official Anthropic library for Node with its usual retries: calls until one is refused, waits for a word, and calls once more.
const Anthropic = require("@anthropic-ai/sdk").default;
const { repeat } = require("./repeat.cjs");

const client = new Anthropic();
const asked = { model: "claude-haiku-4-5", max_tokens: 50, messages: [{ role: "user", content: "Count." }] };

void repeat(async () => {
  const message = process.argv[2] === "stream" ? await client.messages.stream(asked).finalMessage() : await client.messages.create(asked);
  return message.content[0].text;
});

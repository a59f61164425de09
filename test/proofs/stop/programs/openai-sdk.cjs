// The official OpenAI library for Node with its usual retries: calls until one is refused, waits for a word, and calls once more.
const OpenAI = require("openai").default;
const { repeat } = require("./repeat.cjs");

const client = new OpenAI();
const isStream = process.argv[2] === "stream";

void repeat(async () => {
  const answer = await client.chat.completions.create({ model: "gpt-4o-mini", max_completion_tokens: 50, messages: [{ role: "user", content: "Count." }], stream: isStream });
  if (!isStream) return answer.choices[0].message.content;
  let text = "";
  for await (const { choices: [choice] } of answer) text += choice?.delta.content ?? "";
  return text;
});

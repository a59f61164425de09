// The same with the Responses API.
const OpenAI = require("openai").default;
const { repeat } = require("./repeat.cjs");

const client = new OpenAI();
const isStream = process.argv[2] === "stream";

void repeat(async () => {
  const answer = await client.responses.create({ model: "gpt-4o-mini", max_output_tokens: 50, input: "Count.", stream: isStream });
  if (!isStream) return answer.output_text;
  let text = "";
  for await (const event of answer) if (event.type === "response.output_text.delta") text += event.delta;
  return text;
});

// A server of tools beside the agent: tells what its own rights let it reach.
import { createServer } from "node:http";
import { env } from "node:process";

// As the first process of its container it gets no signal that it does not ask for.
process.once("SIGTERM", () => { process.exit(); });

async function statusOf(url) {
  try {
    return (await fetch(url)).status;
  } catch (error) {
    return String(error.cause?.code ?? error);
  }
}

async function answer(response) {
  response.end(JSON.stringify({ docs: await statusOf("https://docs.github.com/manual"), repository: await statusOf("https://api.github.com/repos/weir/tools") }));
}

createServer((request, response) => { void answer(response); }).listen(env.MCP_PORT, "127.0.0.1");

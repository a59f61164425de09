import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { ExampleStand, NAMESPACE, START_LIMIT_MS, type RunningInstance } from "../../support/examples/example-stand.ts";
import { eventually } from "../../support/whole-proxy.ts";

const KEY = "sk-ant-canary-of-the-stock-agent";
/** A tool of nobody: asks the model's API by the variables that the tool's own container has, and prints what it says. */
const ASKING_TOOL = `
const { text } = require("node:stream/consumers");
const { env } = require("node:process");
(async () => {
  const prompt = await text(process.stdin);
  const headers = { "x-api-key": env.ANTHROPIC_API_KEY, "content-type": "application/json" };
  const response = await fetch("https://api.anthropic.com/v1/messages", { method: "POST", headers, body: JSON.stringify({ prompt }) });
  console.log((await response.json()).text);
})();`;

let stand: ExampleStand;
beforeAll(async () => {
  stand = await ExampleStand.start({
    example: "cli-agent", secrets: { model: { key: KEY } },
    services: { "api.anthropic.com": ({ body }) => ({ body: { text: `You said: ${(JSON.parse(body) as { prompt: string }).prompt}` } }) },
  });
}, START_LIMIT_MS);
afterAll(async () => { await stand?.stop(); });

/** The agent with another command, and a message for it. */
async function begin(command: readonly string[], message: string): Promise<{ readonly thread: string; readonly instance: RunningInstance }> {
  const agent = await stand.api.cluster.get(TYPES.agents, { namespace: NAMESPACE, name: "assistant" });
  await stand.api.cluster.replace(TYPES.agents, { ...agent!, spec: { ...agent!["spec"] as object, args: command } });
  const thread = await stand.openThread("assistant", message);
  return { thread, instance: await stand.startInstance(thread) };
}

async function ask(command: readonly string[], message: string): Promise<string> {
  const { thread, instance } = await begin(command, message);
  const [answer = ""] = await stand.answers(thread);
  await instance.stop();
  return answer;
}

describe("examples/cli-agent", () => {
  test("turns messages into prompts of a stock command, and what it prints into answers", async () => {
    expect(await ask(["tr", "a-z", "A-Z"], "say it\nlouder — ü")).toBe("SAY IT\nLOUDER — ü");
  });

  test("gives a prompt as an argument where the command wants that, one argument whatever is in it", async () => {
    expect(await ask(["printf", "%s", "{prompt}"], "a b; $(id) 'c'")).toBe("a b; $(id) 'c'");
  });

  test("lets the command use a key that it does not have: its variable holds one that looks right", async () => {
    expect(await ask(["node", "-e", ASKING_TOOL], "hello")).toBe("You said: hello");
    const { environment } = stand.instances.at(-1)!;
    expect(environment["ANTHROPIC_API_KEY"]).toMatch(/^sk-ant-api03-/);
    expect(stand.services.get("api.anthropic.com")?.requests.at(-1)?.headers["x-api-key"]).toBe(KEY);
    expect(JSON.stringify(environment)).not.toContain(KEY);
  });

  test.each([
    ["fails", ["sh", "-c", "echo no model >&2; exit 3"], /^sh failed \(3\)\.\nno model/],
    ["does not exist", ["no-such-tool"], /^no-such-tool failed \(ENOENT\)/],
    ["prints nothing", ["true"], /^\(The command printed nothing\.\)$/],
    ["prints what is no text", ["printf", "a\\0b\\377"], /^ab\uFFFD$/],
  ])("answers when the command %s", async (_what, command, answer) => {
    expect(await ask(command, "do it")).toMatch(answer);
  });

  test("cuts what is longer than a message may be, at a whole character", async () => {
    const answer = await ask(["node", "-e", "console.log('ü'.repeat(200_000))"], "do it");
    expect(Buffer.byteLength(answer)).toBeLessThanOrEqual(256 << 10);
    expect(answer).toMatch(/^ü+\n\(The rest is cut off\.\)$/);
  });

  test("that is stopped during a turn leaves it to the next instance", async () => {
    const folder = await mkdtemp(join(tmpdir(), "weir-turn-"));
    const started = join(folder, "started");
    const { thread, instance } = await begin(["sh", "-c", 'touch "$0"; exec sleep 60', started], "take your time");
    await eventually("the turn has begun", () => existsSync(started));
    expect(await instance.stop()).toBe(0);
    expect((await stand.messages(thread)).map(({ body, acknowledgedAt }) => [body, acknowledgedAt])).toEqual([["take your time", null]]);
    await rm(folder, { recursive: true });
  });
});

import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { trustEnvironment } from "../../../common/trust.ts";
import { read } from "../../structure/repository.ts";
import { ExampleStand, START_LIMIT_MS, type RunningInstance } from "../../support/examples/example-stand.ts";

const PAGE = read("docs/in-pod-contract.md");
/** Commands of the page, and the answers that the page shows below them. */
const STEPS = [...PAGE.matchAll(/```sh\n([\s\S]*?)```\s+```json\n([\s\S]*?)```/g)].map(([, command = "", answer = ""]) => ({ command, answers: valuesIn(answer) }));
const BORDER = "---- next ----";

let stand: ExampleStand;
let instance: RunningInstance;
let folder: string | undefined;
beforeAll(async () => {
  stand = await ExampleStand.start({ example: "playbook", secrets: {}, services: {} });
  instance = await stand.startInstance(await stand.openThread("service-runner", "billing"), { program: null });
  folder = await mkdtemp(join(tmpdir(), "weir-contract-"));
  await writeFile(join(folder, ".curlrc"), `connect-to = "weir.internal:443:127.0.0.1:${instance.ports["weir.internal:443"]}"\n`);
}, START_LIMIT_MS);
afterAll(async () => {
  await stand?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** What a value is made of: names, kinds, and whether there is anything; not what it says. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== "object" || value === null) return value === null ? null : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shapeOf(each)]));
}

describe("docs/in-pod-contract.md", () => {
  test("shows commands that a container can run as they stand, and what they answer", async () => {
    const script = STEPS.map(({ command }) => command).join(`\necho '${BORDER}'\n`);
    const env = { ...instance.environment, CURL_HOME: folder ?? "", HOME: folder ?? "" };
    const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], { env, cwd: folder, timeout: 25_000 });
    const answers = stdout.split(BORDER).map(valuesIn);
    expect(STEPS.length).toBeGreaterThan(8);
    expect(answers.map(shapeOf)).toEqual(STEPS.map((step) => shapeOf(step.answers)));
    expect(answers.at(-1)).toEqual([{ ...STEPS.at(-1)?.answers[0] as object, request_id: expect.any(String) as string }]);
    expect(await stand.answers(instance.thread)).toEqual(["billing is healthy"]);
  });

  test("names every variable that an instance is given", () => {
    const trust = Object.keys(trustEnvironment("/weir/trust"));
    const own = Object.keys(instance.environment).filter((name) => !trust.includes(name) && !["PATH", "NODE_OPTIONS"].includes(name));
    expect(own.length).toBeGreaterThan(2);
    expect(own.filter((name) => !PAGE.includes(`\`${name}\``))).toEqual([]);
  });

  test("names every path of the contract, and no other", () => {
    const { paths } = JSON.parse(read("docs/api/openapi.json")) as { paths: Record<string, object> };
    const contract = Object.keys(paths).filter((path) => path.startsWith("/v1/instance")).map((path) => path.replaceAll(/\{\w+\}/g, "*"));
    const shown = [...PAGE.matchAll(/\$WEIR_API(\/v1\/instance[^"?\s]*)/g)].map(([, path = ""]) => path.replaceAll(/\$\w+/g, "*"));
    expect(new Set(shown)).toEqual(new Set(contract));
  });
});

/** JSON texts one after another. */
function valuesIn(text: string): unknown[] {
  return JSON.parse(execFileSync("jq", ["--slurp", "."], { input: text, encoding: "utf8" })) as unknown[];
}

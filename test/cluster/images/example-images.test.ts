import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildExampleImages, EXAMPLE_NAMES, exampleArchive, exampleReference, type ExampleName } from "../../../scripts/build-example-images.ts";
import { filesUnder, read } from "../../structure/repository.ts";
import { openImage, type OpenImage } from "../../support/image-container.ts";

const canRun = process.getuid?.() === 0 && ["/usr/bin/buildah", "/usr/sbin/runc"].every((tool) => existsSync(tool));
if (!canRun) process.stderr.write("images of the examples: they need root, buildah and runc; skipped\n");

/** Four layers of Node are packed and unpacked. */
const BUILD_LIMIT_MS = 300_000;

/** Every program of the image; what each imports is loaded with it, if it is one that ends. */
const PROGRAMS: Readonly<Record<ExampleName, readonly string[]>> = {
  "agent": ["/app/agent.mjs"], "cli-agent": ["/app/wrapper.mjs"],
  "service-runner": ["/app/service-runner/runner.mjs", "/app/service-runner/job.mjs", "/app/weir.mjs"], "notifier": ["/app/notifier/notifier.mjs", "/app/weir.mjs"],
};

test("the manifests name images that are built, and every built image is named by one", () => {
  const named = ["agent", "cli-agent", "playbook"].flatMap((folder) => filesUnder(`examples/${folder}/manifests`, ".yaml")).flatMap((path) => /^ {2}image: (.+)$/m.exec(read(path))?.[1] ?? []);
  expect(new Set(named.map((image) => `docker.io/library/${image}`))).toEqual(new Set(EXAMPLE_NAMES.map(exampleReference)));
});

describe.skipIf(!canRun)("images of the examples, built without a registry", () => {
  const open = new Map<ExampleName, OpenImage>();
  beforeAll(() => {
    buildExampleImages(() => undefined);
    for (const name of EXAMPLE_NAMES) open.set(name, openImage(exampleArchive(name)));
  }, BUILD_LIMIT_MS);
  afterAll(() => { for (const image of open.values()) image.close(); });

  test.each(EXAMPLE_NAMES)("%s runs as nobody in particular, and has its programs", (name) => {
    const image = open.get(name)!;
    expect(image.config.User).toBe("65532:65532");
    for (const program of PROGRAMS[name]) expect(image.run(["--check", program], ["/usr/local/bin/node"])).toEqual({ exitCode: 0, output: "" });
  });

  test("the job starts on a read-only root, and says what it wants", () => {
    expect(open.get("service-runner")?.run(["/app/service-runner/job.mjs"], ["/usr/local/bin/node"])).toEqual({ exitCode: 1, output: "send the name of one service\n" });
  });

  test("the wrapper says what it is missing", () => {
    expect(open.get("cli-agent")?.run([])).toMatchObject({ exitCode: 1, output: expect.stringContaining("Call it with the command that answers prompts") as string });
  });
});

import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../common/config.ts";
import { findOpa } from "../../../proxy/policy/opa.ts";
import { doStep, isAsShown, readGuide } from "../../support/guide.ts";

const CHECKOUT = fileURLToPath(new URL("../../..", import.meta.url));
const environment = readEnvironment();
const opa = await findOpa(environment);
const steps = readGuide(await readFile(join(CHECKOUT, "policies/README.md"), "utf8"));

describe.skipIf(opa === null)("policies/README.md (its Rego needs `opa`)", () => {
  let folder: string;
  let home: string;
  beforeAll(async () => {
    [folder, home] = [await mkdtemp(join(tmpdir(), "weir-guide-")), await mkdtemp(join(tmpdir(), "weir-guide-home-"))];
    await mkdir(join(home, "bin"));
    const program = join(home, "bin/weir");
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${join(CHECKOUT, "cli/weir.ts")}' "$@"\n`);
    await chmod(program, 0o755);
  });
  afterAll(async () => { for (const path of [folder, home]) await rm(path, { recursive: true, force: true }); });

  test("shows commands and outputs as they are, from its first line to its last", async () => {
    const its = { ...environment, HOME: home, PATH: `${join(home, "bin")}:${environment["PATH"] ?? ""}`, WEIR_OPA: opa?.path, NO_COLOR: "1" };
    const different: object[] = [];
    for (const step of steps) {
      const said = await doStep(step, folder, its);
      if (step.kind === "command" && !isAsShown(step.shown, said)) different.push({ command: step.command, shown: step.shown, said });
    }
    expect(different).toEqual([]);
    expect(steps.filter(({ kind }) => kind === "command").length).toBeGreaterThan(25);
  }, 240_000);
});

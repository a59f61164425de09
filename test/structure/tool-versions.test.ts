import { describe, expect, test } from "vitest";
import { GO_TOOLS, type GoTool } from "../../tools/kubernetes.ts";
import { read } from "./repository.ts";

describe("the tools that tests build", () => {
  test.each(Object.entries<GoTool>(GO_TOOLS))("%s has the version and the programs that its go.mod pins", (name, { version, module, programs }) => {
    const goMod = read(`tools/${name}/go.mod`);
    const lines = goMod.split("\n").map((line) => line.replace(/^(require|tool)\s/, "").replace("// indirect", "").trim());
    expect(lines).toContain(`${module} v${version}`);
    for (const path of Object.values(programs)) expect(lines).toContain(path);
  });
});

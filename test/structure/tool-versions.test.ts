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

describe("the stock agents that a proof installs", () => {
  test("are pinned to one version each, and every package of them by hash, from no place in particular", () => {
    const { dependencies } = JSON.parse(read("tools/agents/package.json")) as { readonly dependencies: Readonly<Record<string, string>> };
    const { packages } = JSON.parse(read("tools/agents/package-lock.json")) as { readonly packages: Readonly<Record<string, { readonly integrity?: string; readonly resolved?: string }>> };
    expect(Object.values(dependencies).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    const loose = Object.entries(packages).filter(([path, { integrity, resolved }]) => path !== "" && !(integrity?.startsWith("sha512-") === true && resolved === undefined));
    expect(loose.map(([path]) => path)).toEqual([]);
  });

  test("come with Python libraries of which each names its hashes", () => {
    const requirements = read("tools/agents/requirements.txt").replaceAll("\\\n", "").split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    expect(requirements.length).toBeGreaterThan(3);
    expect(requirements.filter((line) => !/^[a-z0-9-]+==\S+\s+(--hash=sha256:[0-9a-f]{64}\s*)+$/.test(line))).toEqual([]);
  });
});

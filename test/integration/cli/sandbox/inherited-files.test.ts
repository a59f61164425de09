import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** cli/sandbox/inherited-files.ts in a process that got a folder from its caller, as the stage of a sandbox may. */

const MODULE = fileURLToPath(new URL("../../../../cli/sandbox/inherited-files.ts", import.meta.url));
/** Node itself closes the first sixteen on exec; this one is beyond them. */
const INHERITED_FD = 40;
const LIST = 'for fd in /proc/self/fd/*; do readlink "$fd"; done';

/** @returns the files that a child of the process sees open */
async function seenByChild(calls: string): Promise<string[]> {
  const program = `
    import { spawnSync } from "node:child_process";
    import { closeInheritedFiles } from ${JSON.stringify(MODULE)};
    ${calls}
    spawnSync("sh", ["-c", ${JSON.stringify(LIST)}], { stdio: "inherit" });`;
  const folder = openSync(tmpdir(), "r");
  const stdio: ("ignore" | "pipe" | "inherit" | number)[] = ["ignore", "pipe", "inherit"];
  for (let fd = 3; fd < INHERITED_FD; fd += 1) stdio[fd] = "ignore";
  stdio[INHERITED_FD] = folder;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio });
  closeSync(folder);
  let output = "";
  for await (const chunk of child.stdout ?? []) output += String(chunk);
  return output.split("\n");
}

test("a folder that the caller left open is not passed on", async () => {
  expect(await seenByChild("closeInheritedFiles(3);")).not.toContain(tmpdir());
});

test("without that it would be: the test can see it", async () => {
  expect(await seenByChild("")).toContain(tmpdir());
});

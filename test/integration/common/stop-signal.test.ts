import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

/** common/stop-signal.ts in a process of its own, because signals belong to a process. */

const MODULE = fileURLToPath(new URL("../../../common/stop-signal.ts", import.meta.url));
const PROGRAM = `
import { untilStopSignal } from ${JSON.stringify(MODULE)};
setInterval(() => {}, 1000);
const stopped = untilStopSignal(() => { console.log("reload"); });
console.log("ready");
await stopped;
console.log("stopping");`;

let program: ChildProcess;
let output: string;
beforeEach(async () => {
  output = "";
  program = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM], { stdio: ["ignore", "pipe", "inherit"] });
  program.stdout?.on("data", (chunk: Buffer) => { output += chunk.toString(); });
  if (program.stdout !== null) await once(program.stdout, "data");
});
afterEach(() => { program.kill("SIGKILL"); });

test("SIGHUP reloads each time and stops nothing", async () => {
  program.kill("SIGHUP");
  await expect.poll(() => output).toBe("ready\nreload\n");
  program.kill("SIGHUP");
  await expect.poll(() => output).toBe("ready\nreload\nreload\n");
  expect(program.exitCode).toBeNull();
});

test.each([["SIGTERM", 143], ["SIGINT", 130]] as const)("the first %s begins the stop, a second one ends the program with %i", async (name, code) => {
  program.kill(name);
  await expect.poll(() => output).toBe("ready\nstopping\n");
  expect(program.exitCode).toBeNull();
  program.kill(name);
  expect(await once(program, "exit")).toEqual([code, null]);
});

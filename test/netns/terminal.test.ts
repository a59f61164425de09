import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LAB_ENVIRONMENT } from "./lab/namespaces.ts";
import { SandboxLab } from "./lab/sandbox-lab.ts";

const path = (name: string) => fileURLToPath(new URL(`lab/${name}`, import.meta.url));
const CTRL_C = "\u0003";
const CTRL_Z = "\u001a";

type Step = readonly [waitFor: string, type: string];

describe("sandbox on a terminal", () => {
  let lab: SandboxLab;
  beforeAll(async () => { lab = await SandboxLab.open(); });
  afterAll(async () => { await lab.close(); });

  const inSandbox = (...command: string[]) => [process.execPath, path("terminal-program.ts"), lab.folder, lab.home, ...command];
  const session = (command: readonly string[], steps: readonly Step[]) =>
    execFileSync("python3", [path("terminal.py"), JSON.stringify(steps), ...command], { encoding: "utf8", env: LAB_ENVIRONMENT, timeout: 60_000 });

  test("Ctrl-C is for the command, and its handler decides", () => {
    const shown = session(inSandbox("sh", "-c", "trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 0.05; done"), [["ready", CTRL_C]]);
    expect(shown.match(/interrupted/g)).toHaveLength(1);
    expect(shown).toMatch(/exit 5\n$/);
  });

  test("Ctrl-C ends a command that does not handle it with 130", () => {
    expect(session(inSandbox("sh", "-c", "echo ready; exec sleep 100"), [["ready", CTRL_C]])).toMatch(/exit 130\n$/);
  });

  test("a shell inside has job control", () => {
    // Quotes inside of words: what is waited for must not be found in the echo of what was typed.
    // And a job that waits without children: Ctrl-Z in the instant of a fork is lost now and then, on any terminal.
    const job = `sh -c 'trap "echo resu""med" CONT; echo st""arted; while :; do read line; done'\n`;
    const shown = session(inSandbox("bash", "--norc", "-i"), [["bash", job], ["started", CTRL_Z], ["Stopped", "fg\n"], ["resumed", CTRL_C], ["bash", "exit 3\n"]]);
    expect(shown).toContain("Stopped");
    expect(shown).toMatch(/exit 3\n$/);
  });

  test("a shell outside can stop and continue the whole of it", () => {
    const command = inSandbox("sh", "-c", "echo st\"\"arted; read line; echo fin\"\"ished").map((word) => `'${word}'`).join(" ");
    // The shell names the command when it has stopped it and once more when it goes on: only then is the terminal the command's again.
    const steps: Step[] = [["bash", `${command}\n`], ["started", CTRL_Z], ["Stopped", ""], ["terminal-program", "fg\n"], ["terminal-program", "\n"], ["finished", "exit 4\n"]];
    const shown = session(["bash", "--norc", "-i"], steps);
    expect(shown).toMatch(/exit 4\n$/);
  });

  test("the command cannot type into the terminal that it runs on", () => {
    const inject = "import fcntl, termios\ntry:\n  fcntl.ioctl(0, termios.TIOCSTI, b'x')\n  print('typed')\nexcept OSError as e:\n  print(e)";
    expect(session(inSandbox("python3", "-c", inject), [])).toContain("Operation not permitted");
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");
/** A command that writes until it is told to end, and then cleans up. */
const WITH_CLEANING_UP = `
  import { openIo } from "${ROOT}/cli/io.ts";
  const io = openIo({});
  const writing = setInterval(() => { io.out("line"); }, 1);
  process.once("SIGTERM", () => { setTimeout(() => { clearInterval(writing); io.err("cleaned up"); }, 50); });
`;

/** @param isRead whether anybody reads the results */
async function run(args: readonly string[], isRead: boolean) {
  const child = spawn(process.execPath, [...args], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  if (!isRead) child.stdout.destroy();
  const [[code], out, err] = await Promise.all([once(child, "exit"), isRead ? text(child.stdout) : "", text(child.stderr)]);
  return { code: code as number | null, out, err };
}

describe("a command whose results nobody reads any more", () => {
  test.each([["policy", "packs"], ["--help"], ["policy", "replay", "--help"]])("weir %s %s ends quietly, as other tools of the command line do", async (...args) => {
    expect(await run(["cli/weir.ts", ...args], false)).toEqual({ code: 141, out: "", err: "" });
  });

  test("says all and succeeds where somebody does; defaults are shown as people write them", async () => {
    const { code, out, err } = await run(["cli/weir.ts", "policy", "suggest", "--help"], true);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("(default: 1h)");
    expect(out).not.toMatch(/\d{10}/);
  });

  test("cleans up first, where it has something to clean up", async () => {
    expect(await run(["--input-type=module", "-e", WITH_CLEANING_UP], false)).toEqual({ code: 0, out: "", err: "cleaned up\n" });
  });
});

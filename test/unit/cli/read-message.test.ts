import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { readMessage, type Input } from "../../../cli/read-message.ts";

const piped = (...chunks: (string | Buffer)[]): Input => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
const terminal = (): Input => Object.assign(piped(), { isTTY: true });
const LIMIT = 256 << 10;

describe("the message of a command", () => {
  test("is its argument, as it is", async () => {
    expect(await readMessage(" two\nlines\n", terminal())).toBe(" two\nlines\n");
  });

  test.each([[undefined], ["-"]])("is standard input for %j, without the pipe's last line break", async (argument) => {
    expect(await readMessage(argument, piped("one\ntw", "o\n\n"))).toBe("one\ntwo\n");
  });

  test("is not waited for at a terminal", async () => {
    await expect(readMessage(undefined, terminal())).rejects.toMatchObject({ message: "there is no message", exitCode: 2 });
  });

  test.each([["", "empty"], [" \n", "empty"]])("is refused if it is %j", async (text, why) => {
    await expect(readMessage(undefined, piped(text))).rejects.toThrow(why);
    await expect(readMessage(text, terminal())).rejects.toThrow(why);
  });

  test("may be as long as the controller takes it, and no longer", async () => {
    expect(await readMessage(undefined, piped("x".repeat(LIMIT)))).toHaveLength(LIMIT);
    await expect(readMessage(undefined, piped("x".repeat(LIMIT), "x"))).rejects.toThrow("longer than 256 KiB");
    await expect(readMessage("x".repeat(LIMIT + 1), terminal())).rejects.toThrow("longer than 256 KiB");
  });

  test("is text", async () => {
    await expect(readMessage(undefined, piped(Buffer.from([0xff, 0xfe])))).rejects.toThrow("not UTF-8 text");
  });
});

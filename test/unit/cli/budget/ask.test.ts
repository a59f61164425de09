import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { askAt } from "../../../../cli/budget/ask.ts";

const stream = (isTTY: boolean) => Object.assign(new PassThrough(), { isTTY });

test("a person at a terminal is asked, and answers with a line", async () => {
  const [input, output] = [stream(true), stream(true)];
  let said = "";
  output.on("data", (chunk: Buffer) => { said += chunk.toString(); });
  const answer = askAt(input, output)("Why? ");
  input.write("  release night \n");
  expect(await answer).toBe("release night");
  await expect.poll(() => said).toContain("Why? ");
});

test.each([[false, true], [true, false]])("nobody is asked where nobody can answer: a pipe is no terminal (%s, %s)", async (isInput, isOutput) => {
  expect(await askAt(stream(isInput), stream(isOutput))("Why? ")).toBeNull();
});

import { describe, expect, test } from "vitest";
import { filesUnder, linesMatching, PRODUCT } from "./repository.ts";

const product = PRODUCT.flatMap((folder) => filesUnder(folder, ".ts"));
const tests = filesUnder("test", ".ts").filter((path) => !path.startsWith("test/structure/"));

/** What the linter has no rule for. Each ban says why, so that nobody has to ask. */
const BANS: readonly { readonly what: string; readonly pattern: RegExp; readonly where: readonly string[]; readonly why: string }[] = [
  {
    what: "a wait for a fixed time", pattern: /new Promise.*setTimeout\(\s*(resolve|done|r)\b/, where: [...product, ...tests],
    why: "it is a guess about the machine: wait for the event, with a deadline",
  },
  {
    // Not `time.sleep`: a Python script that plays an agent may be slow on purpose, and waits between two looks as `expect.poll` does here.
    what: "a sleep in a test", pattern: /(?<!time\.)\b(sleep|delay)\(\d/, where: tests.filter((path) => !path.startsWith("test/proofs/")),
    why: "it is slow on good days and wrong on bad ones: wait for the outcome",
  },
  {
    what: "a test that runs alone", pattern: /\b(test|it|describe)\.only\(/, where: filesUnder("test", ".ts"),
    why: "it leaves all others out",
  },
  {
    what: "upstream TLS without verification", pattern: /rejectUnauthorized:\s*false|NODE_TLS_REJECT_UNAUTHORIZED/, where: product,
    why: "upstream TLS is always verified (SECURITY.md)",
  },
  {
    what: "evaluation of text as code", pattern: /\beval\(|new Function\(/, where: product,
    why: "nothing that flows may become code",
  },
  {
    what: "a shell", pattern: /\bexec(Sync)?\(|shell:\s*true/, where: product,
    why: "arguments must reach a command as they are: spawn it with a list",
  },
  {
    what: "a name that says nothing", pattern: /\b(class|interface)\s+\w*(Manager|Helper|Util|Utils)\b/, where: product,
    why: "it hides what the thing is for (CONTRIBUTING.md)",
  },
];

describe("banned", () => {
  test.each(BANS)("$what: $why", ({ pattern, where, why }) => {
    expect(linesMatching(where, pattern).filter((line) => !/\.exec\(/.test(line)).map((line) => `${line}   <- ${why}`)).toEqual([]);
  });
});

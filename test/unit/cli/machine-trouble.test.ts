import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { machineTrouble } from "../../../cli/machine-trouble.ts";

test("a full disk is told apart from a fault of the program", () => {
  let error: unknown;
  try {
    writeFileSync("/dev/full", "x");
  } catch (caught) {
    error = caught;
  }
  expect(machineTrouble(error)).toContain("disk is full");
});

test.each([new Error("ENOSPC"), Object.assign(new Error("x"), { code: "ENOSPC" }), Object.assign(new Error("x"), { code: "constructor", syscall: "open" }), null])("%o is a fault of the program", (error) => {
  expect(machineTrouble(error)).toBeNull();
});

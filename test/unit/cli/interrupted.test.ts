import { expect, test } from "vitest";
import { untilInterrupted } from "../../../cli/interrupted.ts";

test.each(["SIGINT", "SIGTERM"] as const)("aborts at the first %s, and leaves a second to the system", (name) => {
  const before = new Set(process.listeners(name));
  const signal = untilInterrupted();
  const added = process.listeners(name).filter((listener) => !before.has(listener));
  expect(added).toHaveLength(1);
  expect(signal.aborted).toBe(false);
  process.emit(name);
  expect(signal.aborted).toBe(true);
  expect(process.listeners(name).filter((listener) => !before.has(listener))).toEqual([]);
});

import { expect, test } from "vitest";
import { nearNames } from "../../../common/near-names.ts";

const NAMES = ["team-a", "team-b", "finance", "agents.daily"];

test("a slip of the finger finds the name that was meant first", () => {
  expect(nearNames("taem-a", NAMES)[0]).toBe("team-a");
  expect(nearNames("finanse", NAMES)).toEqual(["finance"]);
});

test("a part of a name finds the whole", () => {
  expect(nearNames("daily", NAMES)).toEqual(["agents.daily"]);
});

test("what is like nothing finds nothing", () => {
  expect(nearNames("zzzzzzzz", NAMES)).toEqual([]);
  expect(nearNames("a", ["max_read_bytes", "paths"])).toEqual([]);
});

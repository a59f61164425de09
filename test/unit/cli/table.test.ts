import { expect, test } from "vitest";
import { printFacts, printTable } from "../../../cli/table.ts";
import { recordingIo } from "../../support/cli.ts";

test("columns are as wide as their widest cell, and lines end with their text", () => {
  const io = recordingIo();
  printTable(["NAME", "N"], [["a", "1"], ["longer", "22"], ["b", ""]], io);
  expect(io.said().out.split("\n")).toEqual(["NAME    N", "a       1", "longer  22", "b"]);
});

test("a cell of others cannot break out of its line", () => {
  const io = recordingIo();
  printTable(["NAME"], [["a\nb\u001b[2J"]], io);
  expect(io.said().out.split("\n")).toEqual(["NAME", "a?b?[2J"]);
});

test("facts stand below each other", () => {
  const io = recordingIo();
  printFacts([["name", "x"], ["image of it", "y\u0007"]], io);
  expect(io.said().out.split("\n")).toEqual(["name:        x", "image of it: y?"]);
});

test("a fact that a terminal has no room for goes on below its beginning, never at the left edge", () => {
  const io = { ...recordingIo(), columns: 30 };
  printFacts([["Id", "1"], ["Asks for", `GET ${"a".repeat(30)}`]], io);
  expect(io.said().out.split("\n")).toEqual(["Id:       1", `Asks for: GET ${"a".repeat(16)}`, `          ${"a".repeat(14)}`]);
});

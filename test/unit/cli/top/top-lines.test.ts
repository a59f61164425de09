import { expect, test } from "vitest";
import { topJson, topPage } from "../../../../cli/top/top-lines.ts";
import type { TopRow } from "../../../../cli/top/rates.ts";

const row = (over: Partial<TopRow> = {}): TopRow => ({
  agent: "local/writer", thread: "t1", model: "gpt-x", requests: 12, refusals: 3, tokens: 4_000, nanoUsd: 1_234_500_001n, open: 2,
  requestsPerSecond: 1.25, tokensPerSecond: 250.4, usdPerHour: 3.456, ...over,
});

test("a line says who, how fast, how much and with which model; what was spent is rounded up", () => {
  const { summary, headings, lines } = topPage([row()], [], 200);
  expect(headings.split(/ +/)).toEqual(["AGENT", "THREAD", "REQ/S", "TOK/S", "USD/H", "SPENT", "TOKENS", "REQUESTS", "REFUSED", "OPEN", "MODEL"]);
  expect(lines[0]?.split(/ +/)).toEqual(["local/writer", "t1", "1.3", "250", "3.46", "$1.2346", "4000", "12", "3", "2", "gpt-x"]);
  expect(summary).toBe("1 active · 1.3 requests/s · 250 tokens/s · $3.46 an hour · $1.2346 since the proxies started");
});

test("what is not known is a dash, and one nano-dollar is not nothing", () => {
  expect(topPage([row({ thread: null, open: null, model: "", nanoUsd: 1n })], [], 200).lines[0]?.split(/ +/)).toMatchObject({ 1: "-", 5: "$0.0001", 9: "-", 10: "-" });
});

test("no line is wider than the terminal, and what others chose cannot steer it", () => {
  const { summary, headings, lines, notes } = topPage([row({ model: "\u001b[2Jx".repeat(40) })], ["node-1: no answer"], 40);
  for (const line of [summary, headings, ...lines, ...notes]) expect(line.length).toBeLessThanOrEqual(40);
  expect(lines.join("")).not.toContain("\u001b");
  expect(notes).toEqual(["not heard: node-1: no answer"]);
});

test("JSON has money as exact text", () => {
  expect(topJson([row()], [])).toMatchObject({ rows: [{ thread: "t1", nanoUsd: "1234500001", tokens: "4000", usdPerHour: 3.456 }] });
});

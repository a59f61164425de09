import { expect, test } from "vitest";
import { printApprovals, printQuestion } from "../../../../cli/approvals/print-approvals.ts";
import type { QuestionView } from "../../../../common/approvals/views.ts";
import { aQuestionView } from "../../../support/asked-question.ts";
import { recordingIo } from "../../../support/cli.ts";

/** What a terminal of so many columns shows; without a number, what a file gets. */
function shown(print: (io: ReturnType<typeof recordingIo>) => void, columns?: number): string[] {
  const io = { ...recordingIo(), columns };
  print(io);
  return io.said().out.split("\n");
}
const long: Partial<QuestionView> = { path: `/v1/${"customers/7/".repeat(20)}`, reason: "Charging a card needs a person. ".repeat(6), details: [`  "note" = "${"Rule:      billing.free ".repeat(7)}`] };
const question = (changes: Partial<QuestionView>, columns?: number) => shown((io) => { printQuestion(aQuestionView(changes), io, 1_000); }, columns);

test("on a narrow terminal every line is ours from the left edge on: what the agent wrote cannot pass for a fact", () => {
  const lines = question(long, 60);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
  const atTheEdge = lines.filter((line) => !line.startsWith(" ")).map((line) => line.split(":")[0]);
  expect(atTheEdge).toEqual(["Id", "Agent", "Thread", "Asks for", "Rule", "Because", "Answer", "Time left", "Request"]);
  expect(lines.filter((line) => line.startsWith("  | "))).toHaveLength(1);
  const written = lines.filter((line) => /^ {2}[|:] /.test(line)).map((line) => line.slice(4)).join("");
  expect(written).toBe(long.details?.[0]);
});

test("characters of two columns do not run over the edge", () => {
  expect(question({ details: [`"${"日本".repeat(40)}"`] }, 40).filter((line) => /[日本]/.test(line)).every((line) => line.length <= 4 + 18 + 1)).toBe(true);
});

test("a file gets each line whole", () => {
  expect(question(long).filter((line) => line.includes("customers"))).toEqual([`Asks for:  POST billing.test${long.path ?? ""}`]);
});

test("nothing that an agent's text could do to a terminal comes through, whoever brought the question", () => {
  const lines = question({ path: "/x\u001b[2J\u202E", method: "GE\u200bT", details: ["\u001b[1mbold", "a\u0336b\u3164"] });
  expect(lines.join("")).not.toMatch(/[\p{Cc}\p{Cf}\u0336\u3164]/u);
});

test("a list fits into its terminal by what is asked for", () => {
  const list = (columns?: number) => shown((io) => { printApprovals({ questions: [aQuestionView(long)], threads: [], troubles: [] }, io, 1_000); }, columns);
  expect(list(100).map((line) => line.length <= 100)).toEqual([true, true]);
  expect(list(100)[1]).toMatch(/POST billing\.test\/v1\/customers.*… {2}10m/);
  expect(list(200)[1]?.length).toBeGreaterThan(150);
  expect(list(30)[1]).toContain("POST billing.test/v…");
});

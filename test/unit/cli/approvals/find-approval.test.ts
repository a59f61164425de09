import { expect, test } from "vitest";
import { findApproval } from "../../../../cli/approvals/find-approval.ts";
import { EXIT } from "../../../../common/exit-codes.ts";

const ALL = [{ id: "apr-aaa111" }, { id: "apr-aaa222" }, { id: "apr-bbb333" }];

test("the beginning of an id is enough, with or without what all ids begin with", () => {
  expect(findApproval("apr-b", ALL, "question")).toBe(ALL[2]);
  expect(findApproval("aaa2", ALL, "question")).toBe(ALL[1]);
});

test("one that means several is not guessed, and one that means none says where to look", () => {
  expect(() => findApproval("aaa", ALL, "question")).toThrow(expect.objectContaining({ exitCode: EXIT.usage }) as Error);
  expect(() => findApproval("\u001b[2Jzzz", ALL, "question")).toThrow(/there is no question \?\[2Jzzz/);
});

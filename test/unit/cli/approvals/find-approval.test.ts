import { expect, test } from "vitest";
import { findApproval } from "../../../../cli/approvals/find-approval.ts";
import { EXIT } from "../../../../common/exit-codes.ts";

const ALL = [{ id: "apr-aaa111" }, { id: "apr-aaa222" }, { id: "apr-bbb333" }];
const found = (typed: string, troubles: readonly string[] = []) => findApproval(typed, ALL, { what: "question", troubles });

test("the beginning of an id is enough, with or without what all ids begin with", () => {
  expect(found("apr-bbb3")).toBe(ALL[2]);
  expect(found("aaa2")).toBe(ALL[1]);
});

test("one that means several is not guessed, and one that means none says where to look", () => {
  expect(() => findApproval("aaa1", [...ALL, { id: "apr-aaa112" }], { what: "question", troubles: [] })).toThrow(expect.objectContaining({ exitCode: EXIT.usage }) as Error);
  expect(() => found("\u001b[2Jzzz")).toThrow(/there is no question \?\[2Jzzz/);
});

test.each(["", "apr-", "b", "apr-bbb"])("%j is too little, even where it could mean one only: a variable of a shell that is not set allows nothing", (typed) => {
  expect(() => found(typed)).toThrow(expect.objectContaining({ exitCode: EXIT.usage, message: expect.stringContaining("too little of an id") as string }) as Error);
});

test("one that only a proxy without an answer may know is not said to be gone", () => {
  expect(() => found("zzz9", ["process 7: no answer"])).toThrow(expect.objectContaining({ exitCode: EXIT.unavailable, message: expect.stringContaining("process 7: no answer") as string }) as Error);
});

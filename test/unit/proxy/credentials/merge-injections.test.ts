import { describe, expect, test } from "vitest";
import { aLoan, aMaterial } from "../../../support/injections.ts";

const value = aMaterial({ value: "s3cret" });
const keys = aMaterial({ accessKeyId: "AKIAREAL", secretAccessKey: "real" });
const sigv4 = [{ type: "aws-sigv4", regions: ["*"], services: ["s3"] }, keys] as const;
const header = (name = "authorization") => [{ header: name }, value] as const;
const filled = (...headers: string[]) => [{ type: "placeholder", in: ["header"], headers, placeholder: "DUMMY-0123456789" }, value] as const;
const talking = [{ type: "placeholder", in: ["websocket"], placeholder: "DUMMY-0123456789" }, value] as const;

describe("grants that are lent together", () => {
  test("are refused if two of them want one place", () => {
    for (const [one, other, place] of [
      [header(), header(), "authorization"], [header(), [{ type: "git" }, value], "authorization"], [header(), sigv4, "authorization"], [filled("authorization"), sigv4, "authorization"],
      [header("x-token"), filled("x-token"), "x-token"], [[{ type: "query", parameter: "key" }, value], [{ type: "query", parameter: "KEY" }, value], "?key"],
      [[{ type: "query", parameter: "api.key" }, value], [{ type: "query", parameter: "Api_key" }, value], "?api_key"],
      [[{ type: "cookie", name: "a" }, value], [{ type: "cookie", name: "b" }, value], "cookie"], [talking, talking, "WebSocket"],
    ] as const) {
      expect(() => aLoan([one, other]), place).toThrow(expect.objectContaining({ code: "credential.unavailable", message: expect.stringContaining(place) }));
    }
  });

  test("are one loan if they want different ones", () => {
    const loan = aLoan([header("x-a"), header("x-b"), [{ type: "query", parameter: "key" }, value], sigv4, filled("x-c")]);
    expect(loan.headers.map(([name]) => name)).toEqual(["x-a", "x-b"]);
    expect(loan.finish.map(({ order }) => order)).toEqual(["place", "sign"]);
    expect(loan.secrets).toHaveLength(5);
  });

  test("let the agent ask for a part of an answer only if none of them sends a secret as it is", () => {
    expect(aLoan([sigv4]).toleratesRange).toBe(true);
    expect(aLoan([sigv4, header("x-a")]).toleratesRange).toBe(false);
  });

  test("keep those auth fields from being stripped that a last touch answers for, and only those", () => {
    expect(aLoan([header("x-a")]).strip).toEqual(expect.arrayContaining(["authorization", "cookie", "x-api-key", "x-a"]));
    expect(aLoan([sigv4]).strip).not.toContain("authorization");
    expect(aLoan([sigv4]).strip).toEqual(expect.arrayContaining(["cookie", "x-amz-security-token"]));
  });
});

import { describe, expect, test } from "vitest";
import { ERROR_TABLE, EgressError, type ErrorCode } from "../../../../../proxy/errors.ts";
import { loginError } from "../../../../../proxy/connection/postgres/server-error.ts";
import { errorFields } from "../../../../../proxy/connection/postgres/tell-client.ts";

describe("a refusal for a database client", () => {
  test("says the rule, the reason and the hint", () => {
    const error = new EgressError("policy.denied", "detail", { explanation: { rule: "db.app", reason: "not this database", hint: "ask" } });
    expect(errorFields(error, "c1")).toEqual({ sqlState: "28000", message: "denied by the boundary: not this database", detail: "Rule db.app. Weir request c1.", hint: "ask" });
  });

  test("never says the detail of a failure", () => {
    const error = new EgressError("upstream.untrusted", "CANARY", { cause: new Error("CANARY") });
    expect(errorFields(error, "c1")).toEqual({ sqlState: "08006", message: `failed by the boundary: ${ERROR_TABLE["upstream.untrusted"].says}`, detail: "Weir request c1.", hint: "" });
  });

  test.each(Object.keys(ERROR_TABLE) as ErrorCode[])("has a SQLSTATE for %s", (code) => {
    expect(errorFields(new EgressError(code, ""), "c1").sqlState).toMatch(/^[0-9A-Z]{5}$/);
  });
});

describe("an error of a server before a session", () => {
  const body = (code: string) => Buffer.from(`SFATAL\0C${code}\0MCANARY\0\0`);

  test.each([["3D000", "3D000"], ["53300", "53300"], ["57P03", "57P03"], ["28P01", "57P03"], ["28000", "57P03"], ["XX000", "08006"], ["x';--", "08006"], ["3D0000", "08006"]])("with %s is told as %s, in our words", (code, told) => {
    const fields = errorFields(loginError(body(code)), "c1");
    expect(fields.sqlState).toBe(told);
    expect(JSON.stringify(fields)).not.toContain("CANARY");
  });

  test("that has no fields is one all the same", () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from("C"), Buffer.from("\0\0\0")]) expect(loginError(bytes)).toMatchObject({ code: "upstream.aborted" });
  });
});

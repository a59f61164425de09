import { describe, expect, test } from "vitest";
import { INSTANCE_HEADER } from "../../../../common/labels.ts";
import { Secret } from "../../../../common/secret.ts";
import { NO_LOAN, type Loan } from "../../../../proxy/model/loan.ts";
import { withInstance } from "../../../../proxy/credentials/instance-header.ts";
import { AN_AGENT } from "../../../support/credentials.ts";

const POD = { ...AN_AGENT, namespace: "agents", pod: "weir-t7", instance: "u1" };
const LOAN: Loan = { ...NO_LOAN, headers: [["authorization", new Secret("Bearer t")]], strip: ["authorization"], references: ["weir.internal@identity#1"], secrets: [new Secret("t")] };
const said = (loan: Loan): unknown => JSON.parse(Buffer.from(loan.headers.find(([name]) => name === INSTANCE_HEADER)?.[1].reveal() ?? "", "base64url").toString());

describe("the instance header", () => {
  test("says which pod asks, beside the loan that it is added to", () => {
    const loan = withInstance(LOAN, POD);
    expect(said(loan)).toEqual({ namespace: "agents", pod: "weir-t7", uid: "u1" });
    expect(loan.headers.map(([name]) => name)).toEqual(["authorization", INSTANCE_HEADER]);
    expect(loan.strip).toEqual(["authorization", INSTANCE_HEADER]);
  });

  test("says which container asks, if that one has an identity of its own", () => {
    expect(said(withInstance(LOAN, { ...POD, instance: "u1/search" }))).toEqual({ namespace: "agents", pod: "weir-t7", uid: "u1", container: "search" });
  });

  test("leaves the loan, which all agents share, as it was", () => {
    withInstance(LOAN, POD);
    expect(LOAN.headers).toHaveLength(1);
  });

  test("is made for nobody who is no pod's", () => {
    expect(() => withInstance(LOAN, AN_AGENT)).toThrow(expect.objectContaining({ code: "credential.unavailable" }));
  });
});

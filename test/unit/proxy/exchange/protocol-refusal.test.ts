import { describe, expect, test } from "vitest";
import { EgressError } from "../../../../proxy/errors.ts";
import { inProtocolWords } from "../../../../proxy/exchange/protocol-refusal.ts";
import type { BodyReadings } from "../../../../proxy/model/readings.ts";
import type { RequestHead } from "../../../../proxy/model/request.ts";
import { readGit } from "../../../../proxy/readings/git.ts";
import { readGrpc } from "../../../../proxy/readings/grpc.ts";
import { requestHead } from "../../../support/request-head.ts";

const readings = { ofHead: (head: RequestHead) => ({ ...(readGit(head) === null ? {} : { git: readGit(head)! }), ...(readGrpc(head) === null ? {} : { grpc: readGrpc(head)! }) }) };
const denied = (reason = "pushing is not allowed") => new EgressError("policy.denied", "an internal detail", { explanation: { rule: "git.write", reason, hint: "ask for it" } });
const say = (head: RequestHead, error = denied(), parts?: readonly BodyReadings[]) => {
  const said = inProtocolWords({ head, exchangeId: "c1.1", read: parts === undefined ? null : { body: { report: {}, parts } } }, error, readings);
  return said === null ? null : { ...said, text: said.body.toString(), fields: Object.fromEntries(said.headers) };
};

describe("a refusal is said in the client's protocol", () => {
  test("to git as text that it prints, line by line", () => {
    expect(say(requestHead("POST", "/o/r.git/git-receive-pack"), denied("no\r\nreally not"))).toMatchObject({
      status: 403, fields: { "content-type": "text/plain; charset=utf-8" }, text: "no really not\nask for it\n(policy.denied, rule git.write, request c1.1)\n",
    });
  });

  test.each([[denied(), "7"], [new EgressError("policy.unavailable", "x"), "14"], [new EgressError("budget.exhausted", "x"), "8"], [new EgressError("upstream.timeout", "x"), "4"], [new EgressError("internal", "x"), "13"], [new EgressError("request.malformed", "x"), "3"]])("to gRPC in the head alone: %s is %s", (error, code) => {
    const said = say(requestHead("POST", "/a.B/C", [["content-type", "application/grpc-web+proto"]]), error);
    expect(said).toMatchObject({ status: 200, text: "", fields: { "content-type": "application/grpc-web+proto", "grpc-status": code } });
    expect(said?.fields["grpc-message"]).toContain(error.code);
  });

  test("with a message that is safe in a field: percent-encoded, and cut", () => {
    const message = say(requestHead("POST", "/a.B/C", [["content-type", "application/grpc"]]), denied(`100 % é\n${"x".repeat(5_000)}`))!.fields["grpc-message"]!;
    expect(message).toMatch(/^100 %25 %C3%A9 x+$/);
    expect(message.length).toBeLessThan(1_100);
  });

  test("to GraphQL as errors with our own fields, one for each operation", () => {
    const graphql = { type: "mutation", name: null, fields: ["a"] } as const;
    const said = say(requestHead("POST", "/graphql"), denied(), [{ graphql }]);
    expect(said).toMatchObject({ status: 403, fields: { "content-type": "application/json" } });
    expect(JSON.parse(said!.text)).toEqual({ errors: [{ message: expect.stringContaining("pushing is not allowed ask for it (policy.denied, rule git.write"), extensions: { code: "POLICY_DENIED", error: "policy.denied", rule: "git.write", reason: "pushing is not allowed", hint: "ask for it", request_id: "c1.1" } }] });
    const two = say(requestHead("POST", "/graphql", [["accept", "application/graphql-response+json, application/json"]]), denied(), [{ graphql }, { graphql }])!;
    expect([two.fields["content-type"], JSON.parse(two.text).length]).toEqual(["application/graphql-response+json", 2]);
  });

  test("never with a detail of ours", () => {
    for (const head of [requestHead("POST", "/o/r.git/git-receive-pack"), requestHead("POST", "/a.B/C", [["content-type", "application/grpc"]])]) {
      expect(JSON.stringify(say(head))).not.toContain("internal detail");
    }
  });

  test("and in no other words to others", () => {
    expect(say(requestHead("POST", "/x"))).toBeNull();
    expect(say(requestHead("POST", "/x"), denied(), [{ json: {} }])).toBeNull();
    expect(say(requestHead("POST", "/o%2Fr.git/git-receive-pack")), "what is not clear is in our words").toBeNull();
  });
});

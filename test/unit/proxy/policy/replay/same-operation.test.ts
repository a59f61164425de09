import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { globsMeet, isSameOperation, type Operation } from "../../../../../proxy/policy/replay/same-operation.ts";

const post = { methods: ["POST"], paths: ["/charges"] };

describe("an entry that asks and one that is proposed", () => {
  test.each<[string, Operation, Operation]>([
    ["the same method and path", post, post],
    ["every method", { ...post, methods: ["*"] }, post],
    ["a path in another case, with a slash, a parameter or a format", { ...post, paths: ["/Charges"] }, { ...post, paths: ["/charges/;v=1", "/charges.json"] }],
    ["a pattern around the path", { ...post, paths: ["/**"] }, post],
    ["a path that is proposed for all of a kind", { ...post, paths: ["/charges/7"] }, { ...post, paths: ["/charges/*"] }],
    ["no path at all", { methods: ["POST"] }, post],
    ["no method: GET", { paths: ["/a"] }, { methods: ["GET"], paths: ["/a"] }],
    ["a reading and no method", { json: {} }, post],
    ["the tool, whatever its arguments", { ...post, mcp: { tools: [{ name: "wr*" }] } }, { ...post, mcp: { tools: ["write"] } }],
    ["a body that one of them reads", { ...post, json: {} }, post],
    ["the repository", { git: { access: "write", repositories: ["acme/*"] } }, { methods: ["GET", "POST"], git: { repositories: ["acme/app"] } }],
    ["paths below the repository", { methods: ["POST"], paths: ["/acme/app.git/git-receive-pack"] }, { methods: ["GET", "POST"], git: { repositories: ["acme/app"] } }],
    ["the method of gRPC", { grpc: ["pkg.Svc/*"] }, { methods: ["POST"], grpc: ["pkg.Svc/Wipe"] }],
    ["the field", { graphql: { types: ["mutation"], fields: ["delete*"] } }, { methods: ["POST"], graphql: { types: ["mutation"], fields: ["deleteRepo"] } }],
    ["the model", { llm: {} }, { methods: ["POST"], llm: { models: ["gpt"] } }],
    ["a tunnel to the same port", { ...post, ports: [22, 443] }, { handling: "tunnel", ports: [22] }],
  ])("meet in %s", (_what, asking, proposed) => {
    expect(isSameOperation(asking, proposed)).toBe(true);
  });

  test.each<[string, Operation, Operation]>([
    ["method", post, { ...post, methods: ["GET"] }],
    ["path", post, { ...post, paths: ["/charges/7", "/refunds"] }],
    ["path below", { ...post, paths: ["/a/**"] }, { ...post, paths: ["/b/c"] }],
    ["tool", { ...post, mcp: { tools: ["write"] } }, { ...post, mcp: { tools: ["read"], methods: ["write"] } }],
    ["repository", { git: { repositories: ["acme/app"] } }, { methods: ["GET", "POST"], git: { repositories: ["acme/other"] } }],
    ["gRPC method", { grpc: ["pkg.Svc/Read"] }, { methods: ["POST"], grpc: ["pkg.Svc/Wipe"] }],
    ["kind of operation", { graphql: { fields: ["a"] } }, { methods: ["POST"], graphql: { types: ["mutation"], fields: ["a"] } }],
    ["model", { llm: { models: ["claude-*"] } }, { methods: ["POST"], llm: { models: ["gpt"] } }],
    ["port of a tunnel", post, { handling: "tunnel", ports: [22] }],
  ])("are apart by %s", (_what, asking, proposed) => {
    expect(isSameOperation(asking, proposed)).toBe(false);
  });
});

test("two patterns meet exactly where some text is covered by both", () => {
  const pattern = fc.array(fc.constantFrom("a", "b", "*"), { maxLength: 5 }).map((parts) => parts.join(""));
  const covers = (glob: string, text: string) => new RegExp(`^${glob.replaceAll("*", ".*")}$`).test(text);
  const texts = Array.from({ length: 8 }, (_, length) => Array.from({ length: 2 ** length }, (_unused, bits) => (length === 0 ? "" : bits.toString(2).padStart(length, "0").replaceAll("0", "a").replaceAll("1", "b")))).flat();
  fc.assert(fc.property(pattern, pattern, (one, two) => {
    expect(globsMeet(one, two)).toBe(texts.some((text) => covers(one, text) && covers(two, text)));
  }));
});

import { describe, expect, test } from "vitest";
import { readGrpc } from "../../../../proxy/readings/grpc.ts";
import { requestHead } from "../../../support/request-head.ts";

const read = (type: string, target = "/helloworld.v1.Greeter/SayHello", method = "POST") => readGrpc(requestHead(method, target, [["content-type", type]]));

describe("readGrpc knows a call by path and content type", () => {
  test.each(["application/grpc", "application/grpc+proto", "application/grpc+json; charset=utf-8", "application/grpc-web", "application/grpc-web-text+proto", "Application/GRPC"])("%s", (type) => {
    expect(read(type)).toEqual({ service: "helloworld.v1.Greeter", method: "SayHello" });
  });

  test("an escaped path names the same method", () => {
    expect(read("application/grpc", "/helloworld.v1.Greeter/Say%48ello")).toEqual({ service: "helloworld.v1.Greeter", method: "SayHello" });
  });

  test.each([
    ["another content type", "application/json", "/a.B/C", "POST"], ["a type that only begins alike", "application/grpcx", "/a.B/C", "POST"], ["a GET", "application/grpc", "/a.B/C", "GET"],
    ["a longer path", "application/grpc", "/x/a.B/C", "POST"], ["a shorter path", "application/grpc", "/a.B", "POST"], ["no service's name", "application/grpc", "/a-b/C", "POST"], ["no method's name", "application/grpc", "/a.B/C%20D", "POST"],
  ])("%s is none", (_what, type, target, method) => { expect(read(type, target, method)).toBeNull(); });

  test("no content type is none; two are refused", () => {
    expect(readGrpc(requestHead("POST", "/a.B/C"))).toBeNull();
    expect(() => readGrpc(requestHead("POST", "/a.B/C", [["content-type", "application/grpc"], ["content-type", "application/json"]]))).toThrow(expect.objectContaining({ code: "request.malformed" }));
  });
});

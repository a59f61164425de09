import { expect, test } from "vitest";
import { describeBody } from "../../../../proxy/exchange/describe-body.ts";

test("a body that is no object is one line, and a list is a batch", () => {
  expect(describeBody(Buffer.from("12345678901234567890"), false)).toEqual(["JSON: 12345678901234567890"]);
  expect(describeBody(Buffer.from('[{"a":1},"b"]'), false)).toEqual(['1 of 2:   "a" = 1', '2 of 2: JSON: "b"']);
});

test("a name that could be taken for more than a name is quoted", () => {
  expect(describeBody(Buffer.from('{"method":"tools/call","params":{"name":"read then = 1"}}'), true)).toEqual(['MCP: tools/call "read then = 1"']);
});

test("every parameter is shown that is not the name in the first line", () => {
  expect(describeBody(Buffer.from('{"method":"tools/call","params":{"name":"a","uri":"file:///etc"}}'), true)).toEqual(["MCP: tools/call a", '  params "uri" = "file:///etc"']);
  expect(describeBody(Buffer.from('{"method":"x","params":[1]}'), true)).toEqual(["MCP: x", '  "params" = [1]']);
});

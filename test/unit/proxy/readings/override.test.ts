import { expect, test } from "vitest";
import { openReadings } from "../../../../proxy/readings/open-readings.ts";
import { refuseOverride, refuseOverrideIn } from "../../../../proxy/readings/override.ts";
import { requestHead } from "../../../support/request-head.ts";

test.each([
  "_method=DELETE", "_METHOD=delete", "a=1&_method=PUT", "a=1;_method=PUT", "_method[]=PUT", "_method%5B%5D=PUT", "%5fmethod=PUT", ".method=PUT", "_method%00x=PUT", "_method", "x-http-method-override=DELETE", "$httpMethod=DELETE",
  "_method=POST&_method=DELETE",
])("another method in the query is refused: %s", (query) => {
  expect(() => { refuseOverride(requestHead("POST", `/x?${query}`)); }).toThrow(expect.objectContaining({ code: "request.malformed" }));
});

test.each(["_method=POST", "_method=post", "method=DELETE", "a=_method", "payment_method=DELETE", "q=100%25", "q=%zz"])("its own method, and other parameters, are nobody's business: %s", (query) => {
  expect(() => { refuseOverride(requestHead("POST", `/x?${query}`)); }).not.toThrow();
});

test.each([
  { _method: "DELETE" }, { _METHOD: "delete" }, { "a": 1, "x-http-method-override": "PUT" }, { "_method[]": "PUT" }, { _method: ["PUT"] }, { ".method": "PUT" },
])("another method in a JSON body is refused: %j", (body) => {
  expect(() => { refuseOverrideIn(body, { method: "POST" }); }).toThrow(expect.objectContaining({ code: "request.malformed" }));
});

test.each([{ _method: "POST" }, { _method: "post" }, { method: "DELETE" }, { a: { _method: "DELETE" } }, [{ _method: "DELETE" }], "_method", null])("its own, or one that is said elsewhere, is not: %j", (body) => {
  expect(() => { refuseOverrideIn(body, { method: "POST" }); }).not.toThrow();
});

test("every request is looked at so, whether or not its body is read", () => {
  const { ofHead } = openReadings(() => ({ kind: "none", why: "" }));
  expect(() => ofHead(requestHead("GET", "/mcp?_method=POST"))).toThrow(expect.objectContaining({ code: "request.malformed" }));
  expect(ofHead(requestHead("GET", "/mcp?method=POST"))).toEqual({});
});

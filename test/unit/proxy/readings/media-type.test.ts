import { describe, expect, test } from "vitest";
import { isJson, mediaType } from "../../../../proxy/readings/media-type.ts";

const of = (...types: string[]) => isJson(mediaType(types.map((type) => ["content-type", type] as const)));

describe("a body is JSON by what is said of it", () => {
  test.each(["application/json", "Application/JSON; charset=UTF-8", `application/json;charset="utf-8"`, "application/vnd.api+json; version=1", "text/json", "application/json;"])("%s", (type) => {
    expect(of(type)).toBe(true);
  });

  test.each([
    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "application/json; charset=utf-8; charset=utf-7",
    "application/json, text/plain", "application/jsonx", "json", "", `application/json; x="a`, "application/x-ndjson", "application/json-seq",
  ])("not %j", (type) => { expect(of(type)).toBe(false); });

  test("not where nothing is said; two types are refused", () => {
    expect(mediaType([])).toBeNull();
    expect(() => of("application/json", "text/plain")).toThrow(expect.objectContaining({ code: "request.malformed" }));
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { placeText, readPlace } from "../../../../proxy/policy/places.ts";

describe("places of a policy input", () => {
  test("are written as Rego writes them", () => {
    expect(placeText(["request", "headers", "x-api-key"])).toBe('input.request.headers["x-api-key"]');
    expect(placeText(["json", "items", 0, "text"])).toBe("input.json.items[0].text");
    expect(placeText([])).toBe("input");
  });

  test("are read back, whatever a key holds", () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.nat(1_000)), { maxLength: 6 }), (steps) => {
      expect(readPlace(placeText(steps))).toEqual(steps);
    }));
  });

  test.each(["", "data.x", "input.", "input[", "input.a b", 'input["a'])("%j is no place", (text) => {
    expect(readPlace(text)).toBeNull();
  });
});

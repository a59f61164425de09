import { describe, expect, test } from "vitest";
import { overLimit } from "../../../../controller/boundary/policies.ts";
import { resourcesOf } from "../../../support/boundary-resources.ts";

const sized = (bytes: number) => ({ data: { custom: { text: "x".repeat(bytes) } } });
const over = (policies: Readonly<Record<string, object>>) => [...overLimit(resourcesOf({ policies }).policies, 1_000).keys()];

describe("the policies of a namespace", () => {
  test("share its room in order of name; what does not fit is left out, what fits behind it is not", () => {
    expect(over({ "team-a/a": sized(600), "team-a/b": sized(600), "team-a/c": sized(100) })).toEqual(["team-a.b"]);
  });

  test("take nothing of the room of others", () => {
    expect(over({ "team-a/a": sized(2_000), "team-b/a": sized(600) })).toEqual(["team-a.a"]);
  });

  test("have a place each even if the API server let in something odd", () => {
    expect(over({ "team-a/a": null as unknown as object })).toEqual([]);
  });
});

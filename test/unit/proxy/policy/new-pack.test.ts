import { describe, expect, test } from "vitest";
import { newPackFiles } from "../../../../proxy/policy/new-pack.ts";
import { parsePack } from "../../../../proxy/policy/parse-pack.ts";

describe("a new pack", () => {
  test.each(["api.example.com", "*.example.com", "**.example.com"])("of %s is fit as it is written", (host) => {
    const files = newPackFiles("tracker", host);
    expect([...files.keys()]).toEqual(["packs/tracker.yaml", "packs/tracker_test.yaml"]);
    expect(parsePack("tracker", "tracker.yaml", files.get("packs/tracker.yaml") ?? "").levels.map(({ name }) => name)).toEqual(["read", "write"]);
  });

  test("stays fit when its author takes the comment signs away", () => {
    const text = newPackFiles("tracker", "api.example.com").get("packs/tracker.yaml") ?? "";
    const uncommented = text.replace("      # recipe:", "      recipe:").replaceAll(/^ {2}# /gm, "  ").replace("/v1/items/**", "/v1/${projects}/items");
    expect(Object.keys(parsePack("tracker", "tracker.yaml", uncommented).parameters)).toEqual(["projects"]);
  });

  test("asks its test for a host that its pattern covers", () => {
    expect(newPackFiles("tracker", "*.example.com").get("packs/tracker_test.yaml")).toContain("host: some.example.com");
  });

  test.each([
    ["Tracker", "api.example.com", "Tracker is no name of a pack"], ["../tracker", "api.example.com", "../tracker is no name of a pack"],
    ["tracker", "api.example.com:8443", "--host api.example.com:8443: "], ["tracker", "10.0.0.1", "--host 10.0.0.1: is an address"],
  ])("named %s of %s is refused", (name, host, message) => {
    expect(() => newPackFiles(name, host)).toThrow(message);
  });
});

import { expect, test } from "vitest";
import { rulesConfig } from "../../../init/config.ts";
import { checkPlace } from "../../../init/place.ts";

const config = (settings: object) => rulesConfig.parse({ mode: "pod", nodeAddresses: "10.79.96.7", ...settings });

test("rules are written where the pod's addresses are, however they are spelt", () => {
  expect(() => { checkPlace(config({ onlyAt: "10.1.0.5, fd00::0:5", neverAt: "10.0.0.1" }), ["127.0.0.1", "10.1.0.5", "fd00::5", "fe80::1%eth0"]); }).not.toThrow();
});

test.each([
  ["one of the pod's addresses is missing", { onlyAt: "10.1.0.5,fd00::5" }, ["127.0.0.1", "10.1.0.5"], "it has no address fd00::5"],
  ["the node's own address is there", { onlyAt: "10.1.0.5", neverAt: "10.0.0.1,10.0.0.2" }, ["10.1.0.5", "10.0.0.2"], "it has the node's own address 10.0.0.2"],
  ["there is no address at all", { onlyAt: "10.1.0.5" }, [], "it has no address 10.1.0.5"],
])("and nowhere else: %s", (_name, settings, own, message) => {
  expect(() => { checkPlace(config(settings), own); }).toThrow(message);
});

test("whoever is in the namespace already need not say where it is", () => {
  expect(() => { checkPlace(config({}), []); }).not.toThrow();
  expect(() => { checkPlace(rulesConfig.parse({ mode: "local" }), []); }).not.toThrow();
});

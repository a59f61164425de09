import { expect, test } from "vitest";
import { isFitRuntime, refuseUnfitRuntime } from "../../../common/runtime.ts";

test.each(["26.10.0", "26.0.0", "24.11.0", "24.21.3", "28.1.0"])("Node %s is fit", (version) => {
  expect(isFitRuntime(version)).toBe(true);
});

test.each(["20.20.2", "22.23.3", "24.10.9", "25.9.0", "18.0.0", "0.12.18", "nonsense"])("Node %s is refused", (version) => {
  expect(isFitRuntime(version)).toBe(false);
});

test("the refusal says which Node to use and exits 69", () => {
  expect(() => { refuseUnfitRuntime("20.20.2"); }).toThrow(expect.objectContaining({ exitCode: 69, hint: expect.stringContaining("npm ci") as string }));
});

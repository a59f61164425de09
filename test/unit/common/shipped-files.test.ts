import { join } from "node:path";
import { expect, test } from "vitest";
import { findUpwards } from "../../../common/shipped-files.ts";

test("a file of the installation is found from its folders and from those below, and nothing far above", () => {
  const root = join(import.meta.dirname, "../../..");
  for (const from of [root, join(root, "controller/access"), join(root, "dist")]) expect(findUpwards("package.json", from)).toBe(join(root, "package.json"));
  expect(findUpwards("package.json", join(root, "a/b/c/d"))).toBeNull();
  expect(findUpwards("no-such-file", root)).toBeNull();
});

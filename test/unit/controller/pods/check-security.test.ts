import { expect, test } from "vitest";
import { reservedUser, unconfined } from "../../../../controller/pods/check-security.ts";

test.each([64_000, 64_100, 64_107, 64_115])("user %i belongs to the boundary", (runAsUser) => {
  expect(reservedUser("Container app", { runAsUser })).toEqual([`Container app must not run as user ${runAsUser}: it belongs to the boundary.`]);
});

test.each([0, 1, 1_000, 63_999, 64_001, 64_099, 64_116])("user %i is anybody's", (runAsUser) => {
  expect(reservedUser("Container app", { runAsUser })).toEqual([]);
});

test("somebody who names no user and no profile has none that would matter", () => {
  for (const nothing of [undefined, null, {}, { runAsUser: null, seccompProfile: null, appArmorProfile: null }]) {
    expect([...reservedUser("p", nothing), ...unconfined("p", nothing)]).toEqual([]);
  }
});

test("each profile that is taken off is told by itself", () => {
  const without = { type: "Unconfined" };
  expect(unconfined("Container app", { seccompProfile: without, appArmorProfile: without })).toEqual([
    expect.stringContaining("Container app must not be unconfined by seccomp"), expect.stringContaining("Container app must not be unconfined by AppArmor"),
  ]);
  expect(unconfined("Container app", { seccompProfile: { type: "Localhost" }, appArmorProfile: { type: "RuntimeDefault" } })).toEqual([]);
});

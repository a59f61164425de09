import { expect, test } from "vitest";
import { enterBy } from "../../../../init/node/enter.ts";

test("a namespace that cannot be entered is an error in nsenter's own words, and a stopped attempt is its stop", async () => {
  await expect(enterBy(5_000)("/nowhere/at-all", ["true"], new AbortController().signal)).rejects.toThrow(/at-all/);
  await expect(enterBy(5_000)("/nowhere/at-all", ["true"], AbortSignal.abort(new Error("stopping")))).rejects.toThrow("stopping");
});

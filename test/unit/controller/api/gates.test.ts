import { Hono } from "hono";
import { expect, test } from "vitest";
import { AccessRefused } from "../../../../controller/access/access.ts";
import { apiConfig } from "../../../../controller/api/config.ts";
import type { ApiEnv, RouteParts } from "../../../../controller/api/context.ts";
import { authentication } from "../../../../controller/api/gates.ts";
import { problemOf } from "../../../../controller/api/problem.ts";
import { TestClock } from "../../../support/test-clock.ts";

/** A door behind which tokens of `good` are people. */
function aDoor(good: Set<string>) {
  const authenticate = async ({ authorization = "" }: { readonly authorization: string | undefined }) => {
    await Promise.resolve();
    if (good.has(authorization)) return { kind: "person", name: authorization, groups: [], isOfKubernetes: true };
    throw new AccessRefused("authentication.rejected", "no", { hint: "no", kind: "unauthenticated" });
  };
  const parts = { access: { authenticate }, clock: new TestClock(), config: apiConfig.parse({ refusalsPerMinute: 2 }) } as unknown as RouteParts;
  const app = new Hono<ApiEnv>();
  app.use(authentication(parts));
  app.get("/", (context) => context.text("in"));
  app.onError((error, context) => context.text(problemOf(error).rule, problemOf(error).status));
  return async (authorization: string, remoteAddress = "192.0.2.1") => {
    const answer = await app.request("/", { headers: { authorization } }, { incoming: { socket: { remoteAddress } } });
    return `${answer.status} ${await answer.text()}`;
  };
}

test("an address that shows bad tokens only is turned away unread", async () => {
  const call = aDoor(new Set(["ann"]));
  for (let tries = 0; tries < 2; tries += 1) expect(await call("bad")).toBe("401 authentication.rejected");
  expect(await call("bad")).toBe("429 rate.refusals");
  expect(await call("ann")).toBe("429 rate.refusals");
  expect(await call("ann", "192.0.2.2")).toBe("200 in");
});

test("whoever was let in from the same address before still is, until the token is good no longer", async () => {
  const good = new Set(["ann"]);
  const call = aDoor(good);
  expect(await call("ann")).toBe("200 in");
  for (let tries = 0; tries < 3; tries += 1) await call("bad");
  expect(await call("bad")).toBe("429 rate.refusals");
  expect(await call("ann")).toBe("200 in");
  good.clear();
  expect(await call("ann")).toBe("401 authentication.rejected");
  expect(await call("ann")).toBe("429 rate.refusals");
});

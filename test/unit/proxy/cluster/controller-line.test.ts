import { expect, test } from "vitest";
import { controllerLine } from "../../../../proxy/cluster/controller-line.ts";

const PLACE = { address: "10.96.0.7", port: 8_443 };

test("a call goes to the controller that the boundary names, and its answer comes back as it is", async () => {
  const asked: unknown[] = [];
  const line = controllerLine({ ask: async (to, question) => { asked.push({ to, ...question }); return { status: 503, body: "{}" }; } }, () => PLACE);
  expect(await line.send("report", "{\"holder\":\"h\"}")).toEqual({ status: 503, body: "{}" });
  expect(asked).toMatchObject([{ to: PLACE, path: "/internal/v1/ledger/report", body: "{\"holder\":\"h\"}" }]);
});

test("nobody is asked as long as no boundary names a controller", async () => {
  const line = controllerLine({ ask: async () => { throw new Error("asked"); } }, () => null);
  await expect(line.send("report", "{}")).rejects.toThrow(/no boundary names a controller/);
});

import { expect, test } from "vitest";
import { ByteMeter } from "../../../../proxy/metering/meter.ts";

test("a byte meter counts both directions apart", () => {
  const meter = new ByteMeter();
  meter.onRequest(3);
  meter.onResponse(5);
  meter.onRequest(4);
  expect(meter.total()).toEqual({ requestBytes: 7, responseBytes: 5 });
});

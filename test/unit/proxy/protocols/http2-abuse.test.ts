import { describe, expect, test } from "vitest";
import { AbuseGauge, Bucket } from "../../../../proxy/protocols/http2-abuse.ts";

const LIMITS = { resetBurst: 3, resetsPerSecond: 1, controlBurst: 3, controlsPerSecond: 1, overheadBytesPerSecond: 1_000, windowBytes: 65_536 };

describe("Bucket", () => {
  test("gives its burst, then its rate", () => {
    const bucket = new Bucket(2, 1, 0);
    expect([bucket.take(1, 0), bucket.take(1, 0), bucket.take(1, 0), bucket.take(1, 2_500)]).toEqual([true, true, false, true]);
  });

  test("never holds more than its burst", () => {
    const bucket = new Bucket(2, 1, 0);
    expect([bucket.take(2, 1e9), bucket.take(1, 1e9)]).toEqual([true, false]);
  });

  test("takes time that goes back for no time", () => {
    const bucket = new Bucket(1, 1_000, 1_000);
    bucket.take(1, 1_000);
    expect(bucket.take(1, 0)).toBe(false);
  });
});

describe("AbuseGauge", () => {
  test("lets a few requests be reset, and not many", () => {
    const gauge = new AbuseGauge(LIMITS, 0);
    expect([1, 2, 3, 4].map(() => gauge.reset(0))).toEqual([true, true, true, false]);
  });

  test("lets a few pings pass, and not many", () => {
    const gauge = new AbuseGauge(LIMITS, 0);
    expect([1, 2, 3, 4].map(() => gauge.control(0))).toEqual([true, true, true, false]);
  });

  test("takes requests, bodies and the acknowledgement of answers for work", () => {
    const gauge = new AbuseGauge(LIMITS, 0);
    for (let at = 0; at < 100; at += 1) gauge.request(false);
    for (let at = 0; at < 100; at += 1) gauge.body(10_000);
    expect(gauge.wire(100 * 500 + 100 * 10_038 + 200_000, 10_000_000, 1_000)).toBe(true);
  });

  test("takes a body that nobody reads yet for work", () => {
    const gauge = new AbuseGauge(LIMITS, 0);
    gauge.request(true);
    expect(gauge.wire(65_536, 0, 1)).toBe(true);
  });

  test("takes bytes that are neither for a flood", () => {
    const gauge = new AbuseGauge(LIMITS, 0);
    gauge.request(false);
    expect([gauge.wire(4_000, 0, 0), gauge.wire(20_000, 0, 0)]).toEqual([true, false]);
  });

  test("counts overhead once", () => {
    const gauge = new AbuseGauge(LIMITS, 0);
    expect([1, 2, 3, 4, 5].map(() => gauge.wire(3_000, 0, 0))).toEqual([true, true, true, true, true]);
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { messageOf, readCloudEvents } from "../../../../controller/api/cloud-event.ts";

const event = { specversion: "1.0", id: "1", source: "/s", type: "t" };
const read = (headers: Record<string, string>, body: string | Uint8Array = "") => readCloudEvents(new Headers(headers), typeof body === "string" ? new TextEncoder().encode(body) : body);
const structured = { "content-type": "application/cloudevents+json" };
const binary = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t" };

describe("a CloudEvent", () => {
  test("is the same in each mode", () => {
    const full = { ...event, subject: "a b", datacontenttype: "application/json", data: { x: 1 } };
    expect(read(structured, JSON.stringify(full))).toEqual([full]);
    expect(read({ "content-type": "application/cloudevents-batch+json; charset=utf-8" }, JSON.stringify([full, full]))).toEqual([full, full]);
    expect(read({ ...binary, "ce-subject": "a%20b", "content-type": "application/json" }, JSON.stringify({ x: 1 }))).toEqual([full]);
  });

  test("carries text as text, bytes as base64, and may carry nothing", () => {
    expect(read({ ...binary, "content-type": "text/plain" }, "héllo")).toEqual([{ ...event, datacontenttype: "text/plain", data: "héllo" }]);
    expect(read({ ...binary, "content-type": "image/png" }, new Uint8Array([255, 0]))).toEqual([{ ...event, datacontenttype: "image/png", data_base64: "/wA=" }]);
    expect(read(binary)).toEqual([event]);
  });

  test("is read whole by the agent, up to what a message may hold", () => {
    const [one] = read(structured, JSON.stringify({ ...event, myextension: true }));
    expect(JSON.parse(messageOf(one!))).toEqual({ ...event, myextension: true });
    const [large] = read(structured, JSON.stringify({ ...event, data: "x".repeat(262_144) }));
    expect(() => messageOf(large!)).toThrow(expect.objectContaining({ code: "request.too-large" }));
  });

  test.each([
    ["bytes that are no UTF-8", { ...binary, "content-type": "text/plain" }, new Uint8Array([0xff])],
    ["a header that is not percent-encoded", { ...binary, "ce-subject": "%" }, ""],
    ["its data in a header", { ...binary, "ce-data": "x" }, ""],
    ["its content type in a ce- header", { ...binary, "ce-datacontenttype": "x" }, ""],
    ["half a surrogate pair", structured, `{"specversion":"1.0","id":"\\ud800","source":"/s","type":"t"}`],
    ["an underscore in a name", structured, JSON.stringify({ ...event, my_ext: "x" })],
    ["a number for its id", structured, JSON.stringify({ ...event, id: 1 })],
    ["a day for its time", structured, JSON.stringify({ ...event, time: "yesterday" })],
  ])("with %s is malformed", (_, headers, body) => {
    expect(() => read(headers, body)).toThrow(expect.objectContaining({ code: "request.malformed" }));
  });

  test("is read from anything, or refused with a problem: nothing else comes out", () => {
    fc.assert(fc.property(fc.constantFrom(structured, { "content-type": "application/cloudevents-batch+json" }), fc.oneof(fc.string(), fc.json()), (headers, body) => {
      try {
        read(headers, body);
      } catch (error) {
        expect(error).toMatchObject({ name: "ApiProblem" });
      }
    }));
  });
});

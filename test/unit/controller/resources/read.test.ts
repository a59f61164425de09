import { describe, expect, test } from "vitest";
import { readAgent, readBudget, readThread } from "../../../../controller/resources/read.ts";

const metadata = { name: "reviewer", namespace: "team-a", uid: "u" };

describe("a resource", () => {
  test("is read with its defaults", () => {
    expect(readAgent({ metadata, spec: { image: "a:1" } })).toMatchObject({ isReadable: true, resource: { spec: { image: "a:1", idleTimeout: "5m", policies: [], instances: { max: 100 } } } });
  });

  test("of a newer version is not read by half: what is not known is named, with where it is", () => {
    expect(readAgent({ metadata, spec: { volumes: [{ name: "a", mountPath: "/a", encrypted: true }] } })).toEqual({ isReadable: false, reason: "Unreadable", problems: ['spec.volumes.0: Unrecognized key: "encrypted"'] });
  });

  test.each([[{}], [{ spec: null }], [{ spec: "x" }], [{ spec: { limit: 1 } }], [{ spec: [] }]])("of any other shape is not read and nothing is thrown: %j", (fields) => {
    expect(readBudget({ metadata, ...fields })).toMatchObject({ isReadable: false, reason: "Unreadable", problems: expect.arrayContaining([expect.any(String)]) });
  });

  test("with a dot in its name is not read: it could be taken for another's", () => {
    const reading = readAgent({ metadata: { ...metadata, name: "reviewer.files" }, spec: {} });
    expect(reading).toEqual({ isReadable: false, reason: "Unreadable", problems: ["metadata.name: must be a DNS label"] });
  });

  test("with many problems names the first fifty", () => {
    const env = Array.from({ length: 100 }, () => ({ name: "-" }));
    expect(readAgent({ metadata, spec: { env } })).toMatchObject({ problems: { length: 50 } });
  });
});

describe("a status", () => {
  const spec = { agent: "reviewer", user: "ann" };

  test("of another version does not make its object unreadable; it is left out", () => {
    const reading = readThread({ metadata, spec, status: { phase: "Dreaming" } });
    expect(reading).toMatchObject({ isReadable: true });
    expect(reading).not.toHaveProperty("resource.status");
  });

  test("that is understood is there", () => {
    expect(readThread({ metadata, spec, status: { phase: "Idle" } })).toMatchObject({ resource: { status: { phase: "Idle" } } });
  });
});

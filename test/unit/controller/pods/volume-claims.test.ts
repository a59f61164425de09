import { describe, expect, test } from "vitest";
import { volumeClaims } from "../../../../controller/pods/volume-claims.ts";
import { agentSpec } from "../../../../controller/resources/agent.ts";
import { threadSpec } from "../../../../controller/resources/thread.ts";

const thread = { metadata: { name: "t1", namespace: "team", uid: "u1" }, spec: threadSpec.parse({ agent: "coder", user: "ann" }) };
const claims = (...volumes: object[]) =>
  volumeClaims(thread, { metadata: { name: "coder", namespace: "team", uid: "a" }, spec: agentSpec.parse({ image: "c:1", volumes }) }, (volume) => `weir-t1.${volume}`);

describe("the claims of a thread", () => {
  test("are one for each volume of its agent, of the size and class that it names", () => {
    expect(claims({ name: "work", mountPath: "/work", size: "5Gi", storageClassName: "fast" }, { name: "cache", mountPath: "/cache" })).toMatchObject([
      { metadata: { name: "weir-t1.work", namespace: "team" }, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "5Gi" } }, storageClassName: "fast" } },
      { metadata: { name: "weir-t1.cache" }, spec: { resources: { requests: { storage: "1Gi" } } } },
    ]);
    expect(claims()).toEqual([]);
  });

  test("name no class where the cluster's default is meant", () => {
    expect(claims({ name: "work", mountPath: "/work" })[0]?.["spec"]).not.toHaveProperty("storageClassName");
  });

  test("go with the thread, or stay when it goes, as the volume says", () => {
    const [deleted, kept] = claims({ name: "work", mountPath: "/work" }, { name: "records", mountPath: "/records", retention: "Retain" });
    expect(deleted?.metadata.ownerReferences).toMatchObject([{ kind: "Thread", name: "t1", uid: "u1", controller: true }]);
    expect(kept?.metadata).not.toHaveProperty("ownerReferences");
  });

  test("are found by their thread and agent", () => {
    expect(claims({ name: "work", mountPath: "/work" })[0]?.metadata.labels).toEqual({
      "app.kubernetes.io/managed-by": "weir-controller", "weir.dev/agent": "coder", "weir.dev/thread": "t1",
    });
  });
});

import { beforeEach, describe, expect, test } from "vitest";
import type { KubeObject } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { publishBoundary, readPublished } from "../../../../controller/boundary/publish.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";

const signal = new AbortController().signal;
const packed = (text: string) => ({ revision: text, bundleRevision: text, bundle: Buffer.from(`bundle ${text}`), set: Buffer.from(`set ${text}`) });
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("the boundary in its ConfigMap", () => {
  let kube: MemoryKubeApi;
  const read = async () => readPublished(kube, "weir", signal);
  const publish = async (text: string, before: KubeObject | null) => publishBoundary(kube, packed(text), { namespace: "weir", before }, signal);
  beforeEach(() => { kube = new MemoryKubeApi(); });

  test("is written where the proxies look, both parts at once", async () => {
    expect(await publish("one", await read())).toBe(true);
    expect(await read()).toMatchObject({
      metadata: { name: "weir-boundary", namespace: "weir", labels: { "app.kubernetes.io/managed-by": "weir-controller" } },
      binaryData: { "bundle.tar.gz": base64("bundle one"), "boundary.json.gz": base64("set one") },
    });
  });

  test("is not written again while nothing is new, and is written when something is", async () => {
    await publish("one", null);
    expect(await publish("one", await read())).toBe(false);
    expect(await publish("two", await read())).toBe(true);
    expect((await read())?.["binaryData"]).toMatchObject({ "boundary.json.gz": base64("set two") });
  });

  test("keeps labels and annotations of others", async () => {
    await kube.create(TYPES.configMaps, { metadata: { name: "weir-boundary", namespace: "weir", labels: { mine: "1" }, annotations: { note: "x" } } });
    await publish("one", await read());
    expect((await read())?.metadata).toMatchObject({ labels: { mine: "1" }, annotations: { note: "x" } });
  });

  test("is not overwritten by somebody who looked before the last change", async () => {
    await publish("one", null);
    const seen = await read();
    await publish("two", seen);
    await expect(publish("old", seen)).rejects.toMatchObject({ status: 409 });
    await expect(publish("old", null)).rejects.toMatchObject({ status: 409 });
    expect((await read())?.["binaryData"]).toMatchObject({ "boundary.json.gz": base64("set two") });
  });
});

import { describe, expect, test } from "vitest";
import type { KubeObject } from "../../../../common/kube/kube-api.ts";
import { readPod, selectPod } from "../../../../init/node/read-pod.ts";

interface Parts { readonly annotations?: object; readonly spec?: object; readonly status?: object }

const NOT_INJECTED = {};

const pod = ({ annotations, spec, status }: Parts = {}): KubeObject => ({
  metadata: { name: "app", namespace: "agents", uid: "u-1", resourceVersion: "5", labels: { "weir.dev/agent": "coder" }, annotations: { ...(annotations === NOT_INJECTED ? {} : { "weir.dev/injected": "{}" }), other: "x", ...annotations } },
  spec: { nodeName: "node-1", containers: [{ name: "agent", image: "a:1" }], ...spec },
  status: { phase: "Pending", podIPs: [{ ip: "10.1.0.5" }, { ip: "fd00::5" }], ...status },
});

describe("a pod of the node", () => {
  test("that is governed and has an address gets rules, also by what an informer keeps of it", () => {
    const captured = { kind: "captured", pod: { uid: "u-1", namespace: "agents", name: "app", addresses: ["10.1.0.5", "fd00::5"], inbound: "none", containers: [] } };
    expect(readPod(pod())).toEqual(captured);
    const kept = selectPod(pod());
    expect(readPod(kept)).toEqual(captured);
    expect(JSON.stringify(kept)).not.toMatch(/image|other/);
    expect(kept.metadata).toMatchObject({ name: "app", namespace: "agents", uid: "u-1", resourceVersion: "5" });
  });

  test("says which of its containers are known by their uids, in the order of the sidecar's ports", () => {
    const reading = readPod(pod({ annotations: { "weir.dev/identities": '{"files":64101,"shell":64100}', "weir.dev/inbound": "any" } }));
    expect(reading).toMatchObject({ pod: { inbound: "any", containers: [{ name: "shell", uid: 64_100 }, { name: "files", uid: 64_101 }] } });
  });

  test.each<[string, Parts]>([
    ["nothing was injected into", { annotations: NOT_INJECTED }],
    ["has no address yet", { status: { podIPs: [] } }],
    ["is over", { status: { phase: "Succeeded" } }],
  ])("that %s gets none", (_name, parts) => {
    expect(readPod(pod(parts))).toEqual({ kind: "none" });
  });

  test.each<[string, Parts, RegExp]>([
    ["uses its node's network", { spec: { hostNetwork: true } }, /node's network/],
    ["is to be entered by an unknown word", { annotations: { "weir.dev/inbound": "all" } }, /any or none/],
    ["gives a container a uid of somebody else", { annotations: { "weir.dev/identities": '{"shell":64000}' } }, /uid of its own/],
    ["leaves a uid out, so that ports and uids would not fit", { annotations: { "weir.dev/identities": '{"shell":64101}' } }, /from 64100 on/],
    ["gives two containers one uid", { annotations: { "weir.dev/identities": '{"a":64100,"b":64100}' } }, /uid of its own/],
    ["names a container by what would be a rule", { annotations: { "weir.dev/identities": '{"a\\" accept":64100}' } }, /uid of its own/],
    ["has identities that are no JSON", { annotations: { "weir.dev/identities": "shell" } }, /uid of its own/],
    ["has what is no address", { status: { podIPs: [{ ip: "10.1.0.5,10.0.0.1" }] } }, /is no address/],
  ])("that %s waits for ever, and it is said why", (_name, parts, why) => {
    expect(readPod(pod(parts))).toEqual({ kind: "unfit", why: expect.stringMatching(why) as string });
  });
});

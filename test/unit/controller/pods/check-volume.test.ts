import { describe, expect, test } from "vitest";
import { volumeProblems } from "../../../../controller/pods/check-volume.ts";
import { aPod } from "../../../support/pods.ts";

const problemsOf = (volume: object) => aPod({ volumes: [volume as never] }).spec.volumes?.flatMap(volumeProblems).join("\n");
const token = (audience?: string) => ({ name: "t", projected: { sources: [{ configMap: {} }, { serviceAccountToken: { path: "t", ...(audience === undefined ? {} : { audience }) } }] } });

describe("a volume of a governed pod", () => {
  test.each<[string, object]>([
    ["of its own", { name: "data", emptyDir: {} }], ["that says nothing, and is an empty folder", { name: "data" }], ["of a claim", { name: "work", persistentVolumeClaim: { claimName: "w" } }],
    ["of a Secret", { name: "s", secret: { secretName: "s" } }], ["from a driver that the cluster knows", { name: "c", csi: { driver: "secrets-store.csi.k8s.io" } }],
    ["of an image", { name: "i", image: { reference: "data:1" } }], ["with an absent folder of the node", { name: "data", emptyDir: {}, hostPath: null }],
    ["with a token for somebody else", token("sts.example.test")], ["with a token for the API server", token()],
  ])("may be one %s", (_name, volume) => {
    expect(problemsOf(volume)).toBe("");
  });

  test.each<[string, object, RegExp]>([
    ["a folder of the node", { name: "run", hostPath: { path: "/run" } }, /^Volume run is a hostPath: .*leads around the boundary/],
    ["a share that the node mounts from anywhere", { name: "out", nfs: { server: "192.0.2.9", path: "/" } }, /^Volume out is a nfs/],
    ["a repository that the node fetches", { name: "repo", gitRepo: { repository: "https://evil.test/x" } }, /^Volume repo is a gitRepo/],
    ["a disk that the node attaches", { name: "disk", iscsi: { targetPortal: "192.0.2.9" } }, /^Volume disk is a iscsi/],
    ["of a kind that nobody knows yet", { name: "new", brandNew: {} }, /^Volume new is a brandNew/],
    ["named like one of ours", { name: "weir-identity", emptyDir: {} }, /^Volume weir-identity has a name of the boundary's own volumes/],
    ["a token for the proxy", token("weir-proxy"), /^Volume t holds a token for weir-proxy: only the sidecar/],
    ["a token for the controller", token("weir-controller"), /^Volume t holds a token for weir-controller/],
  ])("must not be %s", (_name, volume, reason) => {
    expect(problemsOf(volume)).toMatch(reason);
  });
});

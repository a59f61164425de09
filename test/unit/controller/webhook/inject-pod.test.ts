import { describe, expect, test } from "vitest";
import { governPod } from "../../../../controller/pods/govern-pod.ts";
import { agentSpec, type Agent } from "../../../../controller/resources/agent.ts";
import type { ReadPod } from "../../../../controller/resources/pod.ts";
import { readReview, type Verdict } from "../../../../controller/webhook/admission-review.ts";
import { injectPod } from "../../../../controller/webhook/inject-pod.ts";
import { aContainer, aPod, POD_SETTINGS } from "../../../support/pods.ts";

const agent = (spec: object = {}): Agent => ({ metadata: { name: "coder", namespace: "team", uid: "a" }, spec: agentSpec.parse(spec) });
const asked: string[] = [];

async function review(pod: ReadPod, options: { user?: string; agent?: Agent | null } = {}): Promise<Verdict> {
  const { user = "ann", agent: found = agent() } = options;
  return injectPod(readReview(aReview({ object: pod, userInfo: { username: user } })), {
    govern: governPod, settings: () => POD_SETTINGS,
    findAgent: async (namespace, name) => {
      asked.push(`${namespace}/${name}`);
      return found;
    },
  }, new AbortController().signal);
}

const aReview = (request: object = {}) => ({
  apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview",
  request: {
    uid: "r1", kind: { group: "", version: "v1", kind: "Pod" }, resource: { group: "", version: "v1", resource: "pods" }, operation: "CREATE",
    namespace: "team", userInfo: { username: "ann" }, object: aPod(), dryRun: false, ...request,
  },
});
const patched = (verdict: Verdict): ReadPod => {
  if (verdict.kind !== "injected") throw new Error(JSON.stringify(verdict));
  const [labels, annotations, spec] = verdict.patch as { value: never }[];
  return { metadata: { labels: labels?.value, annotations: annotations?.value }, spec: spec?.value } as unknown as ReadPod;
};

describe("a pod with the label", () => {
  test("is governed under the agent of its own namespace", async () => {
    const verdict = await review(aPod());
    expect(patched(verdict).spec.initContainers?.map(({ name }) => name)).toEqual(["weir-init", "weir-sidecar"]);
    expect(asked.at(-1)).toBe("team/coder");
  });

  test("comes back as it is when it has been governed already", async () => {
    const once = patched(await review(aPod()));
    expect(await review({ ...aPod(), metadata: { ...aPod().metadata, ...once.metadata }, spec: once.spec })).toEqual({ kind: "unchanged" });
  });

  test("gets an identity for each container that is a server of tools of its agent, and for no other", async () => {
    const server = (name: string) => ({ name, image: "x", port: 8_001 });
    const pod = aPod({ securityContext: { runAsUser: 1_000 }, containers: [aContainer(), aContainer({ name: "shell" })] });
    const verdict = await review(pod, { agent: agent({ mcpServers: [server("shell"), server("absent")] }) });
    expect(patched(verdict).metadata.annotations).toMatchObject({ "weir.dev/identities": '{"shell":64100}' });
    expect(patched(await review(pod)).metadata.annotations).not.toHaveProperty(["weir.dev/identities"]);
  });

  test("may be asked from outside if it says so", async () => {
    const pod = aPod({}, { annotations: { "weir.dev/inbound": "any" } });
    expect(patched(await review(pod)).spec.initContainers?.[0]?.env).toContainEqual({ name: "WEIR_INBOUND", value: "any" });
  });

  test.each<[string, ReadPod, RegExp]>([
    ["it names no agent", aPod({}, { labels: { "weir.dev/inject": "enabled" } }), /needs the label weir\.dev\/agent/],
    ["it says something else of who may come in", aPod({}, { annotations: { "weir.dev/inbound": "all" } }), /must be any or none/],
    ["it claims a thread", aPod({}, { labels: { "weir.dev/agent": "coder", "weir.dev/thread": "t" } }), /Only Weir's controller sets weir\.dev\/thread/],
    ["it claims a user", aPod({}, { annotations: { "weir.dev/user": "boss" } }), /Only Weir's controller sets weir\.dev\/user/],
    ["it breaks a rule", aPod({ hostNetwork: true }), /cannot be governed\. spec\.hostNetwork/],
  ])("is refused if %s", async (_name, pod, message) => {
    expect(await review(pod)).toEqual({ kind: "refused", message: expect.stringMatching(message) });
  });

  test("is refused with a hint if there is no such agent", async () => {
    expect(await review(aPod(), { agent: null })).toEqual({ kind: "refused", message: expect.stringMatching(/no Agent coder in namespace team.*kubectl get agents/) });
  });

  test("may carry what only the controller sets if it is the controller's", async () => {
    const pod = aPod({}, { labels: { "weir.dev/agent": "coder", "weir.dev/thread": "t" } });
    expect((await review(pod, { user: POD_SETTINGS.controllerUser })).kind).toBe("injected");
  });
});

describe("something that is no pod", () => {
  test("is refused", async () => {
    const { object: _, ...rest } = readReview(aReview());
    const verdict = await injectPod({ ...rest, object: { spec: { containers: "none" } } }, { govern: governPod, settings: () => POD_SETTINGS, findAgent: async () => agent() }, new AbortController().signal);
    expect(verdict).toEqual({ kind: "refused", message: expect.stringMatching(/not a pod/) });
  });
});

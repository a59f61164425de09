import { expect, test } from "vitest";
import { pod } from "../../../../controller/resources/pod.ts";

const aPod = (spec: object) => ({ metadata: {}, spec: { containers: [{ name: "app" }], ...spec } });

test("a pod keeps what is not read, at every depth", () => {
  const full = {
    apiVersion: "v1", kind: "Pod", metadata: { name: "a", finalizers: ["x"] },
    spec: {
      nodeName: "n1", volumes: [{ name: "v", brandNew: { a: 1 } }], securityContext: { fsGroup: 7, sysctls: [{ name: "a.b", value: "1" }] },
      containers: [{ name: "app", tty: true, ports: [{ containerPort: 80 }], env: [{ name: "A", valueFrom: { fieldRef: {} } }], livenessProbe: { grpc: { port: 1 }, periodSeconds: 3 } }],
    },
  };
  expect(pod.parse(full)).toEqual(full);
});

test("a pod may leave out, or empty, what API servers leave out", () => {
  const sparse = aPod({ securityContext: null, containers: [{ name: "app", lifecycle: null, livenessProbe: null, securityContext: { runAsUser: null, capabilities: null, seccompProfile: null } }] });
  expect(pod.safeParse(sparse).success).toBe(true);
});

test.each<[string, object]>([
  ["a user that is text", aPod({ securityContext: { runAsUser: "0" } })], ["containers that are no list", { metadata: {}, spec: { containers: "app" } }], ["no spec", { metadata: {} }],
  ["a right that is no text", aPod({ containers: [{ name: "app", securityContext: { capabilities: { add: [1] } } }] })],
  ["a network of its node that is no yes or no", aPod({ hostNetwork: "false" })], ["a label that is no text", { ...aPod({}), metadata: { labels: { a: 1 } } }],
  ["a probe of a host that is no text", aPod({ containers: [{ name: "app", livenessProbe: { httpGet: { host: 1 } } }] })],
])("what has %s is not read as a pod: its meaning could not be judged", (_name, object) => {
  expect(pod.safeParse(object).success).toBe(false);
});

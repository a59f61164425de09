import { X509Certificate } from "node:crypto";
import { connect, type TLSSocket } from "node:tls";
import { Agent, request } from "undici";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { silentLog } from "../../../../common/log.ts";
import { issueServerCertificate, newPrivateKey, readSigningCa, selfSignedCa, type PemPair } from "../../../../common/tls/ca.ts";
import { governPod } from "../../../../controller/pods/govern-pod.ts";
import { agentSpec } from "../../../../controller/resources/agent.ts";
import { WebhookServer } from "../../../../controller/webhook/server.ts";
import { aPod, POD_SETTINGS } from "../../../support/pods.ts";

const NAME = "weir-webhook.weir.svc";
const keyPem = newPrivateKey();
const CA = { keyPem, certPem: selfSignedCa("Test", keyPem, { nowMs: Date.now(), lifetimeMs: 86_400_000 }) };
const certificate = (): PemPair => issueServerCertificate([NAME], readSigningCa(CA, Date.now()), { nowMs: Date.now(), lifetimeMs: 3_600_000 });
const aReview = (object: object = aPod()) => ({
  apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview",
  request: {
    uid: "r1", kind: { group: "", version: "v1", kind: "Pod" }, resource: { group: "", version: "v1", resource: "pods" }, operation: "CREATE",
    namespace: "team", userInfo: { username: "ann" }, object,
  },
});

describe("the webhook over HTTPS", () => {
  let server: WebhookServer;
  let client: Agent;
  let outcomes: string[];
  /** What looking an Agent up waits for. */
  let lookUp: () => Promise<void>;
  const send = async (body: string | object, path = "/inject", method: "POST" | "GET" = "POST") => {
    const answer = await request(`https://127.0.0.1:${server.port}${path}`, {
      dispatcher: client, method, ...(method === "GET" ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return { status: answer.statusCode, body: await answer.body.json().catch(() => null) as { response?: { allowed: boolean; status?: { code: number; message: string } } } | null };
  };

  beforeEach(async () => {
    outcomes = [];
    lookUp = async () => {};
    client = new Agent({ connect: { ca: CA.certPem, servername: NAME } });
    server = await WebhookServer.start({ listenHost: "127.0.0.1", listenPort: 0, requestTimeoutMs: 1_000 }, certificate(), {
      govern: governPod, settings: () => POD_SETTINGS, clock: systemClock, log: silentLog, metrics: { reviewed: (outcome) => { outcomes.push(outcome); } },
      findAgent: async (namespace, name) => {
        await lookUp();
        return name === "coder" ? { metadata: { name, namespace, uid: "a" }, spec: agentSpec.parse({}) } : null;
      },
    });
  });
  afterEach(async () => {
    await client.destroy();
    await server.close();
  });

  test("governs a pod, refuses one that cannot be governed, and counts both", async () => {
    expect(await send(aReview())).toMatchObject({ status: 200, body: { response: { allowed: true, patchType: "JSONPatch" } } });
    expect(await send(aReview(aPod({ hostNetwork: true })))).toMatchObject({ status: 200, body: { response: { allowed: false, status: { code: 403 } } } });
    expect(outcomes).toEqual(["injected", "refused"]);
  });

  test("lets nothing through that it could not find out about", async () => {
    lookUp = async () => { throw new Error("the API server does not answer, and its address is 10.0.0.1"); };
    const { body } = await send(aReview());
    expect(body?.response).toMatchObject({ allowed: false, status: { code: 503, message: expect.not.stringContaining("10.0.0.1") } });
    expect(outcomes).toEqual(["failed"]);
  });

  test.each<[string, string | object]>([["text", "hello"], ["half a document", '{"kind":'], ["a review of something else", { ...aReview(), kind: "Other" }], ["nothing", ""]])("answers %s with an error, which allows nothing", async (_name, body) => {
    expect(await send(body)).toEqual({ status: 400, body: { error: "not an admission review of a pod" } });
    expect(outcomes).toEqual([]);
  });

  test("takes no more than the API server would send", async () => {
    const padded = (bytes: number) => aReview(aPod({}, { annotations: { padding: "x".repeat(bytes) } }));
    expect((await send(padded(1 << 20))).status).toBe(200);
    expect((await send(padded(3 << 20)).catch(() => ({ status: 400 }))).status).toBe(400);
  });

  test("has one path, and one method", async () => {
    expect((await send(aReview(), "/")).status).toBe(404);
    expect((await send("", "/inject", "GET")).status).toBe(404);
  });

  test("gives up on whoever does not finish the request", async () => {
    const socket = await new Promise<TLSSocket>((resolve, reject) => {
      const opened = connect({ host: "127.0.0.1", port: server.port, servername: NAME, ca: CA.certPem }, () => { resolve(opened); });
      opened.once("error", reject);
    });
    const ended = new Promise<string>((resolve) => {
      let text = "";
      socket.on("data", (chunk: Buffer) => { text += chunk.toString(); });
      socket.once("close", () => { resolve(text); });
      socket.on("error", () => {});
    });
    socket.write(`POST /inject HTTP/1.1\r\nHost: ${NAME}\r\nContent-Length: 100\r\n\r\n{`);
    expect(await ended).toMatch(/^HTTP\/1\.1 (408|400)/);
    expect((await send(aReview())).status).toBe(200);
  });

  test("says that it is busy above 64 reviews at a time, and takes others again afterwards", async () => {
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    let count = 0;
    lookUp = async () => {
      count += 1;
      if (count === 64) entered.resolve();
      await gate.promise;
    };
    const held = Array.from({ length: 64 }, async () => send(aReview()));
    await entered.promise;
    expect((await send(aReview())).status).toBe(503);
    gate.resolve();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual(Array.from({ length: 64 }, () => 200));
    expect((await send(aReview())).status).toBe(200);
  });

  test("shows a new certificate to new connections, while reviews on open ones go on", async () => {
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    lookUp = async () => {
      entered.resolve();
      await gate.promise;
    };
    const underway = send(aReview());
    await entered.promise;
    const next = certificate();
    server.present(next);
    const shown = await new Promise<string>((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port: server.port, servername: NAME, ca: CA.certPem }, () => {
        resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? "");
        socket.destroy();
      });
      socket.once("error", reject);
    });
    gate.resolve();
    expect(shown).toBe(new X509Certificate(next.certPem).fingerprint256);
    expect((await underway).body?.response?.allowed).toBe(true);
  });
});

import { connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import { once } from "node:events";
import { connect as connectPlain } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createWeirClient } from "../../../client/client.ts";
import { systemClock } from "../../../common/clock.ts";
import { openMemoryLedger } from "../../../common/ledger/memory-store.ts";
import { silentLog } from "../../../common/log.ts";
import { PLATFORM_NAME } from "../../../common/labels.ts";
import { accessConfig } from "../../../controller/access/config.ts";
import { clusterObjects } from "../../../controller/access/cluster-objects.ts";
import { openAccess } from "../../../controller/access/open-access.ts";
import { apiConfig } from "../../../controller/api/config.ts";
import type { ApprovalStore } from "../../../controller/approvals/approval-store.ts";
import { openApi, type OpenApi } from "../../../controller/api/open-api.ts";
import type { RequestFacts } from "../../../controller/api/context.ts";
import { threadsConfig } from "../../../controller/threads/config.ts";
import { openThreadStore } from "../../../controller/threads/open-thread-store.ts";
import { startApi, tokenFor } from "../../support/api/api-stand.ts";
import { MemoryKubeApi } from "../../support/kube/memory-api.ts";
import { mintAuthority, type TestAuthority } from "../../support/tls-authority.ts";

let authority: TestAuthority;
let api: OpenApi;
const closers: (() => Promise<void>)[] = [];
const seen: RequestFacts[] = [];

beforeAll(async () => {
  authority = await mintAuthority();
  const kube = new MemoryKubeApi();
  const objects = clusterObjects(kube);
  const store = await openThreadStore(threadsConfig.parse({}), silentLog);
  const access = await openAccess(accessConfig.parse({}), { kube, objects, clock: systemClock });
  api = await openApi(apiConfig.parse({ host: "127.0.0.1", port: 0, requestTimeoutMs: 500 }), {
    store, ledger: openMemoryLedger({ clock: systemClock }), ledgerOfNode: () => { throw new Error("no node calls"); }, budgets: { find: () => null, all: () => [] }, approvals: {} as ApprovalStore, access, objects, kube, clock: systemClock, log: silentLog, metrics: { requestEnded: (facts) => { seen.push(facts); } },
    tls: await authority.leaf([PLATFORM_NAME, "127.0.0.1"]),
  });
  closers.push(async () => api.close(), async () => access.close(), async () => store.close());
});
afterAll(async () => { for (const close of closers) await close(); });

const certificateOf = async (): Promise<DetailedPeerCertificate> => {
  const socket: TLSSocket = connect({ port: api.port, host: "127.0.0.1", ca: authority.caPem, servername: PLATFORM_NAME });
  await once(socket, "secureConnect");
  const certificate = socket.getPeerCertificate(true);
  socket.destroy();
  return certificate;
};

test("the API is served under its certificate, and under the next one after it was changed", async () => {
  const before = await certificateOf();
  api.useCertificate(await authority.leaf([PLATFORM_NAME, "127.0.0.1"]));
  const after = await certificateOf();
  expect(after.serialNumber).not.toBe(before.serialNumber);
});

test("the client trusts the CA that it is given, and no server without it", async () => {
  const url = `https://127.0.0.1:${api.port}`;
  const trusting = createWeirClient({ url, token: "nobody", ca: authority.caPem });
  expect((await trusting.api.GET("/v1/instance")).response.status).toBe(503);
  await trusting.close();
  const suspicious = createWeirClient({ url, token: "nobody" });
  await expect(suspicious.api.GET("/v1/instance")).rejects.toThrow(/fetch failed|certificate/);
  await suspicious.close();
});

test("requests are counted by route, never by path", async () => {
  seen.length = 0;
  const client = createWeirClient({ url: `https://127.0.0.1:${api.port}`, token: "nobody", ca: authority.caPem });
  for (const thread of ["a", "b"]) await client.api.GET("/v1/namespaces/{namespace}/threads/{thread}", { params: { path: { namespace: "ns", thread } } });
  await client.close();
  expect(new Set(seen.map(({ route }) => route))).toEqual(new Set(["/v1/namespaces/:namespace/threads/:thread"]));
  expect(seen.every(({ status, durationMs }) => status === 503 && durationMs >= 0)).toBe(true);
});

test("a request that does not arrive, and one that is not answered, end in time", async () => {
  const stand = await startApi({ api: { requestTimeoutMs: 300 } });
  try {
    const socket = connectPlain(stand.api.port, "127.0.0.1");
    socket.write("POST /v1/namespaces/default/threads HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{");
    socket.on("error", () => undefined);
    const closed = once(socket, "close");
    socket.resume();
    await closed;
    stand.addUser("alice");
    const blocked = Promise.withResolvers<null>();
    stand.cluster.answers.set("/apis/authorization.k8s.io/v1/subjectaccessreviews", () => blocked.promise);
    const answer = await stand.call("GET", "/v1/namespaces/default/threads", { token: tokenFor("alice") });
    expect(answer).toMatchObject({ status: 504, body: { error: "timeout" } });
    blocked.resolve(null);
  } finally {
    await stand.close();
  }
});

test("the document is for everybody, and so is nothing else", async () => {
  const stand = await startApi();
  try {
    const { status, body } = await stand.call("GET", "/openapi.json");
    expect([status, body["openapi"]]).toEqual([200, "3.1.0"]);
    for (const path of Object.keys(body["paths"] as object)) {
      for (const method of ["GET", "POST", "PUT", "DELETE"]) {
        expect([401, 404, 429], `${method} ${path}`).toContain((await stand.call(method, path.replaceAll(/[{}]/g, ""))).status);
      }
    }
  } finally {
    await stand.close();
  }
});

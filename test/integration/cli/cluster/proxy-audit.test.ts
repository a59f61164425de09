import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { searchAudit } from "../../../../cli/cluster/proxy-audit.ts";
import { systemClock } from "../../../../common/clock.ts";
import { readEnvironment } from "../../../../common/config.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { silentLog } from "../../../../common/log.ts";
import { auditConfig } from "../../../../proxy/audit/config.ts";
import { openAudit } from "../../../../proxy/audit/open-audit.ts";
import type { AuditRecord } from "../../../../proxy/model/record.ts";
import { aDeniedExchange, anAgent, anExchange } from "../../../support/audit-records.ts";
import { standInForKubectl, type KubectlStandIn } from "../../../support/kube/kubectl-stand-in.ts";
import { aCluster, type SeenCluster } from "../../../support/seen-cluster.ts";

const OPTIONS = { systemNamespace: "weir-system", output: "text" } as const;
const inThread = (thread: string) => ({ ...anAgent, namespace: "team", thread });
const folders: string[] = [];
let kubectl: KubectlStandIn;
let cluster: SeenCluster;

/** State folder of a proxy that has recorded this. */
async function recorded(records: readonly Extract<AuditRecord, { kind: "exchange" }>[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "weir-state-"));
  folders.push(folder);
  const room = await openAudit(auditConfig.parse({}), { directory: join(folder, "audit"), clock: systemClock, log: silentLog });
  for (const record of records) await room.commit(record);
  await room.close();
  return folder;
}

beforeAll(async () => {
  const states = {
    "weir-proxy-a": await recorded([anExchange({ exchangeId: "a.1" }), aDeniedExchange({ exchangeId: "a.2", timeMs: 3, agent: inThread("t-1") }), aDeniedExchange({ exchangeId: "a.3", timeMs: 1, agent: inThread("t-12") })]),
    "weir-proxy-b": await recorded([aDeniedExchange({ exchangeId: "b.1", timeMs: 2, agent: inThread("t-1") }), aDeniedExchange({ exchangeId: "b.2", timeMs: 4, agent: inThread("t-1") })]),
  };
  kubectl = standInForKubectl({ states });
  vi.stubEnv("PATH", `${kubectl.folder}:${readEnvironment()["PATH"] ?? ""}`);
  cluster = aCluster();
  for (const node of ["a", "b", "c"]) {
    await cluster.add(TYPES.pods, `weir-proxy-${node}`, { metadata: { labels: { "app.kubernetes.io/name": "weir", "app.kubernetes.io/component": "proxy" } }, spec: { nodeName: node } }, "weir-system");
  }
});
afterAll(() => {
  vi.unstubAllEnvs();
  kubectl.remove();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const ids = (records: readonly AuditRecord[]) => records.map((record) => (record.kind === "exchange" ? record.exchangeId : record.kind));

describe("the audit of a cluster's nodes", () => {
  test("is searched where it is, on all nodes, and a node that cannot be asked is named", async () => {
    const { records, troubles } = await searchAudit(cluster, OPTIONS, { texts: ['"a.2"'], limit: 10 });
    expect(records).toMatchObject([{ kind: "exchange", exchangeId: "a.2", outcome: "denied", error: { rule: "hosts.default" } }]);
    expect(troubles).toEqual(['c: Error from server (NotFound): pods "weir-proxy-c" not found']);
  });

  test("gives what holds all of the texts, in the order of time, and no more of each node than asked for", async () => {
    const texts = ['"thread":"t-1"', '"disposition_id":2,'];
    expect(ids((await searchAudit(cluster, OPTIONS, { texts, limit: 10 })).records)).toEqual(["b.1", "a.2", "b.2"]);
    expect(ids((await searchAudit(cluster, OPTIONS, { texts, limit: 1 })).records)).toEqual(["a.2", "b.2"]);
  });

  test("holds nothing of what was never recorded, and a text is no pattern", async () => {
    expect((await searchAudit(cluster, OPTIONS, { texts: [".*"], limit: 10 })).records).toEqual([]);
  });
});

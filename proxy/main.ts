import { join } from "node:path";
import { openAdmin } from "../common/admin-server.ts";
import { systemClock, type Clock } from "../common/clock.ts";
import type { Environment } from "../common/config.ts";
import { describeError, Lifecycle } from "../common/lifecycle.ts";
import type { KubeApi } from "../common/kube/kube-api.ts";
import type { Log } from "../common/log.ts";
import type { RevokeAnswer, RevokeRequest } from "../common/operator-door.ts";
import { refuseUnfitRuntime } from "../common/runtime.ts";
import { VERSION } from "../common/version.ts";
import { openOperatorDoor } from "./admin/operator-door.ts";
import { PrometheusMetrics } from "./admin/prometheus-metrics.ts";
import type { OpenDiskFile } from "./audit/disk-file.ts";
import type { ApprovalDesk } from "./approvals/desk.ts";
import { openApprovals } from "./approvals/open-approvals.ts";
import { openAudit, type AuditRoom } from "./audit/open-audit.ts";
import { noticingLedger } from "./budget/noticing-ledger.ts";
import { openBudget } from "./budget/open-budget.ts";
import { openCluster, type Cluster } from "./cluster/open-cluster.ts";
import type { ProxyConfig } from "./config.ts";
import type { Listening } from "./connection/listen.ts";
import { openLender, type Lender } from "./credentials/lender.ts";
import { OwnVault } from "./credentials/vault/own-vault.ts";
import { openDoors } from "./doors.ts";
import { EgressError } from "./errors.ts";
import { JwtVerifier } from "./identity/jwt-verifier.ts";
import { openLocalIssuer, type LocalIssuer } from "./identity/local-issuer.ts";
import { openMcp } from "./mcp/open-mcp.ts";
import { openMetering } from "./metering/open-metering.ts";
import { noActivity } from "./model/activity.ts";
import { configuredHoldings } from "./model/holdings.ts";
import { LiveSet } from "./model/live.ts";
import type { AuditRecord, LifecycleRecord } from "./model/record.ts";
import { SyntheticNames } from "./names/synthetic-names.ts";
import { ReloadingPolicyEngine } from "./policy/engine.ts";
import { openHindsight, type Hindsight } from "./policy/hindsight.ts";
import { openShadow } from "./policy/open-shadow.ts";
import { openReadings } from "./readings/open-readings.ts";
import type { Rooms } from "./rooms.ts";
import { LeafAuthority } from "./tls/authority.ts";
import { openCa } from "./tls/ca.ts";
import { IntermediateCa } from "./tls/intermediate.ts";
import { UndiciUpstream } from "./upstream/undici-upstream.ts";

export { proxyConfig, type ProxyConfig } from "./config.ts";

export interface StartOptions {
  readonly log: Log;
  readonly clock?: Clock;
  readonly environment: Environment;
  /** Folder of the CA, and of the audit chain unless `audit.directory` says otherwise. */
  readonly stateDirectory: string;
  /** Folder of the issuer's key: tokens signed by it are accepted besides those of the configured issuers. */
  readonly issuerDirectory: string;
  /** Opens the admin port at its usual place if the configuration names none. */
  readonly adminByDefault?: boolean;
  /** Sees every audit record as it enters the chain. Must not throw. */
  readonly onRecord?: (record: AuditRecord) => void;
  /** A disk with faults under the audit log, for tests. */
  readonly openFile?: OpenDiskFile;
  /** A cluster's API in place of the configured one, for tests. */
  readonly kubeApi?: KubeApi;
}

export interface RunningProxy {
  readonly caPem: string;
  readonly issuer: LocalIssuer;
  /** For people: socket path and address, as bound. */
  readonly listeningOn: readonly string[];
  readonly listening: Listening;
  readonly adminUrl: string | null;
  /** Loads the policy again; what open connections may do is asked anew. */
  reloadPolicy(): void;
  /** Takes nothing new, lets open exchanges finish for `drainTimeoutMs`, then ends the rest. Everything is recorded and settled. */
  stop(): Promise<void>;
}

/**
 * Furnishes the rooms and opens the doors: the composition root of the node proxy.
 * @throws UserError for anything in the configuration or on the machine that keeps it from starting; nothing is left open then
 */
export async function startProxy(config: ProxyConfig, options: StartOptions): Promise<RunningProxy> {
  refuseUnfitRuntime();
  const lifecycle = new Lifecycle(options.log);
  try {
    return await openProxy(config, options, lifecycle);
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}

async function openProxy(config: ProxyConfig, options: StartOptions, lifecycle: Lifecycle): Promise<RunningProxy> {
  const clock = options.clock ?? systemClock;
  const issuer = await openLocalIssuer(options.issuerDirectory, clock);
  const vault = new OwnVault(config.credentials, clock);
  lifecycle.onStop("own vault", async () => vault.close());
  const remoteKey = config.audit.transit === undefined ? undefined : vault.transitKey(config.audit.transit);
  const audit = await openAudit(config.audit, { ...options, clock, remoteKey, directory: config.audit.directory ?? join(options.stateDirectory, "audit") });
  lifecycle.onStop("audit", async () => audit.close());
  const metrics = new PrometheusMetrics();
  const onEvent = (event: Event): void => { record(audit, { log: options.log, clock }, event); };
  const cluster = config.cluster === undefined ? null : await openCluster(config.cluster, { ...options, clock, lifecycle, onEvent });
  const rooms = await furnish(config, options, { clock, audit, metrics, lifecycle, issuer, cluster, vault, onEvent });
  const drain = new AbortController();
  const doors = await openDoors(config, rooms, lifecycle, drain.signal);
  const admin = await openAdmin(config.admin, {
    metrics, byDefault: options.adminByDefault === true,
    isReady: () => audit.isHealthy && cluster?.isReady !== false && !drain.signal.aborted,
    isAgent: cluster?.isAgentAddress,
  });
  lifecycle.onStop("admin", async () => admin?.close());
  const door = await openOperatorDoor(options.stateDirectory, {
    revoke: async (what) => revokeByOrder(what, rooms.credentials, onEvent), usage: () => metrics.usage.read(rooms.live.agents()),
    ...(cluster === null ? { approvals: rooms.approvals } : {}),
  }, options.log);
  lifecycle.onStop("operator-door", async () => door?.close());
  record(audit, rooms, { event: "proxy.started", outcome: "succeeded", fields: { version: VERSION, node: process.versions.node, policy: rooms.policy.revision } });
  return {
    caPem: rooms.authority.caPem, issuer, listening: doors.listening, adminUrl: admin?.url ?? null,
    listeningOn: describeListening(doors.listening),
    reloadPolicy: () => { lifecycle.run("policy-reload", async () => rooms.policy.reload()); },
    stop: async () => {
      const stopping = new EgressError("draining", "the proxy is stopping");
      drain.abort(stopping);
      rooms.approvals.close(stopping);
      await doors.drained(config.drainTimeoutMs);
      record(audit, rooms, { event: "proxy.stopped", outcome: "succeeded", fields: {} });
      await lifecycle.stop();
    },
  };
}

type Event = Pick<LifecycleRecord, "event" | "outcome" | "fields">;

interface Furniture {
  readonly clock: Clock;
  readonly audit: AuditRoom;
  readonly metrics: PrometheusMetrics;
  readonly lifecycle: Lifecycle;
  readonly issuer: LocalIssuer;
  readonly cluster: Cluster | null;
  readonly vault: OwnVault;
  readonly onEvent: (event: Event) => void;
}

/** The rooms, and what of them only the composition root may do. */
interface Furnished extends Rooms {
  readonly policy: ReloadingPolicyEngine;
  readonly credentials: Lender;
  readonly approvals: ApprovalDesk;
}

async function furnish(config: ProxyConfig, options: StartOptions, furniture: Furniture): Promise<Furnished> {
  const { log, environment } = options;
  const { clock, audit, metrics, lifecycle, issuer, cluster, onEvent } = furniture;
  const held = cluster === null ? {} : { held: () => cluster.heldBundle() };
  const policy = await ReloadingPolicyEngine.open(config.policy, { log, clock, environment, stateDirectory: options.stateDirectory, onEvent, ...held });
  lifecycle.onStop("policy", async () => policy.close());
  const upstream = new UndiciUpstream(config.upstream, clock);
  lifecycle.onStop("upstream", async () => upstream.close());
  const leaseDirectory = join(options.stateDirectory, "leases");
  const mint = { network: upstream.network, stateDirectory: options.stateDirectory, kube: cluster?.api ?? null };
  const credentials = openLender(config, { environment, identityTokenFile: config.cluster?.controller.tokenFile, mint, leaseDirectory, log, onEvent }, clock);
  lifecycle.onStop("credentials", async () => credentials.close());
  lifecycle.run("orphaned-leases", async (signal) => credentials.reclaimOrphans(signal));
  const live = new LiveSet({ clock, overdue: () => new EgressError("policy.unavailable", "policy changed, and did not get to ask about this again in time") });
  policy.onChange(() => { lifecycle.run("reconsider", async () => live.reconsiderAll()); });
  lifecycle.run("policy-watch", async (signal) => policy.watch(signal));
  const { ledger: budget, counts, close: closeBudget } = await openBudget(config.budgets, { clock, log, onEvent, stateDirectory: options.stateDirectory, controller: cluster?.ledger ?? null });
  lifecycle.onStop("budget", closeBudget);
  const onRevoked = (): void => { lifecycle.run("reconsider", async () => live.reconsiderAll()); };
  const approvals = openApprovals(config.approvals, { clock, log, lifecycle, stateDirectory: options.stateDirectory, onEvent, onRevoked, ...(cluster === null ? {} : { remote: cluster.approvals }) });
  if (cluster !== null) lifecycle.run("approvals", async (signal) => cluster.approvals.run(approvals, signal));
  const names = new SyntheticNames(clock);
  const mcp = openMcp(config.mcp);
  await cluster?.start({ policy, credentials, budget, upstream, live, names });
  if (counts !== null) metrics.observeBudgets(counts);
  metrics.observe({
    version: VERSION, policyRevision: () => policy.revision, policy: () => policy.state, connectedInstances: () => live.instances, isAuditHealthy: () => audit.isHealthy,
    ledger: () => budget.health, boundary: () => cluster?.boundary ?? null, credentials: () => credentials.standing,
  });
  return {
    hindsight: await openHindsightRoom(config, options, furniture),
    clock, log, audit, metrics, policy, upstream, credentials, live, names, budget: cluster === null ? budget : noticingLedger(budget, cluster.activity),
    metering: await openMetering(config.metering), readings: openReadings((head, text) => mcp.read(head, text)), mcp, approvals,
    activity: cluster?.activity ?? noActivity, holdings: cluster?.holdings ?? configuredHoldings,
    // In a cluster, nobody but the cluster says who is who.
    identity: new JwtVerifier(config.identity, cluster === null ? { clock, localIssuer: issuer } : { clock, cluster }),
    authority: await openAuthority(config.tls, options, furniture),
  };
}

/** What is kept of each decision, and the policy that is asked beside the one in force. */
async function openHindsightRoom({ audit: { policyInput }, policy }: ProxyConfig, { log, environment }: StartOptions, { clock, lifecycle, metrics, onEvent }: Furniture): Promise<Hindsight> {
  if (policy.shadow === undefined) return openHindsight(policyInput, null);
  const shadow = await openShadow(policy.shadow, { log, clock, environment, onEvent, count: (question, verdict, rule) => { metrics.shadowAnswered(question, verdict, rule); } });
  lifecycle.onStop("shadow-policy", async () => shadow.close());
  lifecycle.run("shadow-watch", async (signal) => shadow.watch(signal));
  return openHindsight(policyInput, shadow);
}

/** The CA for interception: our own, the operator's, or one that Vault signs, which is kept from ending. */
async function openAuthority(config: ProxyConfig["tls"], { stateDirectory }: StartOptions, { clock, vault, lifecycle, onEvent }: Furniture): Promise<LeafAuthority> {
  if (config.intermediate === undefined) return new LeafAuthority(await openCa(stateDirectory, config, clock), config, clock);
  const ca = await IntermediateCa.open({ stateDirectory, clock, config: config.intermediate, signer: vault.certificateSigner(config.intermediate) });
  const authority = new LeafAuthority(ca.current, config, clock);
  lifecycle.run("ca-renewal", async (signal) => ca.keep((next) => { authority.useCa(next); }, onEvent, signal));
  return authority;
}

async function revokeByOrder(what: RevokeRequest, credentials: Lender, onEvent: Furniture["onEvent"]): Promise<RevokeAnswer> {
  const revoked = await credentials.revoke(what, "it was revoked by order");
  onEvent({ event: "credential.revoke-ordered", outcome: revoked.isConfirmed ? "succeeded" : "failed", fields: { ...Object.fromEntries(Object.entries(what)), dropped: revoked.dropped } });
  return revoked;
}

/** Never throws: an audit log that takes nothing must not keep a policy from coming into force, or the proxy from stopping. */
function record(audit: AuditRoom, { clock, log }: Pick<StartOptions, "log"> & { readonly clock: Clock }, event: Event): void {
  try {
    audit.enqueue({ kind: "lifecycle", timeMs: clock.nowMs(), agent: null, ...event });
  } catch (error) {
    log.error("lifecycle.unrecorded", { event: event.event, error: describeError(error) });
  }
}

function describeListening({ socketPath, address }: Listening): string[] {
  return [...(socketPath === null ? [] : [socketPath]), ...(address === null ? [] : [`${address.host}:${address.port}`])];
}

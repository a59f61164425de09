import type { Clock } from "../common/clock.ts";
import { openInformer } from "../common/kube/informer.ts";
import type { KubeApi, KubeObject, ResourceType } from "../common/kube/kube-api.ts";
import { TYPES } from "../common/kube/resource-types.ts";
import type { LedgerStore } from "../common/ledger/ledger-store.ts";
import type { Log } from "../common/log.ts";
import type { Opa } from "../proxy/operator.ts";
import type { ControllerMetrics } from "./admin/controller-metrics.ts";
import type { ApprovalStore } from "./approvals/approval-store.ts";
import { sendMessages } from "./approvals/send-messages.ts";
import { containerDummies } from "./boundary/container-dummies.ts";
import { keepBoundary } from "./boundary/keep-boundary.ts";
import type { BoundaryInformers } from "./boundary/resources.ts";
import { allSynced, runAll } from "./caches.ts";
import type { ControllerConfig } from "./config.ts";
import type { Installation } from "./installation.ts";
import { openEvents } from "./kube/events.ts";
import { fencedApi } from "./kube/fenced-api.ts";
import type { Work } from "./kube/leader.ts";
import { keepBudgetStatuses } from "./ledger/keep-statuses.ts";
import type { KnownBudgets } from "./ledger/known-budgets.ts";
import { instancePod } from "./pods/instance-pod.ts";
import type { PodSettings } from "./pods/pod-settings.ts";
import { volumeClaims } from "./pods/volume-claims.ts";
import { claimNameOf, podNameOf } from "./reconcile/names.ts";
import { PodUnfit, type EventRecorder, type ReconcilerDeps } from "./reconcile/ports.ts";
import { runReconciler } from "./reconcile/reconciler.ts";
import type { CredentialGrant } from "./resources/credential-grant.ts";
import { readCredentialGrant } from "./resources/read.ts";
import type { ThreadStore } from "./threads/thread-store.ts";

export interface LeaderParts {
  readonly config: ControllerConfig;
  readonly kube: KubeApi;
  readonly store: ThreadStore;
  readonly ledger: LedgerStore;
  readonly budgets: KnownBudgets;
  readonly approvals: ApprovalStore;
  readonly installation: Installation;
  readonly settings: PodSettings;
  readonly metrics: ControllerMetrics;
  readonly opa: Opa | null;
  /** Of this replica, in Events. */
  readonly identity: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** What one controller of the cluster does: the boundary as its resources say, an instance for each thread that needs one. Ends with the signal or the term. */
export function leaderWork(parts: LeaderParts): Work {
  return async (term, signal) => {
    const api = fencedApi(parts.kube, term);
    const informers = openBoundaryInformers(api, parts.log);
    const events = openEvents({ api, config: parts.config.kube.events, instance: parts.identity, log: parts.log, clock: parts.clock });
    const reconciling = reconcilerDeps(parts, { api, informers, record: (regarding, event) => { events.record({ regarding, ...event }); } });
    parts.metrics.leading(true);
    try {
      await together(signal, [
        async (stop) => runAll(Object.values(informers), stop),
        async (stop) => events.run(stop),
        async (stop) => sendMessages({ store: parts.approvals, config: parts.config.approvals, clock: parts.clock, log: parts.log }, stop),
        async (stop) => keepBoundary(boundaryDeps(parts, { api, informers }), stop),
        async (stop) => {
          await allSynced([informers.budgets], stop);
          const { budgets, ledger, store, log } = parts;
          await keepBudgetStatuses({ api, budgets, ledger, store, log, informer: informers.budgets, record: (regarding, event) => { events.record({ regarding, ...event }); } }, stop);
        },
        async (stop) => {
          // The dummies of an instance are those of its grants: no pod before they are known.
          await allSynced(Object.values(informers), stop);
          await runReconciler(reconciling, stop);
        },
      ]);
    } finally {
      parts.metrics.leading(false);
    }
  };
}

/** If one of them fails, the others end before this rejects: whoever leads next must not meet them. */
async function together(signal: AbortSignal, parts: readonly ((stop: AbortSignal) => Promise<void>)[]): Promise<void> {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  await Promise.allSettled(parts.map(async (part) => {
    try {
      await part(stop);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  }));
  if (!signal.aborted) failed.signal.throwIfAborted();
}

interface Term {
  readonly api: KubeApi;
  readonly informers: BoundaryInformers;
}

function openBoundaryInformers(api: KubeApi, log: Log): BoundaryInformers {
  const informer = (type: ResourceType) => openInformer(api, type, {}, { log });
  return { agents: informer(TYPES.agents), egressPolicies: informer(TYPES.egressPolicies), credentialGrants: informer(TYPES.credentialGrants), budgets: informer(TYPES.budgets) };
}

function boundaryDeps({ config, opa, log, clock, installation }: LeaderParts, term: Term): Parameters<typeof keepBoundary>[0] {
  const { addresses: [address], port } = installation.controller;
  return { ...term, config: config.boundary, opa, log, clock, namespace: config.namespace, platform: address === undefined ? null : { address, port } };
}

function reconcilerDeps(parts: LeaderParts, { api, informers, record }: Term & { readonly record: EventRecorder }): ReconcilerDeps {
  const { config, store, metrics, clock, log, settings } = parts;
  return {
    kube: api, store, metrics, clock, log, record, config: config.reconcile,
    openInformer: (type, query, select) => openInformer(api, type, query, { log, clock, select }),
    instancePod: (thread, agent) => {
      const { name, namespace } = thread.metadata;
      const podName = podNameOf(name);
      const governed = instancePod(thread, agent, {
        settings, podName, claimName: (volume) => claimNameOf(name, volume), dummies: containerDummies(agent, thread.spec.grants ?? null, grantIn(namespace, informers)),
      });
      if (governed.kind === "refused") throw new PodUnfit(governed.problems.join(" "));
      return { ...governed.pod, metadata: { ...governed.pod.metadata, name: podName, namespace } } as KubeObject;
    },
    volumeClaims: (thread, agent) => volumeClaims(thread, agent, (volume) => claimNameOf(thread.metadata.name, volume)),
  };
}

/** A grant of the namespace, if it is there and understood. */
function grantIn(namespace: string, { credentialGrants }: BoundaryInformers): (name: string) => CredentialGrant | null {
  return (name) => {
    const object = credentialGrants.get({ namespace, name });
    const reading = object === undefined ? undefined : readCredentialGrant(object);
    return reading?.isReadable === true ? reading.resource : null;
  };
}

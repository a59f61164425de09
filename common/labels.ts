/**
 * Labels and annotations by which the controller, the node proxies and the webhook find each other's pods. The ones under `CONTROLLER_ONLY`
 * carry identity: an admission policy of the chart lets nobody but the controller set or change them.
 */
export const GROUP = "weir.dev";

export const LABELS = {
  /** `enabled` on a pod: the webhook puts the boundary in front of it. */
  inject: "weir.dev/inject",
  /** The Agent, in the pod's namespace, that the pod is an instance of. Cannot be changed once set. */
  agent: "weir.dev/agent",
  /** The Thread that the pod serves. */
  thread: "weir.dev/thread",
  managedBy: "app.kubernetes.io/managed-by",
} as const;

export const MANAGED_BY_CONTROLLER = "weir-controller";

export const ANNOTATIONS = {
  /** What was injected, JSON `{version, fingerprint}`: the webhook does nothing a second time. */
  injected: "weir.dev/injected",
  /** On whose behalf the thread runs. */
  user: "weir.dev/user",
  /** JSON array of the agents that spawned this one, outermost first, each `namespace/agent/thread`. */
  chain: "weir.dev/chain",
  /** JSON array of grant names: the most that this instance may be lent. Absent: what its Agent holds. */
  grants: "weir.dev/grants",
  /** JSON object, meter to digits: what the thread may use at most. Absent: no more than its budgets say. */
  allowance: "weir.dev/allowance",
  /** JSON array of the same for the threads in `chain`, in its order. */
  chainAllowances: "weir.dev/chain-allowances",
  /** JSON object, container name to uid: containers with an identity of their own. Written by the boundary's own injection. */
  identities: "weir.dev/identities",
  /** `any` or `none` (the default): who may open connections into a pod that others created. Answers leave on these, nothing new does. */
  inbound: "weir.dev/inbound",
  /** Before the number of a file with a dummy: its text, which the kubelet writes into the volume of dummies. */
  dummyFile: "dummies.weir.dev/",
} as const;

export const CONTROLLER_ONLY = [LABELS.thread, ANNOTATIONS.user, ANNOTATIONS.chain, ANNOTATIONS.grants, ANNOTATIONS.allowance, ANNOTATIONS.chainAllowances] as const;

export const FINALIZER = "weir.dev/cleanup";

/** Names of what is put into a governed pod. */
export const POD_PARTS = {
  init: "weir-init",
  sidecar: "weir-sidecar",
  trustVolume: "weir-trust",
  identityVolume: "weir-identity",
  /** Where the sidecar tells its startup probe that it is ready. */
  stateVolume: "weir-state",
  /** Further roots of the agent's namespace. */
  extraCaVolume: "weir-extra-ca",
  /** Files with dummies, for clients that take no key from a variable. */
  dummyVolume: "weir-dummies",
} as const;

/** Uid and gid of the sidecar in a pod; nothing else in the pod may have it. */
export const SIDECAR_UID = 64_000;
/** First uid of containers with an identity of their own; the n-th such container has this plus n. At most 16 of them. */
export const FIRST_IDENTITY_UID = 64_100;
export const IDENTITY_CONTAINERS_LIMIT = 16;

/** Name under which agents reach the controller through their boundary. */
export const PLATFORM_NAME = "weir.internal";
/** Id of the built-in grant that tells the controller which instance asks; see proxy/credentials. */
export const PLATFORM_GRANT = "weir.internal";
/** Header that carries the instance, base64url of JSON `{namespace, pod, uid, container}`; only a node proxy's token makes it count. */
export const INSTANCE_HEADER = "x-weir-instance";
/** Audience of the tokens by which node proxies speak to the controller. */
export const CONTROLLER_AUDIENCE = "weir-controller";

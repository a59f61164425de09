import * as z from "zod";

/**
 * A pod as an admission request carries it, before the API server has validated it: the parts that are read are of the types that they must be of, and
 * everything else is passed through as it is.
 */
const profile = z.looseObject({ type: z.string() }).nullish();
const capabilities = z.looseObject({ add: z.array(z.string()).nullish(), drop: z.array(z.string()).nullish() }).nullish();

const securityContext = z.looseObject({
  privileged: z.boolean().nullish(),
  runAsUser: z.int().nullish(),
  allowPrivilegeEscalation: z.boolean().nullish(),
  procMount: z.string().nullish(),
  capabilities,
  seccompProfile: profile,
  appArmorProfile: profile,
  /** Of the pod as a whole. */
  sysctls: z.array(z.looseObject({ name: z.string() })).nullish(),
});

/** What the kubelet does to a container: a probe, or a hook of its life cycle. */
const target = z.looseObject({ host: z.string().nullish() }).nullish();
const action = z.looseObject({ httpGet: target, tcpSocket: target }).nullish();

const container = z.looseObject({
  name: z.string(),
  env: z.array(z.looseObject({ name: z.string() })).optional(),
  ports: z.array(z.looseObject({ hostPort: z.int().nullish() })).optional(),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).optional(),
  securityContext: securityContext.optional(),
  livenessProbe: action,
  readinessProbe: action,
  startupProbe: action,
  lifecycle: z.looseObject({ postStart: action, preStop: action }).nullish(),
});

const tokenSource = z.looseObject({ serviceAccountToken: z.looseObject({ audience: z.string().optional() }).nullish() });
const volume = z.looseObject({
  name: z.string(),
  projected: z.looseObject({ sources: z.array(tokenSource).nullish() }).nullish(),
});

export const podSpec = z.looseObject({
  containers: z.array(container),
  initContainers: z.array(container).optional(),
  ephemeralContainers: z.array(container).optional(),
  volumes: z.array(volume).optional(),
  hostNetwork: z.boolean().optional(),
  hostPID: z.boolean().optional(),
  hostIPC: z.boolean().optional(),
  shareProcessNamespace: z.boolean().nullish(),
  securityContext: securityContext.nullish(),
});

export const pod = z.looseObject({
  metadata: z.looseObject({
    name: z.string().optional(),
    generateName: z.string().optional(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: podSpec,
});
export type ReadPod = z.output<typeof pod>;
export type ReadContainer = z.output<typeof container>;
export type ReadVolume = z.output<typeof volume>;
export type ReadSecurityContext = z.output<typeof securityContext>;

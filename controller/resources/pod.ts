import * as z from "zod";

/**
 * A pod as an admission request carries it, before the API server has validated it: the parts that are read are of the types that they must be of, and
 * everything else is passed through as it is.
 */
const securityContext = z.looseObject({
  privileged: z.boolean().nullish(),
  runAsUser: z.int().nullish(),
  allowPrivilegeEscalation: z.boolean().nullish(),
  procMount: z.string().nullish(),
  capabilities: z.looseObject({ add: z.array(z.string()).nullish(), drop: z.array(z.string()).nullish() }).nullish(),
  seccompProfile: z.looseObject({ type: z.string() }).nullish(),
});

const container = z.looseObject({
  name: z.string(),
  env: z.array(z.looseObject({ name: z.string() })).optional(),
  ports: z.array(z.looseObject({})).optional(),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).optional(),
  securityContext: securityContext.optional(),
});

const volume = z.looseObject({
  name: z.string(),
  hostPath: z.looseObject({}).nullish(),
  projected: z.looseObject({ sources: z.array(z.looseObject({ serviceAccountToken: z.looseObject({ audience: z.string().optional() }).nullish() })).nullish() }).nullish(),
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

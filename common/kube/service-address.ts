import { isIP } from "node:net";
import * as z from "zod";
import { EXIT, UserError } from "../exit-codes.ts";
import type { KubeApi } from "./kube-api.ts";
import { TYPES } from "./resource-types.ts";

/** What is read of a Service: its fixed addresses and first port. */
const service = z.looseObject({
  spec: z.looseObject({
    clusterIPs: z.array(z.string().refine((text) => isIP(text) !== 0, "must be an address")).min(1).max(2),
    ports: z.array(z.looseObject({ port: z.int().min(1).max(65_535) })).min(1),
  }),
});

export interface ServiceAddress {
  /** One of each family at most. */
  readonly addresses: readonly string[];
  readonly port: number;
}

/**
 * Where a service of the installation is reached: its cluster addresses, which stay for as long as it exists.
 * @throws UserError if there is no such service, or it has no address of its own
 */
export async function serviceAddress(api: KubeApi, namespace: string, name: string, signal?: AbortSignal): Promise<ServiceAddress> {
  const found = service.safeParse(await api.get(TYPES.services, { namespace, name }, signal));
  if (found.success) return { addresses: found.data.spec.clusterIPs, port: found.data.spec.ports[0]?.port ?? 0 };
  throw new UserError(`there is no Service ${name} with a cluster address in namespace ${namespace}`, "Install the chart; the configuration names namespace and service.", EXIT.config);
}

import { isIP } from "node:net";
import * as z from "zod";
import { EXIT, UserError } from "../common/exit-codes.ts";
import type { KubeApi } from "../common/kube/kube-api.ts";
import { TYPES } from "../common/kube/resource-types.ts";
import { whoAmI } from "../common/kube/reviews.ts";
import type { ControllerConfig } from "./config.ts";

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
  throw new UserError(`there is no Service ${name} with a cluster address in namespace ${namespace}`, "Install the chart; `services` in the configuration names them.", EXIT.config);
}

/** What the controller has to know of its surroundings, and no configuration should have to say. */
export interface Installation {
  readonly proxy: ServiceAddress;
  readonly controller: ServiceAddress;
  /** Whom the API server takes this controller for: its own pods come to its webhook by this name. */
  readonly user: string;
}

/** @throws UserError if a service is missing, KubeError if the API server does not answer */
export async function readInstallation(api: KubeApi, { namespace, services }: Pick<ControllerConfig, "namespace" | "services">, signal: AbortSignal): Promise<Installation> {
  const [proxy, controller, { username }] = await Promise.all([
    serviceAddress(api, namespace, services.proxy, signal), serviceAddress(api, namespace, services.controller, signal), whoAmI(api, signal),
  ]);
  return { proxy, controller, user: username };
}

import type { KubeApi } from "../common/kube/kube-api.ts";
import { whoAmI } from "../common/kube/reviews.ts";
import { serviceAddress, type ServiceAddress } from "../common/kube/service-address.ts";
import type { ControllerConfig } from "./config.ts";

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

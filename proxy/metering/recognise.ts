import type { ModelApi } from "../model/metered-call.ts";
import type { RequestHead } from "../model/request.ts";
import type { DeclaredHost, MeteringConfig } from "./config.ts";
import type { Destination, Recognised } from "./metering.ts";
import { readDeclaredPath, readModelPath } from "./model-paths.ts";
import { knownProvider } from "./providers.ts";

/** The head's parts that say where a request goes. */
export type DestinationHead = Pick<RequestHead, "method" | "scheme" | "host" | "port" | "path" | "upgrade">;

/** The parts of `metering` that say what is a call. */
export type RecogniseConfig = Pick<MeteringConfig, "hosts" | "bodyLimitBytes">;

/** A call, with all that host and path say of it. */
export interface ModelRoute extends Recognised {
  /** As the price table calls it. */
  readonly provider: string;
  /** Null where the body names it. */
  readonly model: string | null;
  /** True where the path names something that stands for a model which nobody here knows: a profile, a router, a deployment of one's own. */
  readonly isStandIn: boolean;
  /** Null where the body says it. */
  readonly isStream: boolean | null;
  /** What the operator declared; null for hosts that are known. */
  readonly declared: DeclaredHost | null;
  /** A plan pays: tokens count, money does not. */
  readonly isSubscription: boolean;
}

/** A destination whose call says more than other rooms need to know. */
export type RouteDestination = { readonly kind: "call"; readonly call: ModelRoute } | Exclude<Destination, { readonly kind: "call" }>;

/**
 * What a destination is, by host, path and method alone. A spelling that a provider may read as a call, and we do not, is `unmetered`; never `other`.
 */
export function recognise(head: DestinationHead, { hosts, bodyLimitBytes }: RecogniseConfig): RouteDestination {
  const host = head.host.toLowerCase().replace(/\.$/, "");
  const declared = hosts.find((one) => one.host === host && (one.port === undefined || one.port === head.port)) ?? null;
  const known = declared === null ? knownProvider(host) : null;
  if (declared === null && known === null) return { kind: "other" };
  const segments = decodedSegments(head.path);
  if (segments === null || head.upgrade !== null) return { kind: "unmetered" };
  const found = known === null ? readDeclaredPath(apiOf(declared), head.method, segments) : readModelPath(known.paths, head.method, segments);
  if (found.kind !== "call") return { kind: found.kind };
  const { api, model, isStream, isStandIn = false } = found;
  return {
    kind: "call",
    call: { api, bodyLimitBytes, provider: known?.id ?? declared?.provider ?? "custom", model, isStream, isStandIn, declared, isSubscription: known?.paths === "codex" },
  };
}

function apiOf(declared: DeclaredHost | null): ModelApi {
  return declared?.api ?? "openai-chat";
}

/** @returns null for a path that servers may read in more than one way */
function decodedSegments(path: string): readonly string[] | null {
  if (!path.startsWith("/")) return null;
  const raw = path.slice(1).split("/");
  const isClear = raw.every((segment, index) => segment !== "" || index === raw.length - 1) && !raw.includes("..") && !raw.includes(".");
  if (!isClear) return null;
  try {
    const segments = raw.map(decodeURIComponent);
    return segments.every(isPlain) ? segments : null;
  } catch {
    return null;
  }
}

/** Only ids of Bedrock have a slash in them: ARNs. */
function isPlain(segment: string): boolean {
  return /^[\x20-\x7e]*$/.test(segment) && !/[\\?#;]/.test(segment) && (!segment.includes("/") || segment.startsWith("arn:"));
}

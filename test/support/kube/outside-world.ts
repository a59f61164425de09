import { readEnvironment } from "../../../common/config.ts";
import { obtainOpenBao } from "../../../tools/openbao.ts";
import { fixed, openZone, type Zone } from "../dns-zone.ts";
import { startOpenBao, type OpenBaoServer } from "../openbao-server.ts";
import { mintAuthority } from "../tls-authority.ts";
import { startUpstream, type SeenRequest, type UpstreamServer } from "../upstream-server.ts";
import type { LabAddresses } from "./lab/addresses.ts";

/** Names that the lab's world knows; all are one server, which stands in for the real ones. */
export const WORLD_HOSTS = ["api.github.com", "docs.github.com", "status.example.com", "slack.com"] as const;
/** What those answer that have something to say. */
const ANSWERS = { "/services/billing": { healthy: false, detail: "3 of 5 replicas" }, "/api/chat.postMessage": { ok: true } } as const;

/** A request, and when it had arrived by `performance.now()`. */
export interface Arrival extends SeenRequest {
  readonly atMs: number;
}

/** What a lab's pods may find beyond their node: names, HTTPS services under real names, and an OpenBao. */
export interface OutsideWorld {
  /** The CA behind every certificate of this world. */
  readonly rootsPem: string;
  readonly zone: Zone;
  readonly api: UpstreamServer;
  /** What the HTTPS services have seen, in order. */
  readonly arrivals: readonly Arrival[];
  readonly bao: OpenBaoServer;
  /** As node proxies reach it. */
  readonly baoAddress: string;
  /** A token that may read what the chart's `vault.pathTemplate` names, and nothing else. */
  readonly baoToken: string;
  close(): Promise<void>;
}

const HTTPS_PORT = 443;
const DNS_PORT = 53;
const BAO_PORT = 8_200;

/** Starts the servers on the lab's outer addresses. Builds OpenBao first if it has not been built. */
export async function openOutsideWorld({ outside, world }: LabAddresses): Promise<OutsideWorld> {
  const arrivals: Arrival[] = [];
  const opened: (() => Promise<void>)[] = [];
  const close = async () => { await Promise.all(opened.map(async (each) => each())); };
  try {
    const [authority, program] = await Promise.all([mintAuthority("The world outside"), obtainOpenBao(readEnvironment())]);
    const [identity, baoIdentity] = await Promise.all([authority.leaf([...WORLD_HOSTS]), authority.leaf([outside])]);
    const zone = await openZone(Object.fromEntries(WORLD_HOSTS.map((name) => [name, fixed({ type: "A", data: world })])), { address: outside, port: DNS_PORT });
    opened.push(zone.stop);
    const api = await startUpstream(identity, { address: world, port: HTTPS_PORT, answers: ANSWERS, onRequest: (seen) => { arrivals.push({ ...seen, atMs: performance.now() }); } });
    opened.push(api.close);
    const bao = await startOpenBao(program, { address: `${outside}:${BAO_PORT}`, certificate: baoIdentity });
    opened.push(bao.close);
    return { rootsPem: authority.caPem, zone, api, arrivals, bao, baoAddress: `https://${outside}:${BAO_PORT}`, baoToken: await narrowToken(bao), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function narrowToken(bao: OpenBaoServer): Promise<string> {
  await bao.call("PUT", "sys/policies/acl/weir", { policy: 'path "secret/data/weir/*" { capabilities = ["read"] }' });
  const { auth } = await bao.call("POST", "auth/token/create", { policies: ["weir"], no_default_policy: true }) as { auth: { client_token: string } };
  return auth.client_token;
}

import type { Lab } from "../lab.ts";
import type { Peer } from "./peer.ts";

/** No proxy at all: what the driver and the upstream take by themselves. */
export async function startDirect(lab: Lab): Promise<Peer> {
  return {
    name: "direct", pid: null, remark: "no proxy; the driver sends the credential itself", stop: async () => {},
    target: {
      at: lab.upstreamPort, preamble: null, connectTo: null, serverName: lab.upstreamName, authority: `${lab.upstreamName}:${lab.upstreamPort}`,
      authorization: lab.credential, caFile: lab.caFile,
    },
  };
}

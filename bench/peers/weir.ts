import type { Lab } from "../lab.ts";
import { PeerMissing, type Peer } from "./peer.ts";

export async function startWeir(_lab: Lab): Promise<Peer> {
  throw new PeerMissing("not yet");
}

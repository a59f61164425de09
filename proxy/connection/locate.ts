import { EgressError } from "../errors.ts";
import type { Classified, Destination, Heard } from "../model/connection.ts";
import type { NameBook } from "../names/name-book.ts";

/**
 * in: Heard · out: Classified · ends early with: destination.unknown, destination.mismatch · next: screen.ts
 *
 * Finds the one destination: the name behind the synthetic address that was dialled, or the literal address. The server name of a TLS
 * client must be that name; with a literal address there is none to send (RFC 6066 §3).
 */
export function locate(heard: Heard, names: NameBook): Classified {
  const destination = destinationOf(heard, names);
  if (heard.wire.kind === "tls") mustAgree(heard.wire.serverName, destination);
  return { ...heard, destination };
}

function destinationOf({ agent, dialled }: Heard, names: NameBook): Destination {
  const { address, port } = dialled;
  if (!names.isSynthetic(address)) return { kind: "address", address, port };
  const name = names.nameOf(agent.instance, address);
  if (name === null) throw new EgressError("destination.unknown", `${address} stands for no name`);
  return { kind: "name", name, port };
}

function mustAgree(serverName: string | null, destination: Destination): void {
  const expected = destination.kind === "name" ? destination.name : null;
  if (serverName === expected) return;
  throw new EgressError("destination.mismatch", `server name ${serverName ?? "(none)"} on a connection to ${expected ?? "an address"}`);
}

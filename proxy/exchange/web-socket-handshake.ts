import { createHash } from "node:crypto";
import { EgressError } from "../errors.ts";
import type { HeaderList, OutboundHead } from "../model/request.ts";
import { listMembers } from "./header-rules.ts";
import { passable } from "./read-answer.ts";

/** RFC 6455 §1.3. */
const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * Checks a destination's 101 against what was asked of it (RFC 6455 §4.1, client's part 5).
 * @returns its fields that may reach the agent @throws EgressError `upstream.malformed`
 */
export function readWebSocketAnswer(headers: HeaderList, outbound: OutboundHead): HeaderList {
  if (outbound.upgrade !== "websocket") throw malformed("101 to a request that asked for no upgrade");
  if (only(headers, "upgrade")?.toLowerCase() !== "websocket") throw malformed("101 to something else than a WebSocket");
  if (!valuesOf(headers, "connection").flatMap(listMembers).includes("upgrade")) throw malformed("101 without Connection: Upgrade");
  if (only(headers, "sec-websocket-accept") !== acceptFor(asked(outbound, "sec-websocket-key"))) throw malformed("a wrong Sec-WebSocket-Accept");
  requireOffered(headers, outbound, "sec-websocket-protocol");
  requireOffered(headers, outbound, "sec-websocket-extensions");
  return passable(headers);
}

export function acceptFor(key: string): string {
  return createHash("sha1").update(key + ACCEPT_GUID).digest("base64");
}

/** Whatever the destination chose must have been offered; parameters of an extension are its own. */
function requireOffered(headers: HeaderList, outbound: OutboundHead, name: string): void {
  const names = (values: readonly string[]) => values.flatMap(listMembers).map((member) => member.split(";", 1)[0]?.trim());
  const offered = names([asked(outbound, name)]);
  if (!names(valuesOf(headers, name)).every((chosen) => offered.includes(chosen))) throw malformed(`${name} chosen that was not offered`);
}

function asked(outbound: OutboundHead, name: string): string {
  return outbound.headers.filter(([field]) => field === name).map(([, value]) => (typeof value === "string" ? value : "")).join(",");
}

function valuesOf(headers: HeaderList, name: string): string[] {
  return headers.filter(([field]) => field === name).map(([, value]) => value);
}

function only(headers: HeaderList, name: string): string | undefined {
  const values = valuesOf(headers, name);
  return values.length === 1 ? values[0] : undefined;
}

function malformed(detail: string): EgressError {
  return new EgressError("upstream.malformed", detail);
}

import type { AskMcp, McpAnswer } from "../mcp/mcp.ts";
import type { Allow, Ask, Deny } from "../model/decision.ts";
import type { McpReading } from "../model/readings.ts";
import type { HeaderList } from "../model/request.ts";
import { decide } from "./decide.ts";
import type { ExchangeDraft } from "./open-record.ts";
import { requireDecided } from "./read-body.ts";
import type { ExchangePath } from "./serve-exchange.ts";

/** Watches the answer of an MCP server, as its head arrives. @param tell sends bytes to the agent between two events of the answer; false if it does not read them */
export type WatchMcp = (status: number, headers: HeaderList, tell: (bytes: Buffer) => boolean) => McpAnswer | null;

/**
 * What filters the answer of this exchange, if policy has it filtered: because it read the request as MCP, or because the allow obliges to it (the stream
 * that an agent opens with GET has no body to read).
 */
export function watchMcp(draft: ExchangeDraft, { obligations }: Allow, path: ExchangePath): WatchMcp | null {
  const { head, read, text, incoming: { connection, exchangeId } } = draft;
  const isMcp = obligations.filter === "mcp" || (read?.asked ?? null) !== null;
  if (head === null || !isMcp) return null;
  const { instance } = connection.agent;
  const ask: AskMcp = async (reading) => {
    const decision = requireDecided(await decide(head, connection, path.rooms, { read: { mcp: null }, mcp: reading }));
    if (decision.kind !== "ask") return decision.kind === "allow" ? "allow" : decision;
    return askable(decision, reading, draft, path);
  };
  const through = { ask, room: path.held.roomOf(connection.agent), instance, requestId: exchangeId };
  const asked = read?.asked ?? (text === null ? null : path.rooms.mcp.askedBy(head, text));
  return (status, headers, tell) => path.rooms.mcp.watch(head, asked, { status, headers }, { ...through, tell });
}

/** What a person may allow is shown in lists. Nobody is asked in the middle of an answer: what a server asks then counts as denied, unless it is approved already. */
function askable({ rule, revision }: Ask, { is_listing: isListing }: McpReading, { incoming: { connection: { agent } } }: ExchangeDraft, { rooms: { approvals } }: ExchangePath): "allow" | Deny {
  if (isListing || approvals.covers({ agent }, rule)) return "allow";
  const reason = "a person would have to allow this, and nobody is asked in the middle of an answer";
  return { kind: "deny", rule, reason, hint: "Have it approved for the thread first, or allow it in an entry of its own.", revision };
}

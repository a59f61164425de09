import type { Context } from "hono";
import { answerLedgerCall, type CallerRights } from "../../../common/ledger/store-server.ts";
import { CALL_LIMIT_BYTES, type LedgerCall } from "../../../common/ledger/wire.ts";
import type { Api, ApiEnv, RouteParts } from "../context.ts";
import { ApiProblem } from "../problem.ts";

const CALLS: ReadonlySet<LedgerCall> = new Set<LedgerCall>(["acquire", "report", "slices", "standings"]);
/** Whatever a node's proxy calls its holders, they are that node's. */
const RIGHTS: CallerRights = { calls: CALLS, isHolder: () => true, seesOnlyNamed: true };

/** Where node proxies take slices of budgets and report them: the protocol of ledgers (common/ledger/wire.ts), not part of the documented API. */
export function ledgerRoutes(api: Api, parts: RouteParts): void {
  api.post("/internal/v1/ledger/:call", async (context) => {
    const node = await requireNode(context, parts);
    const body = await context.req.text();
    if (Buffer.byteLength(body) > CALL_LIMIT_BYTES) throw new ApiProblem("request.too-large", `a call has at most ${CALL_LIMIT_BYTES} bytes`, { rule: "ledger.size" });
    const reply = await answerLedgerCall(parts.ledgerOfNode(node), { call: context.req.param("call"), body }, RIGHTS, parts.log);
    return context.body(reply.body, reply.status, { "content-type": "application/json", "cache-control": "no-store" });
  });
}

async function requireNode(context: Context<ApiEnv>, { access }: RouteParts): Promise<string> {
  const caller = context.get("caller");
  await access.require(caller, { action: "ledger.use", namespace: "" });
  if (caller.kind !== "node") throw new ApiProblem("internal", "access allowed what it cannot have allowed");
  return caller.node;
}

import { createRoute, z } from "@hono/zod-openapi";
import { Changes } from "../../../common/approvals/changes.ts";
import type { QuestionView } from "../../../common/approvals/views.ts";
import { approvalPoll, approvalReport, APPROVALS_PATHS, type PollReply } from "../../../common/approvals/wire.ts";
import type { NodeProxy } from "../../access/access.ts";
import type { AskedQuestion, AskingProxy } from "../../approvals/approval-store.ts";
import type { Api, RouteParts } from "../context.ts";
import { jsonAnswer, jsonBody, orProblem } from "../describe.ts";
import { ApiProblem } from "../problem.ts";

const report = createRoute({
  method: "post", path: APPROVALS_PATHS.report, operationId: "reportApprovals", summary: "Node proxies: questions of instances of this node", hide: true,
  request: { body: jsonBody(approvalReport) }, responses: { 200: jsonAnswer("Those that are kept.", z.strictObject({ kept: z.array(z.string()) })), ...orProblem },
});
const poll = createRoute({
  method: "post", path: APPROVALS_PATHS.poll, operationId: "pollApprovals", summary: "Node proxies: what people said, at once if it is news", hide: true,
  request: { body: jsonBody(approvalPoll) }, responses: { 200: jsonAnswer("All that this proxy has to know.", z.looseObject({})), ...orProblem },
});

/** How node proxies have people asked. A question of a pod of another node, or in another agent's name, is not kept. */
export function nodeApprovalRoutes(api: Api, parts: RouteParts): void {
  const { access, approvals, clock } = parts;
  const requireNode = async (caller: Parameters<typeof access.require>[0]): Promise<NodeProxy> => {
    await access.require(caller, { action: "approval.report", namespace: "" });
    if (caller.kind !== "node") throw new ApiProblem("internal", "access allowed what it cannot have allowed");
    return caller;
  };
  api.openapi(report, async (context) => {
    const caller = await requireNode(context.get("caller"));
    const { proxy, startedAtMs, sentAtMs, asked, over } = context.req.valid("json");
    const from = { node: caller.node, proxy, startedAtMs };
    const nowMs = clock.nowMs();
    const here = asked.filter((view) => view !== null).map((view) => atOurClock(view, nowMs - sentAtMs));
    const vouched = (await Promise.all(here.map(async (view) => vouchedQuestion(view, caller, parts)))).filter((one) => one !== null);
    const kept = await approvals.ask(from, vouched, nowMs);
    await approvals.end(from, over, nowMs);
    return context.json({ kept: [...kept] }, 200);
  });
  api.openapi(poll, async (context) => {
    const caller = await requireNode(context.get("caller"));
    const { proxy, startedAtMs, version, waitMs } = context.req.valid("json");
    const from = { node: caller.node, proxy, startedAtMs };
    // Also one that has nothing to ask is the successor of those before it.
    await approvals.ask(from, [], clock.nowMs());
    const news = await newsAfter(from, { version, waitMs, signal: context.req.raw.signal }, parts);
    return context.json(news, 200);
  });
}

/** The clocks of nodes and of the controller differ: what counts is how long ago it was asked, and how much time is left. */
function atOurClock(view: QuestionView, aheadMs: number): QuestionView {
  return { ...view, askedAtMs: Math.max(0, view.askedAtMs + aheadMs), expiresAtMs: Math.max(0, view.expiresAtMs + aheadMs) };
}

/** Who the instance is, whom it serves and for whom is the cluster's word, not the node's. Null for one that the node may not speak for. */
async function vouchedQuestion(view: QuestionView, caller: NodeProxy, { access }: RouteParts): Promise<AskedQuestion | null> {
  const { namespace, name, thread, instance, pod } = view.agent;
  if (pod === null) return null;
  const known = await access.instanceOn(caller, { namespace, pod, uid: instance.split("/", 1)[0] ?? "" });
  if (known === null || known.agent !== name || thread !== (known.thread?.name ?? pod)) return null;
  const { uid: threadUid, user, chain } = known.thread ?? { uid: null, user: view.agent.user, chain: [] };
  return { view: { ...view, agent: { ...view.agent, user, chain: [...chain] } }, threadUid };
}

interface Known {
  readonly version: string;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** Looks, and looks again whenever something has changed, until there is something new or the time is over. */
async function newsAfter(from: AskingProxy, { version, waitMs, signal }: Known, { approvals, clock }: RouteParts): Promise<PollReply> {
  const untilMs = clock.monotonicMs() + waitMs;
  using changes = new Changes(approvals);
  for (;;) {
    const news = await approvals.news(from, clock.nowMs());
    const leftMs = untilMs - clock.monotonicMs();
    if (news.version !== version || leftMs <= 0 || signal.aborted) return news;
    await changes.next(Math.min(leftMs, LOOK_EVERY_MS), signal);
  }
}

/** A lost signal, and an approval that ends by time, cost no more than this. */
const LOOK_EVERY_MS = 2_000;

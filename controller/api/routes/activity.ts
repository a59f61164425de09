import { createRoute, z } from "@hono/zod-openapi";
import type { Exhaustion } from "../../threads/thread-store.ts";
import { ApiProblem } from "../problem.ts";
import type { Api, RouteParts } from "../context.ts";
import { jsonAnswer, jsonBody, orProblem } from "../describe.ts";
import { activityReport } from "../schemas.ts";

const report = createRoute({
  method: "post", path: "/internal/v1/activity", operationId: "reportActivity",
  summary: "Node proxies: when instances of this node were last seen active, and which budget stops them", hide: true,
  request: { body: jsonBody(activityReport) },
  responses: { 200: jsonAnswer("How many of them count.", z.strictObject({ accepted: z.int(), ignored: z.int() })), ...orProblem },
});

/** What node proxies tell. Of pods of other nodes, and of those that serve no thread, nothing is believed. */
export function activityRoutes(api: Api, parts: RouteParts): void {
  api.openapi(report, async (context) => {
    const caller = context.get("caller");
    await parts.access.require(caller, { action: "activity.report", namespace: "" });
    if (caller.kind !== "node") throw new ApiProblem("internal", "access allowed what it cannot have allowed");
    const nowMs = parts.clock.nowMs();
    const activity = new Map<string, number>();
    const exhaustion = new Map<string, Exhaustion | null>();
    for (const { namespace, name, podUid, lastActivityMs, exhausted } of context.req.valid("json").instances) {
      const instance = await parts.access.instanceOn(caller, { namespace, pod: name, uid: podUid });
      if (instance === null || instance.thread === null) continue;
      // A proxy whose clock is ahead must not keep an instance awake for hours.
      activity.set(instance.thread.uid, Math.max(activity.get(instance.thread.uid) ?? 0, Math.min(lastActivityMs, nowMs)));
      if (exhausted !== undefined) exhaustion.set(instance.thread.uid, exhausted);
    }
    await parts.store.noteActivity(activity);
    await parts.store.noteExhaustion(exhaustion);
    return context.json({ accepted: activity.size, ignored: context.req.valid("json").instances.length - activity.size }, 200);
  });
}

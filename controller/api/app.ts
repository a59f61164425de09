import { randomUUID } from "node:crypto";
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { describeError } from "../../common/lifecycle.ts";
import { INSTANCE_HEADER } from "../../common/labels.ts";
import { VERSION } from "../../common/version.ts";
import { authentication, deadline, wholeBody } from "./gates.ts";
import type { Api, ApiEnv, RouteParts } from "./context.ts";
import { ApiProblem, problemOf } from "./problem.ts";
import { activityRoutes } from "./routes/activity.ts";
import { agentRoutes } from "./routes/agents.ts";
import { approvalRoutes } from "./routes/approvals.ts";
import { budgetRoutes } from "./routes/budgets.ts";
import { childRoutes } from "./routes/children.ts";
import { cloudEventRoutes } from "./routes/cloud-events.ts";
import { instanceRoutes } from "./routes/instance.ts";
import { ledgerRoutes } from "./routes/ledger.ts";
import { messageRoutes } from "./routes/messages.ts";
import { nodeApprovalRoutes } from "./routes/node-approvals.ts";
import { threadRoutes } from "./routes/threads.ts";

/** The API without its server: gates first, in the order in which a request passes them, then the routes. */
export function buildApp(parts: RouteParts): Api {
  const app: Api = new OpenAPIHono<ApiEnv>({ defaultHook: refuseMalformed });
  app.use(async (context, next) => {
    context.set("requestId", randomUUID());
    const startedAtMs = parts.clock.monotonicMs();
    await next();
    note(parts, context, parts.clock.monotonicMs() - startedAtMs);
  });
  app.onError((error, context) => answerProblem(parts, context, error));
  const unknownPath = { rule: "path.unknown", hint: "compare the request with /openapi.json" };
  app.notFound((context) => answerProblem(parts, context, new ApiProblem("not-found", "there is no such path, or not by this method", unknownPath)));
  app.get("/openapi.json", (context) => context.json(openApiDocument(app)));
  for (const path of ["/v1/*", "/internal/*"]) app.use(path, authentication(parts), deadline(parts.config), wholeBody(parts.config));
  const documented = [agentRoutes, threadRoutes, messageRoutes, cloudEventRoutes, instanceRoutes, childRoutes, budgetRoutes, approvalRoutes];
  for (const routes of [...documented, activityRoutes, ledgerRoutes, nodeApprovalRoutes]) routes(app, parts);
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  return app;
}

/** The document that is checked in as docs/api/openapi.json, and that the client is generated from. */
export function openApiDocument(app: Api): object {
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Weir", version: VERSION,
      description: "Threads and messages of agents. People and webhooks show a bearer token; instances call https://weir.internal from inside their pod and "
        + `show nothing: their boundary says who they are (\`${INSTANCE_HEADER}\`).`,
    },
    security: [{ bearer: [] }],
  });
}

type Hook = NonNullable<NonNullable<ConstructorParameters<typeof OpenAPIHono<ApiEnv>>[0]>["defaultHook"]>;

/** What a refinement of schemas.ts wants to be said. */
const specialIssue = z.strictObject({ code: z.enum(["request.too-large", "request.malformed"]), rule: z.string(), hint: z.string() });

const refuseMalformed: Hook = (result) => {
  if (result.success) return undefined;
  const { issues } = result.error;
  const text = issues.slice(0, 10).map(({ path, message }) => `${path.join(".") || result.target}: ${message}`).join("; ");
  const special = issues.flatMap((issue) => specialIssue.safeParse("params" in issue ? issue.params : null).data ?? [])[0];
  throw new ApiProblem(special?.code ?? "request.malformed", text.slice(0, 2_000), special ?? { rule: "request.schema" });
};

function answerProblem(parts: RouteParts, context: Context<ApiEnv>, error: unknown): Response {
  const problem = problemOf(error);
  const fields = { requestId: context.get("requestId"), code: problem.code, error: describeError(error) };
  if (problem.code === "internal") parts.log.error("api.failed", fields);
  else if (problem.status >= 500) parts.log.warn("api.unavailable", fields);
  if (problem.retryAfterSeconds !== undefined) context.header("retry-after", String(problem.retryAfterSeconds));
  if (problem.status === 401) context.header("www-authenticate", "Bearer");
  return context.json(problem.body(context.get("requestId")), problem.status);
}

/** The pattern of the route that answered, so that paths do not become labels. */
function note(parts: RouteParts, context: Context<ApiEnv>, durationMs: number): void {
  context.header("x-request-id", context.get("requestId"));
  const route = context.req.matchedRoutes.findLast(({ path }) => !path.endsWith("*"))?.path ?? "unknown";
  const { method } = context.req;
  const { status } = context.res;
  parts.metrics?.requestEnded({ route, method, status, durationMs });
  parts.log.debug("api.answered", { requestId: context.get("requestId"), route, method, status, durationMs });
}

import type { z } from "@hono/zod-openapi";
import { problem } from "./schemas.ts";

/** What `createRoute` takes for a JSON body: required, because a body that is not looked at is a body that is not checked. */
export function jsonBody<T extends z.ZodType>(schema: T) {
  return { required: true, content: { "application/json": { schema } } } as const;
}

export function jsonAnswer<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { "application/json": { schema } } } as const;
}

/** Every route may answer with a problem. */
export const orProblem = { default: jsonAnswer("The request was not answered as hoped; `error` says why.", problem) } as const;

export const empty = (description: string) => ({ description }) as const;

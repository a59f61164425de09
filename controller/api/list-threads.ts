import type { z } from "@hono/zod-openapi";
import * as zod from "zod";
import type { Person } from "../access/access.ts";
import type { ThreadRow } from "../threads/thread-store.ts";
import type { ApiParts } from "./context.ts";
import { presentThread } from "./known.ts";
import { ApiProblem } from "./problem.ts";
import type { threadView } from "./schemas.ts";
import { viewOfThread } from "./views.ts";

type View = z.output<typeof threadView>;

const position = zod.tuple([zod.int().min(0), zod.string().min(1).max(64)]);

export interface ThreadPage {
  readonly namespace: string;
  readonly agent: string | undefined;
  readonly limit: number;
  readonly after: string | undefined;
}

/** Threads that the person may see, newest first: all of the namespace for those who may see all, otherwise those with a relation. */
export async function listThreads(
  parts: ApiParts, person: Person, { namespace, agent, limit, after }: ThreadPage,
): Promise<{ threads: View[]; next: string | null }> {
  const seesAll = await parts.access.allows(person, { action: "namespace.list", namespace });
  const rows = await parts.store.listThreads({
    visibleTo: seesAll ? null : parts.access.subjects(person), namespace, limit,
    ...(agent === undefined ? {} : { agent }), ...(after === undefined ? {} : { after: readPosition(after) }),
  });
  const last = rows.at(-1);
  return { threads: await viewsOf(parts, rows), next: last !== undefined && rows.length === limit ? writePosition(last) : null };
}

/** Rows whose resource is gone are passed over: nobody has told the store yet. */
export async function viewsOf(parts: ApiParts, rows: readonly ThreadRow[]): Promise<View[]> {
  const demands = await parts.store.demandsOf(rows.map(({ uid }) => uid));
  const views = await Promise.all(rows.map(async (row) => {
    const thread = presentThread(await parts.objects.thread({ namespace: row.namespace, name: row.name }));
    return thread === null || thread.metadata.uid !== row.uid ? [] : [viewOfThread(thread, row.createdAtMs, demands.get(row.uid))];
  }));
  return views.flat();
}

function writePosition({ createdAtMs, uid }: ThreadRow): string {
  return Buffer.from(JSON.stringify([createdAtMs, uid])).toString("base64url");
}

function readPosition(cursor: string): { createdAtMs: number; uid: string } {
  try {
    const [createdAtMs, uid] = position.parse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")));
    return { createdAtMs, uid };
  } catch (cause) {
    throw new ApiProblem("request.malformed", "after: is no cursor of this list", { cause });
  }
}

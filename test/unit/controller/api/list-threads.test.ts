import { describe, expect, test } from "vitest";
import { knownThread } from "../../../../controller/api/known.ts";
import { listThreads, viewsOf } from "../../../../controller/api/list-threads.ts";
import { ALICE, fewParts, refuse } from "../../../support/api/api-parts.ts";

const page = { namespace: "ns", agent: undefined, limit: 2, after: undefined };

async function withThreads(...names: string[]) {
  const parts = fewParts();
  for (const name of names) {
    await parts.addThread(name);
    await knownThread(parts, { namespace: "ns", name });
  }
  return parts;
}

describe("a list of threads", () => {
  test("is of all for those who see all, and by their relations for others", async () => {
    const parts = await withThreads();
    await listThreads(parts, ALICE, page);
    parts.answer = refuse;
    await listThreads(parts, ALICE, { ...page, agent: "runner" });
    expect(parts.threads.queries).toEqual([{ visibleTo: null, namespace: "ns", limit: 2 }, { visibleTo: ["user:alice"], namespace: "ns", limit: 2, agent: "runner" }]);
  });

  test("goes on where a full page ended", async () => {
    const parts = await withThreads("a", "b");
    const { threads, next } = await listThreads(parts, ALICE, page);
    expect(threads.map(({ name }) => name)).toEqual(["a", "b"]);
    await listThreads(parts, ALICE, { ...page, after: next! });
    expect(parts.threads.queries.at(-1)).toMatchObject({ after: { uid: threads[1]?.uid } });
    expect((await listThreads(parts, ALICE, { ...page, limit: 3 })).next).toBeNull();
  });

  test.each(["", "x", "e30", Buffer.from('[-1,"u"]').toString("base64url"), Buffer.from('[1,"u",2]').toString("base64url")])("does not take %j for a cursor", async (after) => {
    await expect(listThreads(await withThreads(), ALICE, { ...page, after })).rejects.toMatchObject({ code: "request.malformed" });
  });

  test("leaves out rows whose resource is gone, or is another by now", async () => {
    const parts = await withThreads("a");
    const [row] = parts.threads.rows.values();
    expect(await viewsOf(parts, [{ ...row!, name: "gone" }, { ...row!, uid: "earlier" }, row!])).toMatchObject([{ name: "a" }]);
  });
});

import { expect, test } from "vitest";
import type { Informer, KubeObject } from "../../../../common/kube/kube-api.ts";
import { openBudgetBook } from "../../../../controller/boundary/budget-book.ts";
import { boundaryConfig } from "../../../../controller/boundary/config.ts";

const USD = { meter: "usd", limit: "2.50" };

function stand(installation: object = {}) {
  const objects = new Map<string, KubeObject>();
  const listeners: Parameters<Informer["onChange"]>[0][] = [];
  let reads = 0;
  const informer = {
    list: () => { reads += 1; return [...objects.values()]; },
    onChange: (listener: Parameters<Informer["onChange"]>[0]) => { listeners.push(listener); return () => undefined; },
  };
  const put = (namespace: string, name: string, spec: object) => {
    const object = { metadata: { namespace, name, uid: name }, spec };
    objects.set(`${namespace}/${name}`, object);
    for (const listener of listeners) listener({ namespace, name }, object);
  };
  return { put, book: openBudgetBook(informer, boundaryConfig.parse({ budgets: installation }).budgets), reads: () => reads };
}

test("the book holds the Budgets that are in force and the installation's, with limits in the units of a ledger", () => {
  const { put, book } = stand({ org: { ...USD, limit: 100 } });
  put("team-a", "daily", { ...USD, parent: "org", timezone: "Europe/Berlin" });
  put("team-a", "orphan", { ...USD, parent: "gone" });
  expect(book.all().map(({ id }) => id)).toEqual(["org", "team-a.daily"]);
  expect(book.find("team-a.daily")).toMatchObject({ namespace: "team-a", name: "daily", limit: 2_500_000_000n, window: "day", timezone: "Europe/Berlin", per: "all", parent: "org" });
  expect(book.find("org")).toMatchObject({ namespace: null, limit: 100_000_000_000n, parent: null });
  expect(book.find("team-a.orphan")).toBeNull();
});

test("a change counts at the next look, and nothing is read again without one", () => {
  const { put, book, reads } = stand();
  put("team-a", "daily", USD);
  for (let index = 0; index < 3; index += 1) expect(book.find("team-a.daily")?.limit).toBe(2_500_000_000n);
  expect(reads()).toBe(1);
  put("team-a", "daily", { ...USD, limit: 1 });
  expect(book.find("team-a.daily")?.limit).toBe(1_000_000_000n);
});

test("a count for each thread is one, whoever else it is said to be for", () => {
  const { put, book } = stand();
  put("team-a", "daily", { ...USD, window: "thread", per: "user" });
  expect(book.find("team-a.daily")?.per).toBe("thread");
});

import { describe, expect, test } from "vitest";
import type { KubeObject, ObjectRef } from "../../../../common/kube/kube-api.ts";
import { SpecChanges } from "../../../../controller/boundary/changes.ts";

const LONG_MS = 60_000;

function anInformer() {
  const listeners = new Set<(key: ObjectRef, object: KubeObject | null) => void>();
  return {
    listeners,
    onChange: (listener: (key: ObjectRef, object: KubeObject | null) => void) => {
      listeners.add(listener);
      return () => { listeners.delete(listener); };
    },
    tell: (generation: number | null, uid = "u") => {
      const key = { namespace: "a", name: "b" };
      for (const listener of listeners) listener(key, generation === null ? null : { metadata: { ...key, uid, generation } });
    },
  };
}

/** True if a change is waiting to be looked at. */
async function isWaiting(changes: SpecChanges): Promise<boolean> {
  const turn = new AbortController();
  const noticed = changes.next(LONG_MS, turn.signal).then(() => !turn.signal.aborted);
  queueMicrotask(() => { queueMicrotask(() => { turn.abort(); }); });
  const hasChanged = await noticed;
  changes.forget();
  return hasChanged;
}

describe("a change", () => {
  test("is one of a spec: what others write into a status is none", async () => {
    const informer = anInformer();
    const changes = new SpecChanges([informer]);
    const noticed: boolean[] = [];
    for (const [generation, uid] of [[1, "u"], [1, "u"], [2, "u"], [2, "u"], [2, "other"], [null, ""], [2, "other"]] as const) {
      informer.tell(generation, uid);
      noticed.push(await isWaiting(changes));
    }
    expect(noticed).toEqual([true, false, true, false, true, true, true]);
  });

  test("wakes who waits for it", async () => {
    const informer = anInformer();
    const changes = new SpecChanges([informer]);
    const next = changes.next(LONG_MS, new AbortController().signal);
    informer.tell(1);
    await next;
  });

  test("is not needed when the time is over, or when it is time to stop", async () => {
    const changes = new SpecChanges([anInformer()]);
    await changes.next(1, new AbortController().signal);
    await changes.next(LONG_MS, AbortSignal.abort());
  });

  test("is not listened for after the end", () => {
    const informer = anInformer();
    new SpecChanges([informer]).close();
    expect(informer.listeners.size).toBe(0);
  });
});

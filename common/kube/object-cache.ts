import type { KubeObject, ObjectRef } from "./kube-api.ts";

/** A change of one object; `null` stands for one that is gone. */
export type Change = readonly [key: ObjectRef, object: KubeObject | null];

/** Objects of one type by namespace and name. Says what changed, and keeps only what `select` leaves of an object. */
export class ObjectCache {
  readonly #select: (object: KubeObject) => KubeObject;
  #objects = new Map<string, KubeObject>();

  constructor(select: (object: KubeObject) => KubeObject) {
    this.#select = select;
  }

  get(ref: ObjectRef): KubeObject | undefined {
    return this.#objects.get(keyOf(ref));
  }

  list(): readonly KubeObject[] {
    return [...this.#objects.values()];
  }

  put(object: KubeObject): readonly Change[] {
    const kept = this.#select(object);
    const before = this.get(object.metadata);
    this.#objects.set(keyOf(object.metadata), kept);
    return changes(before, object, kept);
  }

  drop(object: KubeObject): readonly Change[] {
    return this.#objects.delete(keyOf(object.metadata)) ? [[refOf(object), null]] : [];
  }

  /** Takes a full list in place of all that was there. @returns the differences, those that are gone first */
  replaceAll(objects: readonly KubeObject[]): readonly Change[] {
    const before = this.#objects;
    const after = new Map(objects.map((object) => [keyOf(object.metadata), this.#select(object)]));
    this.#objects = after;
    const gone = [...before].filter(([key]) => !after.has(key)).map(([, object]): Change => [refOf(object), null]);
    return [...gone, ...objects.flatMap((object) => changes(before.get(keyOf(object.metadata)), object, after.get(keyOf(object.metadata)) ?? object))];
  }
}

/** Another object under the same name is the end of one and the beginning of the other. */
function changes(before: KubeObject | undefined, after: KubeObject, kept: KubeObject): readonly Change[] {
  const now: Change = [refOf(after), kept];
  if (before === undefined) return [now];
  if (before.metadata.uid !== after.metadata.uid) return [[refOf(after), null], now];
  return before.metadata.resourceVersion === after.metadata.resourceVersion ? [] : [now];
}

function refOf({ metadata: { namespace, name } }: KubeObject): ObjectRef {
  return namespace === undefined ? { name } : { namespace, name };
}

function keyOf(ref: ObjectRef): string {
  return `${ref.namespace ?? ""}/${ref.name}`;
}

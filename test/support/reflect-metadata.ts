/**
 * The four functions of the Reflect metadata proposal that the container inside `@peculiar/x509` asks for when it is loaded. Import it first.
 * Written here because no dependency of ours brings the polyfill.
 */
const metadata = new WeakMap<object, Map<unknown, unknown>>();

function own(target: object): Map<unknown, unknown> {
  const known = metadata.get(target) ?? new Map<unknown, unknown>();
  metadata.set(target, known);
  return known;
}

function getMetadata(key: unknown, target: object): unknown {
  for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    if (metadata.get(at)?.has(key) === true) return metadata.get(at)?.get(key);
  }
  return undefined;
}

if (!("getMetadata" in Reflect)) {
  Object.assign(Reflect, {
    getMetadata,
    getOwnMetadata: (key: unknown, target: object): unknown => metadata.get(target)?.get(key),
    hasOwnMetadata: (key: unknown, target: object): boolean => metadata.get(target)?.has(key) === true,
    defineMetadata: (key: unknown, value: unknown, target: object): void => { own(target).set(key, value); },
  });
}

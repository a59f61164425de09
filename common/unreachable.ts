/** Ends a switch over a closed union: a case that is not handled does not compile, and throws if it ever arrives. */
export function unreachable(value: never): never {
  throw new TypeError(`unhandled case: ${JSON.stringify(value)}`);
}

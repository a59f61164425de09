/** A parameter's name as people write names. Whatever else stands before a `=` may be what it is for. */
const PLAIN_NAME = /^[A-Za-z0-9_.:$[\]-]{1,48}$/;

/**
 * Whether a key of a query may be shown, as the name of a parameter whose value is not. Without a value (`?TOKEN`) it is the value itself; signs of
 * equality alone are none, because they pad tokens.
 */
export function isParameterName(key: string, values: readonly string[]): boolean {
  return PLAIN_NAME.test(key) && values.some((value) => !/^=*$/.test(value));
}

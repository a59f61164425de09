/** By the naming rule of the schema a key that ends so holds a path of this machine. */
const PATH_KEY = /(File|Files|Directory|Path)$/;
const PATH_KEYS = new Set(["directory", "bundle"]);

/** Copies a configuration with every path of this machine in it mapped; `key` is the name of the setting that holds it. */
export function mapPaths(value: unknown, map: (path: string, key: string) => string): unknown {
  return walk(value, null, map);
}

/** @param key of the path that the value is, or null if it is none */
function walk(value: unknown, key: string | null, map: (path: string, key: string) => string): unknown {
  if (typeof value === "string") return key === null ? value : map(value, key);
  if (Array.isArray(value)) return value.map((item) => walk(item, key, map));
  if (typeof value !== "object" || value === null) return value;
  // A `path` is a file's only where the reference says so: Vault has paths of its own.
  const isFileReference = "type" in value && value.type === "file";
  const isPath = (name: string) => PATH_KEY.test(name) || PATH_KEYS.has(name) || (isFileReference && name === "path");
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, name === "data" ? inner : walk(inner, isPath(name) ? name : null, map)]));
}

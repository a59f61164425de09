import { readFileSync } from "node:fs";

/** What the kernel calls this start of the machine; null where it does not say, and every start counts as another (Linux: random(4)). */
export function bootId(path = "/proc/sys/kernel/random/boot_id"): string | null {
  try {
    const id = readFileSync(path, "utf8").trim();
    return /^[0-9a-f-]{36}$/.test(id) ? id : null;
  } catch {
    return null;
  }
}

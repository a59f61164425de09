import { readFileSync } from "node:fs";
import { isIP } from "node:net";

/**
 * The DNS servers of this machine, from the text of resolv.conf(5): `nameserver` lines only. Search domains and options are left out on
 * purpose: a destination is a whole name, never completed.
 */
export function readNameServers(resolvConf: string): string[] {
  return resolvConf.split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([keyword, address]) => keyword === "nameserver" && address !== undefined && isIP(address) !== 0)
    .map(([, address = ""]) => address)
    .slice(0, 3);
}

/** Reads /etc/resolv.conf; if it is missing or names nobody, the local resolver is asked, as resolv.conf(5) says. */
export function systemNameServers(path = "/etc/resolv.conf"): string[] {
  try {
    const servers = readNameServers(readFileSync(path, "utf8"));
    return servers.length > 0 ? servers : ["127.0.0.1"];
  } catch {
    return ["127.0.0.1"];
  }
}

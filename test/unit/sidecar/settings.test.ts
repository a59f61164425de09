import { describe, expect, test } from "vitest";
import { readSettings, SettingsError } from "../../../sidecar/settings.ts";

const required = ["--proxy", "unix:/run/weir/proxy.sock", "--token-file", "/run/weir/token"];

describe("sidecar settings", () => {
  test("have a default for everything but the proxy and the token", () => {
    expect(readSettings(required)).toEqual({
      proxy: { path: "/run/weir/proxy.sock" }, tokenFile: "/run/weir/token", doors: [{ tcpPort: 15_001, dnsPort: 15_053, container: null }], readyFile: null,
      connectionLimit: 8_000, flowLimit: 512, drainTimeoutMs: 30_000, endsWithStdin: false,
    });
  });

  test.each([
    ["10.0.0.1:15008", { host: "10.0.0.1", port: 15_008 }],
    ["[fd00::1]:15008", { host: "fd00::1", port: 15_008 }],
    ["unix:/a:1", { path: "/a:1" }],
  ])("read the proxy %s", (text, proxy) => {
    expect(readSettings(["--proxy", text, "--token-file", "/t"]).proxy).toEqual(proxy);
  });

  test("give each container with an identity of its own the pair of ports of its index", () => {
    expect(readSettings([...required, "--tcp-port", "20000", "--container", "shell=0", "--container", "files=15"]).doors).toEqual([
      { tcpPort: 20_000, dnsPort: 15_053, container: null }, { tcpPort: 20_001, dnsPort: 15_054, container: "shell" }, { tcpPort: 20_016, dnsPort: 15_069, container: "files" },
    ]);
  });

  test.each([
    ["an unknown flag", [...required, "--policy", "x"], /--policy: unknown flag/],
    ["a flag without its value", [...required, "--tcp-port"], /--tcp-port: unknown flag, or its value is missing/],
    ["a flag given twice", [...required, "--proxy", "unix:/b"], /--proxy: given twice/],
    ["a relative socket path", ["--proxy", "unix:a", "--token-file", "/t"], /--proxy: must be/],
    ["an IPv6 address without brackets", ["--proxy", "fd00::1:80", "--token-file", "/t"], /--proxy: must be/],
    ["a port over 65535", ["--proxy", "a:70000", "--token-file", "/t"], /--proxy: must be/],
    ["a number that is none", [...required, "--connection-limit", "1e3"], /--connection-limit: must be a whole number/],
    ["a container without an index", [...required, "--container", "shell"], /--container: must be NAME=INDEX/],
    ["a container above the limit", [...required, "--container", "shell=16"], /--container: must be NAME=INDEX/],
    ["a container that is no DNS label", [...required, "--container", "Shell=0"], /--container: must be NAME=INDEX/],
    ["two containers on one pair of ports", [...required, "--container", "a=0", "--container", "b=0"], /--container: a name or an index is given twice/],
    ["one container on two pairs of ports", [...required, "--container", "a=0", "--container", "a=1"], /--container: a name or an index is given twice/],
    ["no token file", ["--proxy", "unix:/a"], /--token-file: is required/],
  ])("refuse %s", (_name, args, reason) => {
    expect(() => readSettings(args)).toThrow(SettingsError);
    expect(() => readSettings(args)).toThrow(reason);
  });

  test("name every problem at once", () => {
    expect(() => readSettings(["--tcp-port", "x", "--dns-port", "y"])).toThrow(/proxy[^]*tcp-port[^]*dns-port[^]*token-file/);
  });
});

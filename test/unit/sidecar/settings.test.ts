import { describe, expect, test } from "vitest";
import { readSettings, SettingsError } from "../../../sidecar/settings.ts";

const required = ["--proxy", "unix:/run/weir/proxy.sock", "--token-file", "/run/weir/token"];

describe("sidecar settings", () => {
  test("have a default for everything but the proxy and the token", () => {
    expect(readSettings(required)).toEqual({
      proxy: { path: "/run/weir/proxy.sock" }, tokenFile: "/run/weir/token", tcpPort: 15_001, dnsPort: 15_053,
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

  test.each([
    ["an unknown flag", [...required, "--policy", "x"], /--policy: unknown flag/],
    ["a flag without its value", [...required, "--tcp-port"], /--tcp-port: unknown flag, or its value is missing/],
    ["a flag given twice", [...required, "--proxy", "unix:/b"], /--proxy: given twice/],
    ["a relative socket path", ["--proxy", "unix:a", "--token-file", "/t"], /--proxy: must be/],
    ["an IPv6 address without brackets", ["--proxy", "fd00::1:80", "--token-file", "/t"], /--proxy: must be/],
    ["a port over 65535", ["--proxy", "a:70000", "--token-file", "/t"], /--proxy: must be/],
    ["a number that is none", [...required, "--connection-limit", "1e3"], /--connection-limit: must be a whole number/],
    ["no token file", ["--proxy", "unix:/a"], /--token-file: is required/],
  ])("refuse %s", (_name, args, reason) => {
    expect(() => readSettings(args)).toThrow(SettingsError);
    expect(() => readSettings(args)).toThrow(reason);
  });

  test("name every problem at once", () => {
    expect(() => readSettings(["--tcp-port", "x", "--dns-port", "y"])).toThrow(/proxy[^]*tcp-port[^]*dns-port[^]*token-file/);
  });
});

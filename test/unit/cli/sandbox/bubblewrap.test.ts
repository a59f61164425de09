import { describe, expect, test } from "vitest";
import { agentVariables } from "../../../../cli/sandbox/agent-variables.ts";
import { bubblewrapArguments, bubblewrapCommand, type BubblewrapOptions } from "../../../../cli/sandbox/bubblewrap.ts";
import { CREDENTIAL_STORES, expandHome } from "../../../../cli/sandbox/credential-stores.ts";

const options: BubblewrapOptions = {
  mounts: [{ kind: "private-folder", path: "/tmp" }, { kind: "writable", path: "/home/agent" }, { kind: "empty-file", path: "/home/agent/.netrc" }],
  emptyFile: "/tmp/run/empty", cwd: "/home/agent", uid: 1_000, gid: 1_000, environment: { HOME: "/home/agent", LD_PRELOAD: "/home/agent/evil.so" },
};
const text = bubblewrapArguments(options).join(" ");

describe("bubblewrap", () => {
  test("takes every capability and every namespace but the network's, which the stage has made", () => {
    for (const flag of ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--cap-drop ALL", "--seccomp 5"]) expect(text).toContain(flag);
    expect(text).not.toContain("--unshare-net");
    expect(text).not.toContain("--share-net");
  });

  test("starts from a read-only root and keeps the order of the plan", () => {
    expect(text).toMatch(/--ro-bind \/ \/ .*--perms 1777 --tmpfs \/tmp --bind \/home\/agent \/home\/agent --ro-bind \/tmp\/run\/empty \/home\/agent\/\.netrc/);
  });

  test("gives COMMAND its environment inside, and has none of it itself", () => {
    expect(text).toContain("--clearenv --setenv HOME /home/agent --setenv LD_PRELOAD /home/agent/evil.so");
  });

  test("is deaf to the terminal, COMMAND is not", () => {
    const [program, args] = bubblewrapCommand(["sh", "-c", "true"]);
    expect([program, ...args].join(" ")).toBe("env --ignore-signal=INT,QUIT,HUP,TERM bwrap --args 4 -- /usr/bin/env --default-signal=INT,QUIT,HUP,TERM -- /usr/bin/nice -n 0 -- sh -c true");
  });
});

test("the environment loses what points at the host and gets a runtime folder of its own", () => {
  const given = { PATH: "/bin", DISPLAY: ":0", SSH_AUTH_SOCK: "/s", DBUS_SESSION_BUS_ADDRESS: "unix:path=/b", DOCKER_HOST: "unix:///d", WAYLAND_DISPLAY: "w", XDG_RUNTIME_DIR: "/run/user/5", TMPDIR: "/x" };
  expect(agentVariables(given, "/run/user/1000")).toEqual({ PATH: "/bin", XDG_RUNTIME_DIR: "/run/user/1000" });
});

test("a credential store is in the home", () => {
  expect(expandHome(CREDENTIAL_STORES[0], "/home/agent")).toBe("/home/agent/.ssh");
  expect(expandHome("/etc/x", "/home/agent")).toBe("/etc/x");
  expect(CREDENTIAL_STORES.every((path) => path.startsWith("~/"))).toBe(true);
});

import { describe, expect, test } from "vitest";
import { planMounts, type HostPath, type HostPaths } from "../../../../cli/sandbox/mount-plan.ts";

const folder = (path: string): HostPath => ({ path, isFolder: true });
const file = (path: string): HostPath => ({ path, isFolder: false });

function aHost(changes: Partial<HostPaths> = {}): HostPaths {
  return { cwd: "/home/agent/project", home: "/home/agent", writable: [], hidden: [], readOnly: [], sockets: [], privateFolders: ["/tmp", "/run"], overlays: [], ...changes };
}

const plan = (changes: Partial<HostPaths> = {}) => planMounts(aHost(changes)).map(({ kind, path }) => `${kind} ${path}`);

/** What is finally seen at a path: the last mount at it or above it. */
function seenAt(path: string, changes: Partial<HostPaths>): string {
  const above = planMounts(aHost(changes)).filter((mount) => path === mount.path || path.startsWith(`${mount.path}/`));
  return above.at(-1)?.kind ?? "root";
}

describe("mount plan", () => {
  test("opens the working directory and the home, and nothing else", () => {
    expect(plan()).toEqual(["private-folder /run", "private-folder /tmp", "writable /home/agent", "writable /home/agent/project"]);
  });

  test("leaves nothing writable below a folder that is laid over", () => {
    const changes = { readOnly: [file("/home/agent/weir/node_modules/node/bin/node")], overlays: [{ source: "/packages", target: "/home/agent/weir/node_modules" }] };
    expect(seenAt("/home/agent/weir/node_modules/node/other", changes)).toBe("overlay");
    expect(seenAt("/home/agent/weir/node_modules/node/bin/node", changes)).toBe("read-only");
    expect(seenAt("/home/agent/weir/own", changes)).toBe("writable");
  });

  test("hides a folder and a file of the home", () => {
    const hidden = [folder("/home/agent/.ssh"), file("/home/agent/.netrc")];
    expect(seenAt("/home/agent/.ssh/id", { hidden })).toBe("empty-folder");
    expect(seenAt("/home/agent/.netrc", { hidden })).toBe("empty-file");
    expect(seenAt("/home/agent/other", { hidden })).toBe("writable");
  });

  test("makes policy read-only and pins every folder above it, so that none can be moved away", () => {
    const mounts = plan({ readOnly: [folder("/home/agent/.config/weir/policy")] });
    expect(mounts.slice(-4)).toEqual([
      "writable /home/agent/.config", "writable /home/agent/project", "writable /home/agent/.config/weir", "read-only /home/agent/.config/weir/policy",
    ]);
  });

  test("keeps a working directory below /tmp usable although /tmp is private", () => {
    expect(seenAt("/tmp/work/file", { cwd: "/tmp/work" })).toBe("writable");
    expect(seenAt("/tmp/other", { cwd: "/tmp/work" })).toBe("private-folder");
  });

  test("does not open / or /tmp as a whole just because the command was started there", () => {
    expect(plan({ cwd: "/", home: "/home/agent" })).not.toContain("writable /");
    expect(seenAt("/tmp/x", { cwd: "/tmp" })).toBe("private-folder");
  });

  test("keeps a private folder private inside of a writable one", () => {
    expect(seenAt("/var/tmp/x", { home: "/var", cwd: "/var/project", privateFolders: ["/var/tmp"] })).toBe("private-folder");
  });

  test("lays nothing over sockets that a private folder covers already, and a file over the others", () => {
    const sockets = ["/run/docker.sock", "/home/agent/.cache/agent.sock", "/opt/daemon.sock"];
    const mounts = plan({ sockets });
    expect(mounts).toContain("empty-file /home/agent/.cache/agent.sock");
    expect(mounts).toContain("empty-file /opt/daemon.sock");
    expect(mounts.join()).not.toContain("docker.sock");
  });

  test("never lets a pin, a mount of policy or a socket uncover what is hidden", () => {
    const changes = { hidden: [folder("/home/agent/.weir")], readOnly: [file("/home/agent/.weir/policy/data.yaml")], sockets: ["/home/agent/.weir/proxy.sock"] };
    expect(seenAt("/home/agent/.weir/policy/data.yaml", changes)).toBe("empty-folder");
    expect(seenAt("/home/agent/.weir/proxy.sock", changes)).toBe("empty-folder");
  });

  test("lets policy win over a working directory at the same place or inside", () => {
    const readOnly = [folder("/home/agent/project")];
    expect(seenAt("/home/agent/project/x", { readOnly })).toBe("read-only");
    expect(seenAt("/home/agent/project/sub/x", { readOnly, cwd: "/home/agent/project/sub" })).toBe("read-only");
  });

  test("hides rather than shows what is both hidden and read-only", () => {
    expect(seenAt("/home/agent/key", { readOnly: [file("/home/agent/key")], hidden: [file("/home/agent/key")] })).toBe("empty-file");
  });

  test.each([["/home/agent/.ssh"], ["/home/agent/.ssh/deep"]])("refuses to run in %s, which is hidden", (cwd) => {
    expect(() => plan({ cwd, hidden: [folder("/home/agent/.ssh")] })).toThrow(/must not see/);
  });

  test("makes every mount after those above it", () => {
    const mounts = planMounts(aHost({ hidden: [folder("/home/agent/a/b/c")], readOnly: [folder("/home/agent/a/b")], sockets: ["/home/agent/z/s"], overlays: [{ source: "/x", target: "/run/weir/trust" }] }));
    const depths = mounts.map(({ path }) => path.split("/").length);
    expect(depths).toEqual([...depths].sort((one, other) => one - other));
  });
});

import { describe, expect, test } from "vitest";
import { MountAliases } from "../../../../cli/sandbox/mount-aliases.ts";

const mounts = (...lines: readonly string[]) => new MountAliases(lines.map((line, index) => `${index + 20} 1 ${line} rw - ext4 /dev/x rw`).join("\n"));

describe("mount aliases", () => {
  test("a file has no other path where everything is mounted once", () => {
    expect(mounts("8:1 / /", "8:2 / /home").of("/home/user/.ssh")).toEqual([]);
  });

  test("a folder mounted a second time shows the file again, its root, its parent or all of the disk", () => {
    const machine = mounts("8:1 / /", "8:1 /home/user /mnt/user", "8:1 /home /data/homes", "8:1 / /disk", "8:1 /srv /mnt/srv");
    expect(machine.of("/home/user/.ssh")).toEqual(["/mnt/user/.ssh", "/data/homes/user/.ssh", "/disk/home/user/.ssh"]);
  });

  test("a home that is a mount of its own is found below the disk that it comes from, and the other way round", () => {
    const machine = mounts("8:1 / /", "8:2 /homes /home", "8:2 / /data");
    expect(machine.of("/home/user/key")).toEqual(["/data/homes/user/key"]);
    expect(machine.of("/data/homes/user/key")).toEqual(["/home/user/key"]);
    expect(machine.of("/data/other/key")).toEqual([]);
  });

  test("the folder itself may be the mount", () => {
    expect(mounts("8:1 / /", "8:1 /secrets /mnt/secrets").of("/secrets")).toEqual(["/mnt/secrets"]);
  });

  test("a path that another disk covers is not the file", () => {
    expect(mounts("8:1 / /", "8:1 /home /mnt", "8:3 / /mnt").of("/home/key")).toEqual([]);
  });

  test("names with spaces are read as the kernel writes them", () => {
    expect(mounts("8:1 / /", "8:1 /my\\040home /mnt/a\\040b").of("/my home/key")).toEqual(["/mnt/a b/key"]);
  });
});

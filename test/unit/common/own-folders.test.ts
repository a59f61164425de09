import { userInfo } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { defaultStateDirectory, homeOf, homesOf, stateDirectories, toolDirectory } from "../../../common/own-folders.ts";

const account = userInfo().homedir;

describe("own folders", () => {
  test.each([undefined, "", "relative/home"])("HOME=%j is none: the account's own home counts", (home) => {
    expect(homeOf({ HOME: home })).toBe(account);
    expect(defaultStateDirectory({ HOME: home })).toBe(join(account, ".local/state/weir"));
  });

  test("another HOME is the home, and what lies in the account's own still counts", () => {
    expect(homeOf({ HOME: "/elsewhere" })).toBe("/elsewhere");
    expect(homesOf({ HOME: "/elsewhere" })).toEqual(["/elsewhere", account]);
    expect(stateDirectories({ HOME: "/elsewhere", XDG_STATE_HOME: "/state" })).toEqual(["/state/weir", "/elsewhere/.local/state/weir", join(account, ".local/state/weir")]);
  });

  test.each(["", "state"])("a relative XDG folder (%j) is ignored", (relative) => {
    expect(defaultStateDirectory({ HOME: "/h", XDG_STATE_HOME: relative })).toBe("/h/.local/state/weir");
    expect(toolDirectory({ HOME: "/h", XDG_CACHE_HOME: relative })).toBe("/h/.cache/weir/tools");
    expect(toolDirectory({ HOME: "/h", XDG_CACHE_HOME: "/c" })).toBe("/c/weir/tools");
  });
});

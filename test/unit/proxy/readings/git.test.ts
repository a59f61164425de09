import { describe, expect, test } from "vitest";
import { readGit } from "../../../../proxy/readings/git.ts";
import { requestHead } from "../../../support/request-head.ts";

const read = (method: string, target: string) => readGit(requestHead(method, target));
const malformed = expect.objectContaining({ code: "request.malformed" });
const fetching = { service: "git-upload-pack", repository: "org/name", is_write: false };
const archiving = { service: "git-upload-archive", repository: "org/name", is_write: false };
const pushing = { service: "git-receive-pack", repository: "org/name", is_write: true };

describe("readGit knows smart HTTP by path and query", () => {
  test.each([
    ["GET", "/org/name.git/info/refs?service=git-upload-pack", fetching],
    ["GET", "/org/name/info/refs?service=git-upload-pack", fetching],
    ["POST", "/org/name.git/git-upload-pack", fetching],
    ["GET", "/org/name.git/info/refs?service=git-receive-pack", pushing],
    ["POST", "/org/name/git-receive-pack", pushing],
    ["HEAD", "/org/name/info/refs?service=git-receive-pack", pushing],
    ["POST", "/org/name.git/git-upload-archive", archiving],
    ["GET", "/org/name/info/refs?service=git-upload-archive", archiving],
  ])("%s %s", (method, target, expected) => { expect(read(method, target)).toEqual(expected); });

  test.each([
    ["escapes", "POST", "/%6frg/n%61me.git/git%2Dreceive-pack"], ["an escaped service", "GET", "/org/name/info/refs?%73ervice=git%2Dreceive-pack"],
    ["dot segments", "POST", "/org/x/../name.git/git-receive-pack"], ["empty segments", "POST", "//org//name.git//git-receive-pack"],
    ["capitals of a server that ignores case", "POST", "/org/name.git/Git-Receive-Pack"], ["a slash behind it", "POST", "/org/name.git/git-receive-pack/"],
    ["an ending that is escaped", "POST", "/org/name%2egit/git-receive-pack"], ["the folder of a checkout", "POST", "/org/name/.git/git-receive-pack"],
    ["parameters beside it", "GET", "/org/name/info/refs?a=b&service=git-receive-pack"],
  ])("a push is one through %s", (_what, method, target) => { expect(read(method, target)).toEqual(pushing); });

  test("a repository keeps its folders and its capitals", () => {
    expect(read("POST", "/Group/Sub/Name.git/git-upload-pack")).toMatchObject({ repository: "Group/Sub/Name" });
    expect(read("POST", "/name.git/git-upload-pack")).toMatchObject({ repository: "name" });
  });

  test.each([
    ["the old protocol of files", "GET", "/org/name.git/info/refs"], ["a file of it", "GET", "/org/name.git/objects/info/packs"], ["its head", "GET", "/org/name.git/HEAD"],
    ["another service", "GET", "/org/name.git/info/refs?service=git-upload"], ["another method", "GET", "/org/name.git/git-receive-pack"],
    ["another path", "POST", "/org/name"], ["the root", "GET", "/"], ["LFS", "POST", "/org/name.git/info/lfs/objects/batch"],
  ])("%s is none", (_what, method, target) => { expect(read(method, target)).toBeNull(); });

  test.each([
    ["a service behind a semicolon", "GET", "/org/name/info/refs?a=1;service=git-receive-pack"],
    ["two services", "GET", "/org/name/info/refs?service=git-upload-pack&service=git-receive-pack"],
    ["two services in two writings", "GET", "/org/name/info/refs?service=git-upload-pack&Service=git-receive-pack"],
    ["an unusual writing", "GET", "/org/name/info/refs?SERVICE=git-receive-pack"],
    ["an escape that is none", "GET", "/org/name/info/refs?service=git-%zz"],
    ["an escaped slash in the repository", "POST", "/org%2Fname.git/git-receive-pack"], ["no repository", "POST", "/git-receive-pack"],
    ["the ending twice", "POST", "/org/name.git.git/git-receive-pack"], ["the ending in capitals", "POST", "/org/name.GIT/git-receive-pack"],
    ["the ending before a folder", "POST", "/org/name.git/.git/git-receive-pack"], ["an ending alone", "POST", "/.git/git-receive-pack"],
    ["a parameter of the path", "POST", "/org/name.git/git-receive-pack;a=b"], ["one in the repository", "POST", "/org/name.git;a/git-receive-pack"], ["one in the refs", "GET", "/org/name/info;a/refs?service=git-receive-pack"],
  ])("%s is refused", (_what, method, target) => { expect(() => read(method, target)).toThrow(malformed); });
});

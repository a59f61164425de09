import { describe, expect, test } from "vitest";
import { ConfigDocument } from "../../../common/config-document.ts";

const TEXT = `hosts:
  - name: a.test
    methods: [GET, POST]
  # a comment
  - name: b.test
    paths:
      - /x
      - /y
`;

describe("the line of a place", () => {
  const document = new ConfigDocument(TEXT);

  test.each([
    [["hosts"], 1], [["hosts", 0], 2], [["hosts", 0, "methods"], 3], [["hosts", 0, "methods", 1], 3], [["hosts", 1], 5], [["hosts", "1", "paths", 1], 8],
  ] as const)("%j is %i", (path, line) => { expect(document.lineOf(path)).toBe(line); });

  test("that is not there is that of the nearest that is", () => {
    expect(document.lineOf(["hosts", 1, "rule"])).toBe(5);
    expect(document.lineOf(["hosts", 9])).toBe(1);
    expect(document.lineOf(["names"])).toBeNull();
  });

  test("stands before a problem that names the place, also below another", () => {
    expect(document.placed("hosts.1.paths.1: is no path")).toBe("line 8: hosts.1.paths.1: is no path");
    expect(document.placed("1.name: is no name", ["hosts"])).toBe("line 5: 1.name: is no name");
    expect(document.placed("nowhere: at all")).toBe("nowhere: at all");
  });
});

describe("what YAML has a meaning for", () => {
  const problemsOf = (text: string) => new ConfigDocument(text).problems;

  test("and was meant as text is to be quoted", () => {
    expect(problemsOf("hosts:\n  - name: *.example.com\n  - name: *\n")).toEqual([expect.stringMatching(/^line 3: .*quotes$/)]);
    expect(problemsOf("hosts:\n  - name: *.example.com\n")).toEqual(['line 2: *.example.com must be quoted: "*.example.com" (* has a meaning of its own in YAML)']);
    expect(problemsOf("name: @acme/x")).toEqual([expect.stringMatching(/^line 1: .*quotes$/)]);
    expect(problemsOf("a: 1\nname: !x y")).toEqual([expect.stringMatching(/^line 2: .*quotes$/)]);
    expect(problemsOf("hosts:\n  - name: '*.example.com'\n  - name: \"*\"\n")).toEqual([]);
  });

  test("is said once, without the place twice", () => {
    expect(problemsOf("a:\n  - x\n b: 1\n")).toEqual([expect.stringMatching(/^line 3: [^:]*[^:]$/)]);
    expect(problemsOf("a: &x 1\nb: *x\n")).toEqual(["line 2: *x is an alias; write out what it stands for"]);
    expect(problemsOf("a: 1\n---\nb: 1\n")).toEqual(["line 2: a second document begins here; keep one"]);
  });
});

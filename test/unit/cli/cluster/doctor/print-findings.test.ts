import { expect, test } from "vitest";
import { finding } from "../../../../../cli/cluster/doctor/finding.ts";
import { printFindings } from "../../../../../cli/cluster/doctor/print-findings.ts";
import { recordingIo } from "../../../../support/cli.ts";

const FINDINGS = [finding.ok("kinds", "all there"), finding.warn("nodes", "without: c", "Look."), finding.fail("a name that is much longer than others", "broken\u001b[2J", "Mend it.")];

test("each finding is a line, with what to do below it where there is something to do, and a count at the end", () => {
  const io = recordingIo();
  printFindings(FINDINGS, "text", io);
  expect(io.said().out.split("\n")).toEqual([
    "ok   kinds                 all there", "warn nodes                 without: c", "                           mend: Look.",
    "FAIL a name that is much longer than others  broken?[2J", "                           mend: Mend it.", "", "1 ok, 1 to look at, 1 broken",
  ]);
});

test("as JSON they are as they are", () => {
  const io = recordingIo();
  printFindings(FINDINGS, "json", io);
  expect(JSON.parse(io.said().out)).toEqual({ findings: FINDINGS });
});

import { describe, expect, test } from "vitest";
import { wantedStatuses, type Publication } from "../../../../controller/boundary/statuses.ts";
import { A_BUDGET, A_GRANT, planOf, resourcesOf, type World } from "../../../support/boundary-resources.ts";

const PUBLISHED: Publication = { isPublished: true, revision: "sha256:one" };
const NOW_MS = Date.UTC(2030, 0, 1);

/** Conditions of each object in short, by kind and key. */
function told(world: World, publication: Publication = PUBLISHED) {
  const wanted = wantedStatuses(resourcesOf(world), planOf(world), { publication, nowMs: NOW_MS });
  return Object.fromEntries(wanted.map(({ type, object, fields }) => {
    const conditions = fields["conditions"] as { type: string; status: string; reason: string }[];
    return [`${type.kind} ${object.metadata.name}`, conditions.map((condition) => `${condition.type}=${condition.status} ${condition.reason}`)];
  }));
}
const fieldsOf = (world: World, publication: Publication = PUBLISHED) => wantedStatuses(resourcesOf(world), planOf(world), { publication, nowMs: NOW_MS })[0]!.fields;

const GOOD = { policies: { "a/web": {} }, grants: { "a/github": A_GRANT }, budgets: { "a/daily": A_BUDGET }, agents: { "a/reviewer": { policies: ["web"], grants: ["github"], budgets: ["daily"] } } };

describe("what is told", () => {
  test("of what is in order and in force", () => {
    expect(told(GOOD)).toEqual({
      "EgressPolicy web": ["Accepted=True Accepted", "ResolvedRefs=True ResolvedRefs", "Programmed=True Programmed"],
      "Agent reviewer": ["Accepted=True Accepted", "ResolvedRefs=True ResolvedRefs", "Programmed=True Programmed", "Ready=True Ready"],
      "CredentialGrant github": ["Accepted=True Accepted"],
      "Budget daily": ["Accepted=True Accepted"],
    });
  });

  test("of what is not understood keeps the time since when it is so", () => {
    const world = { agents: { "a/new": { dreams: true } } };
    const [before] = wantedStatuses(resourcesOf(world), planOf(world), { publication: PUBLISHED, nowMs: NOW_MS });
    const seen = resourcesOf(world);
    const again = { ...seen, agents: seen.agents.map((agent) => ({ ...agent, object: { ...agent.object, status: before?.fields } })) };
    const [after] = wantedStatuses(again, planOf(world), { publication: PUBLISHED, nowMs: NOW_MS + 60_000 });
    expect(after?.fields).toEqual(before?.fields);
    expect(before?.fields["conditions"]).toMatchObject([{ type: "Accepted", status: "False", reason: "Unreadable" }, { type: "Ready", status: "False" }]);
  });

  test("while the boundary could not be published", () => {
    const failed: Publication = { isPublished: false, reason: "CompileFailed", message: "too large" };
    expect(told(GOOD, failed)).toMatchObject({ "EgressPolicy web": ["Accepted=True Accepted", "ResolvedRefs=True ResolvedRefs", "Programmed=False CompileFailed"], "Agent reviewer": expect.arrayContaining(["Ready=False CompileFailed"]) });
    expect(fieldsOf(GOOD, failed)).not.toHaveProperty("revision");
  });

  test("of a broken policy, and of the agent that names it", () => {
    const world = { policies: { "a/web": { data: { hosts: [{ name: "A" }] } } }, agents: { "a/reviewer": { policies: ["web"] } } };
    expect(told(world)).toEqual({
      "EgressPolicy web": ["Accepted=False InvalidData", "Programmed=False NotAccepted"],
      "Agent reviewer": ["Accepted=True Accepted", "ResolvedRefs=True ResolvedRefs", "Programmed=False PolicyWithheld", "Ready=False PolicyWithheld"],
    });
    expect(fieldsOf(world)).toMatchObject({ problems: [{ file: "data", message: expect.stringContaining("hosts.0.name") }], observedGeneration: 1 });
  });

  test("of references that lead nowhere", () => {
    const world = { policies: { "a/web": { data: { hosts: [{ name: "a.test", grants: ["gone"] }] } } }, agents: { "a/reviewer": { policies: ["web", "gone"] } } };
    expect(told(world)).toMatchObject({
      "EgressPolicy web": ["Accepted=True Accepted", "ResolvedRefs=False RefNotFound", "Programmed=True Programmed"],
      "Agent reviewer": ["Accepted=True Accepted", "ResolvedRefs=False RefNotFound", "Programmed=False PolicyWithheld", "Ready=False RefNotFound"],
    });
    expect(fieldsOf(world)).toMatchObject({ problems: [{ message: expect.stringContaining("gone") }] });
  });

  test("of a grant whose path is not its own, and of what is of another version", () => {
    const world = { grants: { "a/github": { ...A_GRANT, vault: { path: "../b/github", key: "token" } } }, budgets: { "a/daily": { ...A_BUDGET, colour: "red" } }, agents: { "a/new": { dreams: true } } };
    expect(told(world)).toEqual({
      "CredentialGrant github": ["Accepted=False PathNotAllowed"], "Budget daily": ["Accepted=False Unreadable"], "Agent new": ["Accepted=False Unreadable", "Ready=False Unreadable"],
    });
  });

  test("names at most fifty problems", () => {
    const hosts = Array.from({ length: 80 }, () => ({ name: "A" }));
    expect(fieldsOf({ policies: { "a/web": { data: { hosts } } } })["problems"]).toHaveLength(50);
  });
});

test("a policy keeps the revision that its generation came into force with, so that others' changes do not write to it", () => {
  const [seen] = resourcesOf(GOOD).policies;
  const revisionAfter = (status: object) => {
    const resources = { ...resourcesOf(GOOD), policies: [{ ...seen!, object: { ...seen!.object, status } }] };
    return wantedStatuses(resources, planOf(GOOD), { publication: { isPublished: true, revision: "sha256:two" }, nowMs: NOW_MS })[0]!.fields["revision"];
  };
  expect(revisionAfter({ revision: "sha256:one", observedGeneration: 1 })).toBe("sha256:one");
  expect(revisionAfter({ revision: "sha256:one", observedGeneration: 0 })).toBe("sha256:two");
  expect(revisionAfter({})).toBe("sha256:two");
});

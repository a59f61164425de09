import { AGENT_CONTAINER, type Agent } from "../resources/agent.ts";
import type { CredentialGrant } from "../resources/credential-grant.ts";
import { dummiesOf, type Dummies } from "./grants.ts";

/**
 * The dummies of an instance, by container: each gets those of the grants that it holds itself, as far as they are there. Pure.
 * @param given names of the grants that the thread was narrowed to; null if it was not
 * @param grantOf the grant of a name; null if there is none, or none that is understood
 */
export function containerDummies({ spec }: Agent, given: readonly string[] | null, grantOf: (name: string) => CredentialGrant | null): Record<string, Dummies> {
  const ofGrants = (names: readonly string[]): Dummies => {
    const all = names.filter((name) => given === null || given.includes(name)).flatMap((name) => {
      const grant = grantOf(name);
      return grant === null ? [] : [dummiesOf(grant)];
    });
    return { variables: merged(all.map(({ variables }) => variables)), files: merged(all.map(({ files }) => files)) };
  };
  return { [AGENT_CONTAINER]: ofGrants(spec.grants), ...Object.fromEntries(spec.mcpServers.map(({ name, grants }) => [name, ofGrants(grants)])) };
}

const merged = (records: readonly Readonly<Record<string, string>>[]): Record<string, string> => Object.assign({}, ...records) as Record<string, string>;

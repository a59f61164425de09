import { EXIT, UserError } from "../../common/exit-codes.ts";
import { PACK_NAME } from "./pack-file.ts";
import { parseHostPattern } from "./patterns.ts";

/**
 * What `weir policy new-pack` writes: a commented pack of one host and tests that it passes, by path within the policy folder.
 * @throws UserError for a name or a host that is none
 */
export function newPackFiles(name: string, host: string): ReadonlyMap<string, string> {
  if (!PACK_NAME.test(name)) throw new UserError(`${name} is no name of a pack`, "It is lower case letters, digits and -, such as our-tracker.", EXIT.usage);
  try {
    parseHostPattern(host);
  } catch (cause) {
    throw new UserError(`--host ${host}: ${(cause as Error).message}`, "Such as --host api.example.com.", EXIT.usage, { cause });
  }
  // Tests ask for a host, not for a pattern.
  const asked = host.replace(/^\*{1,2}\.?/, "some.");
  const written = host.startsWith("*") ? `"${host}"` : host;
  const fill = (text: string, place: string) => text.replaceAll("@NAME@", name).replaceAll("@HOST@", place);
  return new Map([[`packs/${name}.yaml`, fill(PACK, written)], [`packs/${name}_test.yaml`, fill(TESTS, asked)]]);
}

const PACK = `# What agents need of @HOST@, and nothing more. What is not written here is refused.
@NAME@:
  title: @NAME@
  about: What agents do there, and what is left out on purpose.
  source: https://example.com/docs     # the service's documentation that the entries follow

  credentials:                         # which secrets are lent; delete this, and \`credential\` below, if there is none
    api:
      about: A key with no more rights than the level needs
      # recipe: @NAME@                # if docs/credentials-recipes.md has one; else the grant is written by hand

  # parameters:                        # what differs from user to user
  #   projects:
  #     about: Projects, by name
  #     kind: name                     # name, path (a/b), host, glob or port
  #     example: [acme]                # or \`default\`; then paths: ["/v1/\${projects}/items"]

  levels:                              # the least first: it is the default
    - name: read
      about: Read items
      hosts:
        - name: @HOST@
          rule: read                   # refusals and the audit show @NAME@.read
          about: read items
          credential: api
          methods: [GET, HEAD]
          paths: ["/v1/items/**"]      # \`*\` is one segment, \`**\` at the end is the rest

    - name: write
      about: Also make and change items
      includes: [read]
      hosts:
        - name: @HOST@
          rule: write
          about: make or change an item   # what a person reads who is asked for it
          credential: api
          methods: [POST, PATCH]
          paths: ["/v1/items", "/v1/items/*"]
`;

const TESTS = `# Each test takes the pack up in one way. For every rule: what it allows, and the nearest thing that it must not.
@NAME@:
  tests:
    - access: read
      grants: [@NAME@]
      cases:
        - name: items are read with the key
          host: @HOST@
          method: GET
          path: /v1/items/7
          expect: allow
          rule: @NAME@.read
          grants: [@NAME@]
        - name: nothing is written
          host: @HOST@
          method: POST
          path: /v1/items
          expect: deny
          rule: @NAME@.read

    - access: write
      grants: [@NAME@]
      cases:
        - name: an item is made
          host: @HOST@
          method: POST
          path: /v1/items
          expect: allow
          rule: @NAME@.write
        - name: an item is not deleted
          host: @HOST@
          method: DELETE
          path: /v1/items/7
          expect: deny
        - name: keys are not made
          host: @HOST@
          method: POST
          path: /v1/keys
          expect: deny
`;

/** What `weir init` writes into the policy folder: file name → content. Both are run by test/policy/starter.test.ts. */
export const STARTER_POLICY_FILES: Readonly<Record<string, string>> = {
  "data.yaml": `# What agents may reach. Everything that is not written here is refused, and every refusal says which line would allow it.
# Changes are taken up while agents run; a file with a mistake is reported and the last good one stays in force.
# Check it: weir policy check policy     Test it: weir policy test policy     Ask it: weir policy try --host example.com

hosts:
  - name: example.com
    rule: example.read            # shown in refusals and in the audit
    methods: [GET, HEAD]          # the default: reading only; ["*"] is every method

  # - name: api.github.com
  #   rule: github.read
  #   paths: ["/repos/**", "/user"]   # \`*\` is one segment, \`**\` at the end is the rest
  #   grants: [github]                # the credential that is lent (see grants: in weir.yaml)
  #   agents: ["local/reviewer"]      # namespace/name; default every agent

  # - name: "*.npmjs.org"             # exactly one label more; "**.npmjs.org" is one or more

  # - name: db.example.com            # a protocol that is not HTTP: bytes pass unread, no credential is lent
  #   ports: [5432]
  #   handling: tunnel

  # - name: "**.example.com"          # a deny wins over every allow
  #   effect: deny
  #   paths: ["/admin/**"]
  #   reason: administration is for people

# Addresses without a name are refused unless they are listed.
# addresses:
#   - cidr: 10.20.0.0/16
#     ports: [5432]
#     handling: tunnel

# Services that there are packs for: what agents need of them, made and tested. List them with: weir policy packs
# packs:
#   - pack: github
#     access: write                   # the pack's level; default the least
#     with: {repositories: ["acme/app"]}
#     grants: {api: github, git: github-git}
#     ask: [github.git.push]          # a person has to allow each push (weir approvals)

# Names that do not even resolve.
names:
  hide: ["**.cluster.local"]
`,
  "data_test.yaml": `# Requests and what must become of them: weir policy test policy
cases:
  - name: example.com can be read
    host: example.com
    method: GET
    path: /
    expect: allow
    rule: example.read

  - name: example.com cannot be written
    host: example.com
    method: POST
    path: /
    expect: deny
    rule: example.read

  - name: a host that nobody listed is refused
    host: elsewhere.test
    method: GET
    expect: deny
    rule: hosts.default

  - name: the metadata service of a cloud is refused
    host: 169.254.169.254
    scheme: http
    expect: deny
    rule: addresses.metadata
`,
};

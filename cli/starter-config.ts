/** What `weir init` writes as weir.yaml. It must parse: test/unit/cli/load-config.test.ts. */
export const STARTER_CONFIG = `# Weir on this machine. Every setting with unit and default: docs/configuration.md. Unknown keys are errors.

# Who the agent is, for policy and audit. \`weir run --agent NAME\` overrides the name.
agent:
  name: agent

# What the agent may reach: policy/data.yaml is data for the built-in Rego library.
# Put your own *.rego beside it when data is not enough. Changes are taken up while agents run.
policy:
  directory: policy

# Credentials that the boundary adds and the agent never sees. A rule of the policy names the grant that it lends.
# grants:
#   github:
#     use: github                     # docs/credentials-recipes.md: where it may go, in which header, with which dummies for the agent
#     credential:
#       type: file                    # docs/credential-sources.md has others: exec (gh auth token), vault, github-app, oauth2 …
#       path: secrets/github-token    # mode 0600; hidden from the agent
#     bind:                           # what is said here wins over the recipe
#       methods: [GET]
#   other:
#     credential: {type: file, path: secrets/other-key}
#     inject: {header: authorization, format: "Bearer {secret}"}
#     bind: {hosts: [api.example.com], methods: [GET], paths: ["/v1/**"]}   # the only place where this credential is ever sent
#     env: {OTHER_API_KEY: auto}      # a dummy of the right shape in the agent's environment

# Caps that hold, to the nano-dollar: docs/budgets.md. \`weir budget\` shows how they stand, \`weir budget topup\` raises one while agents run.
# budgets:
#   perAgent:
#     requests: 1000                  # every agent for itself, in each of its threads
#     window: thread
#   named:
#     models:
#       meter: usd
#       limit: 25                     # dollars a day, for all agents of this machine together
#       window: day
#       timezone: Europe/Berlin
#       applies: always
#       thresholds: [{percent: 80}, {percent: 95, action: ask}]   # ask: at 95 % it waits for \`weir budget approve models\`

# The audit chain is written under the state directory; send it on as well:
# audit:
#   sinks:
#     - name: siem
#       type: https
#       url: https://siem.example.com/ingest
`;

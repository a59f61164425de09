# METADATA
# title: Tenants
# description: |
#   In a cluster each agent names the policies that speak for it (data.egress.cluster). An entry costs nothing to agents
#   that do not name its policy, and nobody is told of policies of others. On one machine there is nothing here.
package weir.tenants

import data.weir.addresses
import data.weir.hosts
import data.weir.own

# METADATA
# title: Policies that the agent names, in its order
# description: Undefined for an agent that is not known.
held := data.egress.cluster.holders[input.agent.namespace][input.agent.name]

# METADATA
# title: Entries of the agent's policies that name a host
hosts_named(name) := [ranked(entry, rank) |
	some rank, policy in held
	some entry in hosts.among(data.egress.cluster.policies[policy].hosts, name)
]

# METADATA
# title: Entries of the agent's policies that name an address
addresses_named(address) := [ranked(entry, rank) |
	some rank, policy in held
	some entry in addresses.among(data.egress.cluster.policies[policy].addresses, address)
]

# METADATA
# title: An entry in its policy's place
# description: |
#   Arrays sort after numbers, and by their elements: entries for everybody come first, then policy by policy.
ranked(entry, rank) := object.union(entry, {"order": [rank, entry.order]})

# METADATA
# title: The refusal of everything
# description: |
#   For an agent of which a policy is missing or broken. The entries that refuse would be missing as well, so that
#   nothing else may allow in their place.
withheld := object.union(
	{"allow": false, "rule": "policy.withheld"},
	data.egress.cluster.withheld[input.agent.namespace][input.agent.name],
)

# METADATA
# title: The name by which agents reach the controller
is_platform(name) if name == data.egress.cluster.platform

# METADATA
# title: A refusal by the Rego of a policy
# description: What is no answer refuses as well.
refusal(answer, _) := answer if is_object(answer)

refusal(answer, policy) := {
	"rule": policy,
	"reason": "the Rego of this policy refuses, with an answer that is not an object",
	"hint": "a refusal is an object with rule, reason and hint",
} if {
	not is_object(answer)
}

# METADATA
# title: An allow by the Rego of a policy
# description: It lends grants and charges budgets of its own namespace and of no other, whatever it says.
permission(answer, namespace) := own_namespace(own.plain(answer), namespace)

# METADATA
# title: A question of the Rego of a policy to a person
# description: What is allowed once the answer is yes is of its own namespace, too.
question(answer, namespace) := own_namespace(own.reasoned(answer), namespace)

# METADATA
# title: What an answer lends and charges, in its own namespace
# description: What would be taken for annotations is taken away, so that nothing is read a second time.
own_namespace(answer, namespace) := object.union(
	object.remove(answer, ["scope", "custom"]),
	{key: qualified(namespace, answer[key]) | some key in ["grants", "budgets"]},
)

# METADATA
# title: Names of a namespace
qualified(namespace, names) := [concat(".", [namespace, name]) | some name in names]

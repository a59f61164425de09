# METADATA
# title: Names
# description: |
#   Does a name resolve for this agent? No query ever leaves the node, so every name resolves unless it is hidden: a
#   connection to it is then refused with its reason, which a name that does not exist cannot give.
package weir.name

import data.weir.addresses
import data.weir.hosts

default decision := {
	"allow": false,
	"rule": "name.default",
	"reason": "the question holds no name that policy can judge",
	"hint": "ask for a host name",
}

# METADATA
# title: The decision on a name
# entrypoint: true
decision := refusal if {
	refusal
} else := {
	"allow": true,
	"rule": "names.default",
	"grants": [],
	"budgets": [],
	"obligations": {},
} if {
	hosts.is_name(input.dns.name)
}

refusal := {
	"allow": false,
	"rule": "names.metadata",
	"reason": sprintf("%s is the name of a metadata service", [input.dns.name]),
	"hint": "nothing in the policy data can allow it",
} if {
	addresses.is_metadata_name(input.dns.name)
} else := {
	"allow": false,
	"rule": "names.hide",
	"reason": sprintf("the name %s is hidden from agents", [input.dns.name]),
	"hint": "take it out of `names.hide` in the policy data",
} if {
	hosts.listed(data.egress.hidden, input.dns.name)
} else := object.union(sort(data.weir.custom.name.deny)[0], {"allow": false})

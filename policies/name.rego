# METADATA
# title: Names
# description: |
#   Does a name resolve for this agent? No query ever leaves the node, so every name resolves unless it is hidden: a
#   connection to it is then refused with its reason, which a name that does not exist cannot give.
package weir.name

import data.weir.dns
import data.weir.hosts
import data.weir.own

# METADATA
# title: Without a name
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

# METADATA
# title: Why the name does not resolve
refusal := dns.metadata(input.dns.name) if {
	dns.metadata(input.dns.name)
} else := dns.hidden(input.dns.name) if {
	dns.hidden(input.dns.name)
} else := own.refusal(data.weir.custom.name.deny)

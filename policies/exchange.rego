# METADATA
# title: Exchanges
# description: May this agent send this request, with which credentials and at whose cost?
package weir.exchange

import data.weir.agents
import data.weir.grants
import data.weir.methods_and_paths
import data.weir.targets

default decision := {
	"allow": false,
	"rule": "exchange.default",
	"reason": "the request has no destination that policy can judge",
	"hint": "this is a fault of the boundary; report it",
}

# METADATA
# title: The decision on an exchange
# description: |
#   Closed destinations, refusals written in Rego, refusing entries, allowing entries, allows written in Rego; then
#   the nearest entry explains why it did not allow.
# entrypoint: true
decision := targets.closed if {
	targets.closed
} else := refused_by_rego if {
	refused_by_rego
} else := refused if {
	refused
} else := allowed if {
	allowed
} else := allowed_by_rego if {
	allowed_by_rego
} else := nearest if {
	nearest
} else := targets.unknown

refused_by_rego := object.union(sort(data.weir.custom.exchange.deny)[0], {"allow": false})

refused := grants.refusal(targets.first(refusals))

allowed := grants.exchange(targets.first(permits))

allowed_by_rego := object.union(custom_defaults, sort(data.weir.custom.exchange.allow)[0])

custom_defaults := {"allow": true, "grants": [], "budgets": [], "obligations": {}}

refusals := [entry |
	some entry in targets.refusing
	methods_and_paths.method_covered(entry.methods)
	methods_and_paths.path_covered(entry.paths)
]

permits := [entry |
	some entry in targets.allowing
	reaches(entry)
	methods_and_paths.method_covered(entry.methods)
	methods_and_paths.path_covered(entry.paths)
	methods_and_paths.upgrade_covered(entry)
]

# A request of this agent can be judged under the entry at all.
reaches(entry) if {
	entry.handling == "intercept"
	agents.covers(entry.agents)
	input.connection.port in entry.ports
	input.request.scheme in entry.schemes
}

# The entry that came furthest explains. Texts are made for that one alone: an agent may have thousands of entries.
nearest := explanation(entry, furthest) if {
	furthest := max([stage_of(entry) | some entry in targets.allowing])
	entry := targets.first([entry | some entry in targets.allowing; stage_of(entry) == furthest])
}

stage_of(entry) := 1 if {
	not reaches(entry)
} else := 2 if {
	not methods_and_paths.method_covered(entry.methods)
} else := 3 if {
	not methods_and_paths.path_covered(entry.paths)
} else := 4

explanation(entry, 1) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("%s requests of agent %s/%s to port %d of %s are not allowed", [
		input.request.scheme,
		input.agent.namespace,
		input.agent.name,
		input.connection.port,
		input.connection.name,
	]),
	"hint": "look at the rule's agents, ports, schemes and handling",
}

explanation(entry, 2) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("method %s is not allowed for %s", [input.request.method, input.connection.name]),
	"hint": sprintf("allowed: %s; add %s to the rule's methods", [concat(", ", entry.methods), input.request.method]),
}

explanation(entry, 3) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("path /%s is not allowed for %s", [shortened(concat("/", input.request.path)), input.connection.name]),
	"hint": sprintf("allowed: %s; add the path to the rule's paths", [shortened(concat(", ", entry.path_texts))]),
}

explanation(entry, 4) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("WebSockets are not allowed for %s", [input.connection.name]),
	"hint": "set websocket: true in the rule; what flows in it is not read",
}

# An answer has a size limit, and the agent chooses the length of its paths.
shortened(text) := text if {
	count(text) <= 500
} else := concat("", [substring(text, 0, 500), "..."])

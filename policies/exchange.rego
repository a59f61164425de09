# METADATA
# title: Exchanges
# description: May this agent send this request, with which credentials and at whose cost?
package weir.exchange

import data.weir.agents
import data.weir.answers
import data.weir.approvals
import data.weir.methods_and_paths
import data.weir.own
import data.weir.readings
import data.weir.targets

# METADATA
# title: Without a destination
default decision := {
	"allow": false,
	"rule": "exchange.default",
	"reason": "the request has no destination that policy can judge",
	"hint": "this is a fault of the boundary; report it",
}

# METADATA
# title: The decision on an exchange
# description: |
#   Closed destinations, refusals written in Rego, refusing entries; then what has to be read before anybody knows; then
#   what Rego leaves to a person, the first entry that allows or asks, allows written in Rego; then the nearest entry
#   explains why it did not allow.
# entrypoint: true
decision := targets.closed if {
	targets.closed
} else := refused_by_rego if {
	refused_by_rego
} else := refused if {
	refused
} else := unread if {
	unread
} else := asked_by_rego if {
	asked_by_rego
} else := permitted if {
	permitted
} else := allowed_by_rego if {
	allowed_by_rego
} else := nearest if {
	nearest
} else := targets.unknown

# METADATA
# title: What Rego of one's own refuses
refused_by_rego := own.refusal(data.weir.custom.exchange.deny)

# METADATA
# title: What an entry refuses
refused := answers.refusal(targets.first([entry | some entry in refusals; readings.unknown(entry) == []; readings.is_covered(entry)]))

# METADATA
# title: What an entry allows, or leaves to a person
permitted := approvals.answer(allowance, covering) if {
	approvals.is_asked(covering)
} else := allowance

# METADATA
# title: What Rego of one's own leaves to a person
asked_by_rego := own.question(data.weir.custom.exchange.ask, base)

# METADATA
# title: What Rego of one's own allows
allowed_by_rego := own.permission(data.weir.custom.exchange.allow, own.exchange)

# METADATA
# title: What a person allows
# description: What a person says yes to is what the entries allow, if they do.
base := allowance if {
	allowance
} else := own.allowance(data.weir.custom.exchange.ask, own.exchange)

# METADATA
# title: Entries that refuse this method and path
refusals := [entry |
	some entry in targets.refusing
	methods_and_paths.method_refused(entry.methods)
	methods_and_paths.path_refused(entry.paths)
]

# METADATA
# title: Entries that cover this method and path
permits := [entry |
	some entry in targets.allowing
	reaches(entry)
	methods_and_paths.method_covered(entry.methods)
	methods_and_paths.path_covered(entry.paths)
	methods_and_paths.upgrade_covered(entry)
]

# METADATA
# title: The first entry that allows or asks
# description: The first entry that allows or asks.
covering := targets.first([entry | some entry in permits; readings.is_covered(entry)])

# METADATA
# title: What the first entry that allows or asks allows
# description: |
#   Where a deny speaks of MCP, the answers are filtered by it, though the entry that allows knows nothing of the
#   protocol: on the stream of a session, lists come as answers to other requests.
allowance := object.union(answers.exchange(covering), {"obligations": {"filter": "mcp"}}) if {
	some entry in refusals
	"mcp" in entry.readings
} else := answers.exchange(covering)

# METADATA
# title: Entries that only the body decides
# description: Entries that nobody can judge before the body was read, those that refuse first.
pending := array.concat(
	[entry | some entry in refusals; readings.unknown(entry) != []],
	[entry | some entry in permits; readings.unknown(entry) != []],
)

# METADATA
# title: The body has to be read first
# description: |
#   A refusing entry, or the entry that would allow or ask, speaks of what only the body tells, or Rego of one's own wants
#   to see it. Everything that any entry here may need is read at once.
unread := {
	"read": sort({reading | some need in needs; some reading in need.readings}),
	"rule": needs[0].rule,
	"max_bytes": max([need.max_bytes | some need in needs]),
} if {
	not readings.was_read
	is_read_needed
}

# METADATA
# title: Nobody can decide before the body was read
is_read_needed if count(own_reads) > 0

is_read_needed if {
	some entry in pending
	entry.order < covering.order
}

is_read_needed if {
	count(pending) > 0
	not covering
}

is_read_needed if {
	some entry in pending
	entry.effect == "deny"
}

# METADATA
# title: What has to be read, and for which rule
needs := array.concat(own_reads, [need |
	some entry in pending
	need := {"rule": entry.rule, "readings": readings.unknown(entry), "max_bytes": entry.max_read_bytes}
])

# METADATA
# title: What Rego of one's own wants to read
own_reads := [own.need(answer) | some answer in data.weir.custom.exchange.read]

# METADATA
# title: The entry is for this agent and this place
# description: A request of this agent can be judged under the entry at all.
reaches(entry) if {
	entry.handling == "intercept"
	agents.covers(entry.agents)
	input.connection.port in entry.ports
	input.request.scheme in entry.schemes
}

# METADATA
# title: Why no entry allows
# description: |
#   The entry that came furthest explains. Texts are made for that one alone: an agent may have thousands of entries.
nearest := explanation(entry, furthest) if {
	furthest := max([stage_of(entry) | some entry in targets.allowing])
	entry := targets.first([entry | some entry in targets.allowing; stage_of(entry) == furthest])
}

# METADATA
# title: How far an entry came
stage_of(entry) := 1 if {
	not reaches(entry)
} else := 2 if {
	not methods_and_paths.method_covered(entry.methods)
} else := 3 if {
	not methods_and_paths.path_covered(entry.paths)
} else := 4 if {
	not methods_and_paths.upgrade_covered(entry)
} else := 5 if {
	not readings.is_close(entry)
} else := 6

# METADATA
# title: Another agent, port or scheme
# description: look at the rule's agents, ports, schemes and handling
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
	"hint": rego.metadata.rule().description,
}

# METADATA
# title: Another method
explanation(entry, 2) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("method %s is not allowed for %s", [input.request.method, input.connection.name]),
	"hint": sprintf("allowed: %s; add %s to the rule's methods", [concat(", ", entry.methods), input.request.method]),
}

# METADATA
# title: Another path
explanation(entry, 3) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("path /%s is not allowed for %s", [shortened(concat("/", input.request.path)), input.connection.name]),
	"hint": sprintf("allowed: %s; add the path to the rule's paths", [shortened(concat(", ", entry.path_texts))]),
}

# METADATA
# title: A WebSocket
# description: "set websocket: true in the rule; what flows in it is not read"
explanation(entry, 4) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("WebSockets are not allowed for %s", [input.connection.name]),
	"hint": rego.metadata.rule().description,
}

# METADATA
# title: Something else of what was read
explanation(entry, stage) := object.union(
	{"allow": false, "rule": entry.rule},
	{key: shortened(text) | some key, text in readings.explanation(entry, input.connection.name)},
) if {
	stage in {5, 6}
}

# METADATA
# title: A text that fits into an answer
# description: An answer has a size limit, and the agent chooses the length of its paths.
shortened(text) := text if {
	count(text) <= 500
} else := concat("", [substring(text, 0, 500), "..."])

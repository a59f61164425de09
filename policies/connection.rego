# METADATA
# title: Connections
# description: May this agent open a connection to this name and port, and are its bytes read?
package weir.connection

import data.weir.agents
import data.weir.answers
import data.weir.approvals
import data.weir.own
import data.weir.targets

default decision := {
	"allow": false,
	"rule": "connection.default",
	"reason": "the connection has no destination that policy can judge",
	"hint": "this is a fault of the boundary; report it",
}

# METADATA
# title: The decision on a connection
# description: |
#   Closed destinations, refusals written in Rego, refusing entries, what Rego leaves to a person, the first entry that
#   allows or asks, allows written in Rego; then the nearest entry explains why it did not allow.
# entrypoint: true
decision := targets.closed if {
	targets.closed
} else := refused_by_rego if {
	refused_by_rego
} else := refused if {
	refused
} else := asked_by_rego if {
	asked_by_rego
} else := permitted if {
	permitted
} else := allowed_by_rego if {
	allowed_by_rego
} else := nearest if {
	nearest
} else := targets.unknown

refused_by_rego := own.refusal(data.weir.custom.connection.deny)

refused := answers.refusal(targets.first(refusals))

permitted := approvals.answer(answers.connection(permit), permit) if {
	is_asked(permit)
} else := answers.connection(permit)

asked_by_rego := own.question(data.weir.custom.connection.ask, base)

allowed_by_rego := own.permission(data.weir.custom.connection.allow, own.connection)

# What a person says yes to is what the entries allow, if they do.
base := answers.connection(permit) if {
	permit
} else := own.allowance(data.weir.custom.connection.ask, own.connection)

permit := targets.first(permits)

# A person is asked about what passes unread as a whole, about a database once it is named, about all else by request.
is_asked(entry) if {
	approvals.is_asked(entry)
	entry.handling == "tunnel"
}

is_asked(entry) if {
	approvals.is_asked(entry)
	entry.handling == "postgres"
	input.sql
}

# An entry that refuses some requests only says nothing of the connection.
refusals := [entry |
	some entry in targets.refusing
	entry.whole == true
]

permits := [entry |
	some entry in targets.allowing
	agents.covers(entry.agents)
	input.connection.port in entry.ports
	wire_covered(entry)
	session_covered(entry)
]

wire_covered(entry) if {
	entry.handling == "tunnel"
	not input.sql
}

wire_covered(entry) if {
	entry.handling == "postgres"
	is_postgres
}

wire_covered(entry) if {
	entry.handling == "intercept"
	wire_schemes[input.connection.wire] in entry.schemes
}

is_postgres if input.connection.wire == "postgres"

# A client that opens TLS without asking first names its protocol there.
is_postgres if {
	input.connection.wire == "tls"
	"postgresql" in input.connection.alpn
}

# Asked twice: before the client has said what it wants, and then again.
session_covered(entry) if entry.handling != "postgres"

session_covered(_) if not input.sql

session_covered(entry) if {
	listed(entry.databases, input.sql.database)
	listed(entry.users, input.sql.user)
}

listed(names, _) if "*" in names

listed(names, name) if name in names

wire_schemes := {"tls": "https", "http": "http"}

# The entry that came furthest explains. Texts are made for that one alone: an agent may have thousands of entries.
nearest := explanation(entry, furthest) if {
	furthest := max([stage_of(entry) | some entry in targets.allowing])
	entry := targets.first([entry | some entry in targets.allowing; stage_of(entry) == furthest])
}

stage_of(entry) := 1 if {
	not agents.covers(entry.agents)
} else := 2 if {
	not input.connection.port in entry.ports
} else := 3 if {
	not wire_covered(entry)
} else := 4

explanation(entry, 1) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("agent %s/%s may not use %s", [input.agent.namespace, input.agent.name, input.connection.name]),
	"hint": "add the agent to the rule's agents",
}

explanation(entry, 2) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("port %d is not allowed for %s", [input.connection.port, input.connection.name]),
	"hint": sprintf("allowed: %s; add %d to the rule's ports", [listed_ports(entry), input.connection.port]),
}

explanation(entry, 3) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("%s is not allowed for %s", [wire_texts[input.connection.wire], input.connection.name]),
	"hint": wire_hints[input.connection.wire],
}

explanation(entry, 4) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("database %s as user %s is not allowed at %s", [input.sql.database, input.sql.user, input.connection.name]),
	"hint": sprintf("databases: %s; users: %s", [concat(", ", entry.databases), concat(", ", entry.users)]),
}

listed_ports(entry) := concat(", ", [sprintf("%d", [port]) | some port in entry.ports])

wire_texts := {"tls": "TLS", "http": "plain HTTP", "postgres": "PostgreSQL", "opaque": "a protocol that is neither TLS nor HTTP"}

wire_hints := {
	"tls": "add https to the rule's schemes",
	"http": "use https, or add http to the rule's schemes",
	"postgres": "set the rule's handling to postgres and name its databases and the grant to log in with",
	"opaque": "set the rule's handling to tunnel: its bytes are not read, and no credential is lent",
}

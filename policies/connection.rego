# METADATA
# title: Connections
# description: May this agent open a connection to this name and port, and are its bytes read?
package weir.connection

import data.weir.agents
import data.weir.answers
import data.weir.approvals
import data.weir.own
import data.weir.targets

# METADATA
# title: Without a destination
default decision := {
	"allow": false,
	"rule": "connection.default",
	"reason": "the connection has no destination that policy can judge",
	"hint": "this is a fault of the boundary; report it",
}

# METADATA
# title: The decision on a connection
# description: |
#   Closed destinations, refusals written in Rego, refusing entries; what Rego leaves to a person, the first entry that
#   allows or asks, allows written in Rego, unless it is a tunnel for what an entry refuses; then the nearest entry explains
#   why it did not allow.
# entrypoint: true
decision := targets.closed if {
	targets.closed
} else := refused_by_rego if {
	refused_by_rego
} else := refused if {
	refused
} else := refused_unread if {
	refused_unread
} else := opened if {
	opened
} else := nearest if {
	nearest
} else := targets.unknown

# METADATA
# title: What Rego of one's own refuses
refused_by_rego := own.refusal(data.weir.custom.connection.deny)

# METADATA
# title: What an entry refuses as a whole
refused := answers.refusal(targets.first(refusals))

# METADATA
# title: What entries and Rego would open
opened := asked_by_rego if {
	asked_by_rego
} else := permitted if {
	permitted
} else := allowed_by_rego

# METADATA
# title: The refusal of a tunnel that would carry unread what an entry refuses
# description: have the boundary read what goes there (handling intercept), or take the entry that denies away
refused_unread := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("a tunnel to %s would carry requests that the policy refuses, and nobody would see them", [input.connection.name]),
	"hint": rego.metadata.rule().description,
} if {
	opened.handling == "tunnel"
	entry := targets.first(targets.refusing)
}

# METADATA
# title: What an entry allows, or leaves to a person
permitted := approvals.answer(answers.connection(permit), permit) if {
	is_asked(permit)
} else := answers.connection(permit)

# METADATA
# title: What Rego of one's own leaves to a person
asked_by_rego := own.question(data.weir.custom.connection.ask, base)

# METADATA
# title: What Rego of one's own allows
allowed_by_rego := own.permission(data.weir.custom.connection.allow, own.connection)

# METADATA
# title: What a person allows
# description: What a person says yes to is what the entries allow, if they do.
base := answers.connection(permit) if {
	permit
} else := own.allowance(data.weir.custom.connection.ask, own.connection)

# METADATA
# title: The first entry that allows or asks
permit := targets.first(permits)

# METADATA
# title: A person is asked about the connection
# description: A person is asked about what passes unread as a whole, about a database once it is named, about all else by request.
is_asked(entry) if {
	approvals.is_asked(entry)
	entry.handling == "tunnel"
}

is_asked(entry) if {
	approvals.is_asked(entry)
	entry.handling == "postgres"
	input.sql
}

# METADATA
# title: Entries that refuse the connection
# description: An entry that refuses some requests only says nothing of the connection.
refusals := [entry |
	some entry in targets.refusing
	entry.whole == true
]

# METADATA
# title: Entries that cover the connection
permits := [entry |
	some entry in targets.allowing
	agents.covers(entry.agents)
	input.connection.port in entry.ports
	wire_covered(entry)
	session_covered(entry)
]

# METADATA
# title: The protocol is the entry's
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

# METADATA
# title: The client speaks PostgreSQL
is_postgres if input.connection.wire == "postgres"

# A client that opens TLS without asking first names its protocol there.
is_postgres if {
	input.connection.wire == "tls"
	"postgresql" in input.connection.alpn
}

# METADATA
# title: The database and the user are the entry's
# description: |
#   Asked twice: before the client has said what it wants, and then again.
session_covered(entry) if entry.handling != "postgres"

session_covered(_) if not input.sql

session_covered(entry) if {
	listed(entry.databases, input.sql.database)
	listed(entry.users, input.sql.user)
}

# METADATA
# title: A name is in a list
listed(names, _) if "*" in names

listed(names, name) if name in names

# METADATA
# title: Schemes of what is intercepted
wire_schemes := {"tls": "https", "http": "http"}

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
	not agents.covers(entry.agents)
} else := 2 if {
	not input.connection.port in entry.ports
} else := 3 if {
	not wire_covered(entry)
} else := 4

# METADATA
# title: Another agent
# description: add the agent to the rule's agents
explanation(entry, 1) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("agent %s/%s may not use %s", [input.agent.namespace, input.agent.name, input.connection.name]),
	"hint": rego.metadata.rule().description,
}

# METADATA
# title: Another port
explanation(entry, 2) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("port %d is not allowed for %s", [input.connection.port, input.connection.name]),
	"hint": sprintf("allowed: %s; add %d to the rule's ports", [listed_ports(entry), input.connection.port]),
}

# METADATA
# title: Another protocol
explanation(entry, 3) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("%s is not allowed for %s", [wire_texts[input.connection.wire], input.connection.name]),
	"hint": wire_hints[input.connection.wire],
}

# METADATA
# title: Another database, or another user
explanation(entry, 4) := {
	"allow": false,
	"rule": entry.rule,
	"reason": sprintf("database %s as user %s is not allowed at %s", [input.sql.database, input.sql.user, input.connection.name]),
	"hint": sprintf("databases: %s; users: %s", [concat(", ", entry.databases), concat(", ", entry.users)]),
}

# METADATA
# title: Ports as text
listed_ports(entry) := concat(", ", [sprintf("%d", [port]) | some port in entry.ports])

# METADATA
# title: Protocols as text
wire_texts := {"tls": "TLS", "http": "plain HTTP", "postgres": "PostgreSQL", "opaque": "a protocol that is neither TLS nor HTTP"}

# METADATA
# title: What to do about a protocol
wire_hints := {
	"tls": "add https to the rule's schemes",
	"http": "use https, or add http to the rule's schemes",
	"postgres": "set the rule's handling to postgres and name its databases and the grant to log in with",
	"opaque": "set the rule's handling to tunnel: its bytes are not read, and no credential is lent",
}

# METADATA
# title: Readings
# description: |
#   What an entry says of a request beyond method and path, in the words of its protocol. Git and gRPC are known from the
#   head. The others are read of the body, and only where an entry asks for it: until then nobody knows whether the entry
#   covers the request.
package weir.readings

import data.weir.git
import data.weir.graphql
import data.weir.grpc
import data.weir.json_bodies
import data.weir.llm
import data.weir.mcp
import data.weir.methods_and_paths

# METADATA
# title: The body was read
# description: In whatever ways policy asked for. It is not read a second time.
was_read if input.read

was_read if input.mcp

# METADATA
# title: What has to be read before anybody knows whether the entry covers the request
# description: Nothing, if the head speaks against it or says it all, or if the body was read.
unknown(entry) := [reading |
	not was_read
	some reading in entry.readings
	reading in of_body
	not is_bodyless(reading)
	every other in entry.readings {
		fits_head(other, entry)
	}
]

# METADATA
# title: Readings of a body
of_body := {"graphql", "json", "llm", "mcp"}

# METADATA
# title: A request of the protocol that carries nothing to read
is_bodyless("mcp") if mcp.is_bodyless

# METADATA
# title: The head says nothing against a reading
fits_head(reading, entry) if {
	not reading in of_body
	covers(reading, entry)
}

fits_head(reading, entry) if {
	reading in of_body
	may_carry(reading, entry)
}

# METADATA
# title: The request may carry what a reading is of
# description: |
#   A deny is of whatever could carry it: any request with a body, and WebSockets, in which nothing is read. An allow says
#   by methods and paths what it is of.
may_carry(_, entry) if entry.effect != "deny"

may_carry(_, _) if methods_and_paths.has_body

may_carry(_, _) if input.request.upgrade != null

may_carry("graphql", _) if count(input.request.query) > 0

may_carry("mcp", _) if mcp.is_bodyless

may_carry("mcp", _) if input.mcp

# METADATA
# title: The entry covers the request, as far as it was read
is_covered(entry) if {
	every reading in entry.readings {
		covers(reading, entry)
	}
}

# METADATA
# title: One reading holds
covers(reading, entry) if {
	entry.effect == "deny"
	refuses(reading, entry)
}

covers(reading, entry) if {
	entry.effect != "deny"
	permits(reading, entry)
}

# METADATA
# title: An allow covers what was read
# description: Where a list is filtered nobody knows the body of a call yet.
permits("git", entry) if git.permits(entry.git)

permits("grpc", entry) if grpc.permits(entry.grpc)

permits("llm", entry) if llm.permits(entry.llm)

permits("mcp", entry) if mcp.permits(entry.mcp)

permits("graphql", entry) if graphql.permits(entry.graphql)

permits("json", entry) if json_bodies.permits(entry.json)

permits("json", _) if input.mcp.is_listing == true

# METADATA
# title: A deny covers what was read
refuses("git", entry) if git.refuses(entry.git)

refuses("grpc", entry) if grpc.refuses(entry.grpc)

refuses("llm", entry) if {
	may_carry("llm", entry)
	llm.refuses(entry.llm)
}

refuses("mcp", entry) if {
	may_carry("mcp", entry)
	mcp.refuses(entry.mcp)
}

refuses("graphql", entry) if {
	may_carry("graphql", entry)
	graphql.refuses(entry.graphql)
}

refuses("json", entry) if {
	may_carry("json", entry)
	not input.mcp.is_listing
	json_bodies.refuses(entry.json)
}

# METADATA
# title: A request that the entry covers without a person being asked
# description: What every client of MCP needs before it can ask for anything.
opens(entry) if {
	"mcp" in entry.readings
	mcp.opens(entry.mcp)
}

# METADATA
# title: The entry speaks of what was asked for, and nearly covers it
is_close(entry) if mcp.is_close(entry.mcp)

# METADATA
# title: Why the entry does not cover the request
# description: By the first of its readings that does not hold.
explanation(entry, host) := unread(reading, host) if {
	reading := failed(entry)
	is_unread(reading)
} else := explained(failed(entry), entry, host)

# METADATA
# title: The first reading that does not hold
failed(entry) := [reading | some reading in entry.readings; not permits(reading, entry)][0]

# METADATA
# title: There is no such reading
is_unread(reading) if is_string(input.read[reading])

is_unread("json") if not json_bodies.is_there

is_unread("llm") if not input.llm

is_unread("mcp") if not input.mcp

is_unread("graphql") if not input.graphql

# METADATA
# title: What a refusal says of a body that could not be read
unread(reading, host) := {
	"reason": sprintf("the body for %s is no %s: %s", [host, subjects[reading], why(reading)]),
	"hint": "other requests need a rule of their own",
}

# METADATA
# title: Why there is no reading
why(reading) := input.read[reading] if {
	is_string(input.read[reading])
} else := "it was not read"

# METADATA
# title: Readings as text
subjects := {
	"graphql": "GraphQL operation",
	"json": "JSON",
	"llm": "request to a language model",
	"mcp": "MCP message",
}

# METADATA
# title: Why a reading does not hold
explained("git", entry, host) := git.explanation(entry.git, host)

explained("grpc", entry, host) := grpc.explanation(entry.grpc, host)

explained("llm", entry, host) := llm.explanation(entry.llm, host)

explained("mcp", entry, host) := mcp.explanation(entry.mcp, host)

explained("graphql", entry, host) := graphql.explanation(entry.graphql, host)

explained("json", entry, host) := json_bodies.explanation(entry.json, host)

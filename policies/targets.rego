# METADATA
# title: Targets
# description: |
#   What the data says of the destination of a connection, by name or by address, for connections and exchanges alike.
#   The destination is the connection's: it was verified, whatever a request claims.
package weir.targets

import data.weir.addresses
import data.weir.agents
import data.weir.dns
import data.weir.hosts
import data.weir.tenants

# METADATA
# title: Entries that name the destination
# description: Those for everybody, then those of the policies that the agent names.
entries := array.concat(hosts.entries(input.connection.name), tenants.hosts_named(input.connection.name)) if {
	input.connection.is_address == false
}

entries := array.concat(addresses.entries(input.connection.name), tenants.addresses_named(input.connection.name)) if {
	input.connection.is_address == true
}

# METADATA
# title: Entries that can allow, by themselves or by a person
allowing := [entry |
	some entry in entries
	entry.effect in {"allow", "ask"}
]

# METADATA
# title: Entries that refuse this agent at this port
refusing := [entry |
	some entry in entries
	entry.effect == "deny"
	agents.covers(entry.agents)
	port_covered(entry)
]

# METADATA
# title: The port is one that the entry refuses
port_covered(entry) if entry.ports == []

port_covered(entry) if input.connection.port in entry.ports

# METADATA
# title: The entry that stands first in the data
# description: |
#   Undefined for an empty list. The lowest order is looked for once: within one policy a tenant may name one host a
#   thousand times, and others wait for the answer.
first(list) := [entry | some entry in list; entry.order == lowest][0] if {
	lowest := min([entry.order | some entry in list])
}

# METADATA
# title: Destinations that no entry can open
# description: Metadata services, second spellings of addresses, hidden names; for an agent without its policies, everything.
closed := metadata_address if {
	metadata_address
} else := embedded_address if {
	embedded_address
} else := dns.metadata(input.connection.name) if {
	input.connection.is_address == false
	dns.metadata(input.connection.name)
} else := dns.hidden(input.connection.name) if {
	input.connection.is_address == false
	dns.hidden(input.connection.name)
} else := tenants.withheld if {
	not tenants.is_platform(input.connection.name)
}

# METADATA
# title: The address of a metadata service
# description: nothing in the policy data can allow it; ask for a grant of the credential that is needed
metadata_address := {
	"allow": false,
	"rule": "addresses.metadata",
	"reason": sprintf("%s is an address of a metadata service", [input.connection.name]),
	"hint": rego.metadata.rule().description,
} if {
	input.connection.is_address == true
	addresses.is_metadata_address(input.connection.name)
}

# METADATA
# title: An IPv6 spelling of an IPv4 address
# description: use the name of the host, or the IPv4 address itself
embedded_address := {
	"allow": false,
	"rule": "addresses.embedded",
	"reason": sprintf("%s is an IPv6 spelling of an IPv4 address", [input.connection.name]),
	"hint": rego.metadata.rule().description,
} if {
	input.connection.is_address == true
	addresses.is_embedded(input.connection.name)
}

# METADATA
# title: The refusal of a destination that no entry names
unknown := {
	"allow": false,
	"rule": "addresses.default",
	"reason": sprintf("%s is an address, and no entry names it", [input.connection.name]),
	"hint": sprintf(
		"use the name of the host, or add to `addresses` in the policy data: {cidr: \"%s\", ports: [%d]}",
		[input.connection.name, input.connection.port],
	),
} if {
	input.connection.is_address == true
} else := {
	"allow": false,
	"rule": "hosts.default",
	"reason": sprintf("no entry names the host %s", [input.connection.name]),
	"hint": sprintf(
		"add to `hosts` in the policy data: {name: %s, ports: [%d]}",
		[input.connection.name, input.connection.port],
	),
}

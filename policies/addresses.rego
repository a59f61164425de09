# METADATA
# title: Addresses
# description: |
#   Literal addresses. Policy is written on names; an address that the agent dialled by itself is refused unless the
#   data names its range, and the addresses that hand out the machine's own credentials are refused always.
package weir.addresses

# METADATA
# title: Entries that name an address
# description: In the order of the data.
entries(address) := among(data.egress.addresses, address)

# METADATA
# title: Entries of a list that name an address
among(list, address) := [entry |
	some entry in list
	net.cidr_contains(entry.cidr, address)
]

# METADATA
# title: Addresses of metadata services
# description: Link-local ranges and the well-known metadata services that live outside of them.
metadata_ranges := [
	"169.254.0.0/16",
	"100.100.100.200/32",
	"168.63.129.16/32",
	"192.0.0.192/32",
	"fe80::/10",
	"fd00:ec2::/32",
	"fd20:ce::254/128",
]

# METADATA
# title: Names of metadata services
metadata_names := {
	"instance-data",
	"instance-data.ec2.internal",
	"metadata",
	"metadata.google.internal",
	"metadata.goog",
}

# METADATA
# title: The address of a metadata service
# description: Whoever reads it becomes the machine; no data allows it.
is_metadata_address(address) if {
	some range in metadata_ranges
	net.cidr_contains(range, address)
}

# METADATA
# title: Ranges of IPv6 that carry an IPv4 address
# description: |
#   IPv6 forms that carry an IPv4 address: mapped, compatible, NAT64, 6to4, Teredo.
embedding_ranges := ["::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"]

# METADATA
# title: An IPv6 address that stands for an IPv4 address
# description: |
#   A range of the data means one of the two, so the other spelling must not slip through; it is refused always. The
#   prefix is compared as well, because evaluators disagree about whether a mapped address is in an IPv6 range.
is_embedded(address) if startswith(address, "::ffff:")

is_embedded(address) if {
	contains(address, ":")
	some range in embedding_ranges
	net.cidr_contains(range, address)
}

# METADATA
# title: The name of a metadata service
is_metadata_name(name) if name in metadata_names

# METADATA
# title: Addresses
# description: |
#   Literal addresses. Policy is written on names; an address that the agent dialled by itself is refused unless the
#   data names its range, and the addresses that hand out the machine's own credentials are refused always.
package weir.addresses

# METADATA
# title: Entries that name an address
# description: In the order of the data.
entries(address) := [entry |
	some entry in data.egress.addresses
	net.cidr_contains(entry.cidr, address)
]

# Link-local ranges and the well-known metadata services that live outside of them.
metadata_ranges := [
	"169.254.0.0/16",
	"100.100.100.200/32",
	"168.63.129.16/32",
	"192.0.0.192/32",
	"fe80::/10",
	"fd00:ec2::/32",
	"fd20:ce::254/128",
]

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
# title: The name of a metadata service
is_metadata_name(name) if name in metadata_names

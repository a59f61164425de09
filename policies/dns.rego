# METADATA
# title: DNS
# description: Names that exist for no agent, whether it asks for them or connects to them.
package weir.dns

import data.weir.addresses
import data.weir.hosts

# METADATA
# title: The name of a metadata service
# description: nothing in the policy data can allow it; ask for a grant of the credential that is needed
metadata(name) := {
	"allow": false,
	"rule": "names.metadata",
	"reason": sprintf("%s is the name of a metadata service", [name]),
	"hint": rego.metadata.rule().description,
} if {
	addresses.is_metadata_name(name)
}

# METADATA
# title: A hidden name
# description: take it out of `names.hide` in the policy data
hidden(name) := {
	"allow": false,
	"rule": "names.hide",
	"reason": sprintf("the name %s is hidden from agents", [name]),
	"hint": rego.metadata.rule().description,
} if {
	hosts.listed(data.egress.hidden, name)
}

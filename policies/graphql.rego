# METADATA
# title: GraphQL
# description: |
#   Which operations of GraphQL an entry covers: by type, by name, by the fields at their root. Rules are those of
#   `graphql` in an entry of the data.
package weir.graphql

import data.weir.globs

# METADATA
# title: An allow covers the operation
# description: Every field at the root has to be covered.
permits(rules) if {
	input.graphql.type in rules.types
	name_permitted(rules)
	fields_permitted(rules)
}

# METADATA
# title: An allow covers the name
name_permitted(rules) if not rules.names

name_permitted(rules) if globs.covers(rules.names, input.graphql.name)

# METADATA
# title: More fields at the root than are looked at
# description: Others wait for the answer while each is held against each pattern.
too_many if count(input.graphql.fields) > 256

# METADATA
# title: An allow covers the fields
fields_permitted(rules) if not rules.fields

fields_permitted(rules) if {
	not too_many
	every field in input.graphql.fields {
		globs.covers(rules.fields, field)
	}
}

# METADATA
# title: A deny covers the operation
# description: |
#   One field that it names is enough. An operation without a name may be any of those that are named, and what cannot
#   be read is refused.
refuses(_) if not input.graphql

refuses(rules) if {
	input.graphql.type in rules.types
	name_refused(rules)
	fields_refused(rules)
}

# METADATA
# title: A deny covers the name
name_refused(rules) if not rules.names

name_refused(_) if is_null(input.graphql.name)

name_refused(rules) if globs.covers(rules.names, input.graphql.name)

# METADATA
# title: A deny covers the fields
fields_refused(rules) if not rules.fields

fields_refused(_) if too_many

fields_refused(rules) if {
	not too_many
	some field in input.graphql.fields
	globs.covers(rules.fields, field)
}

# METADATA
# title: What a refusal says of an operation that no rule covers
explanation(rules, host) := {
	"reason": sprintf("a GraphQL %s is not allowed at %s", [input.graphql.type, host]),
	"hint": sprintf("allowed: %s; add it to `graphql.types` of the rule", [rules.texts.types]),
} if {
	not input.graphql.type in rules.types
} else := {
	"reason": sprintf("an anonymous GraphQL operation is not allowed at %s", [host]),
	"hint": sprintf("name it; allowed: %s", [rules.texts.names]),
} if {
	not name_permitted(rules)
	is_null(input.graphql.name)
} else := {
	"reason": sprintf("GraphQL operation %s is not allowed at %s", [input.graphql.name, host]),
	"hint": sprintf("allowed: %s; add it to `graphql.names` of the rule", [rules.texts.names]),
} if {
	not name_permitted(rules)
} else := {
	"reason": sprintf("%d fields at the root for %s are more than policy looks at", [count(input.graphql.fields), host]),
	"hint": "ask for at most 256 fields at the root",
} if {
	too_many
} else := {
	"reason": sprintf("fields of GraphQL that are not allowed at %s: %s", [host, concat(", ", [field |
		some field in input.graphql.fields
		not globs.covers(rules.fields, field)
	])]),
	"hint": sprintf("allowed: %s; add them to `graphql.fields` of the rule", [rules.texts.fields]),
}

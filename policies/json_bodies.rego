# METADATA
# title: JSON bodies
# description: |
#   Which JSON bodies an entry covers, by rules for values at places in it. Rules are those of `json` in an entry of the
#   data.
package weir.json_bodies

import data.weir.values

# METADATA
# title: There is a body, and it is JSON
# description: The body itself may be `false` or `null`, so that the report of the reading tells.
is_there if is_null(input.read.json)

# METADATA
# title: An allow covers the body
permits(rules) if {
	is_there
	not said_in_query(rules)
	values.all_hold(rules, input.json)
}

# METADATA
# title: The query says what the rules speak of
# description: Some servers take a parameter there for the same, in the place of the one in the body.
said_in_query(rules) if {
	some rule in rules
	some name, _ in input.request.query
	lower(split(name, "[")[0]) == lower(rule.path[0].key)
}

# METADATA
# title: A deny covers the body
# description: What cannot be read or judged is refused.
refuses(_) if not is_there

refuses(rules) if said_in_query(rules)

refuses(rules) if {
	is_there
	values.none_fails(rules, input.json)
}

# METADATA
# title: What a refusal says of a body that no rule covers
explanation(rules, host) := {
	"reason": sprintf("the query for %s says what only the body may say: %s", [host, concat(", ", object.keys(input.request.query))]),
	"hint": "leave it out of the query",
} if {
	said_in_query(rules)
} else := {
	"reason": sprintf("%s %s in a body for %s", [place(failed), failed.says, host]),
	"hint": "send another value, or change the rules in `json` of the rule",
} if {
	failed := [rule | some rule in rules; not values.holds(rule, input.json)][0]
}

# METADATA
# title: The place that a rule speaks of
place(rule) := "the whole" if {
	rule.name == ""
} else := rule.name

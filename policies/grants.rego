# METADATA
# title: Grants
# description: What an allow lends, what it is charged to and what it obliges to.
package weir.grants

# METADATA
# title: The answer of an entry that allows a request
exchange(entry) := {
	"allow": true,
	"rule": entry.rule,
	"grants": entry.grants,
	"budgets": entry.budgets,
	"obligations": entry.obligations,
}

# METADATA
# title: The answer of an entry that allows a connection
# description: |
#   An intercepted connection is charged by the exchange and lends nothing by itself; a tunnel is charged as a whole
#   and is never lent a credential, because nobody sees what it is used for.
connection(entry) := {
	"allow": true,
	"rule": entry.rule,
	"handling": entry.handling,
	"grants": [],
	"budgets": charged(entry),
	"obligations": {},
}

charged(entry) := entry.budgets if {
	entry.handling == "tunnel"
} else := []

# METADATA
# title: The answer of an entry that refuses
refusal(entry) := {
	"allow": false,
	"rule": entry.rule,
	"reason": entry.reason,
	"hint": entry.hint,
}

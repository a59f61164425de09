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
#   An intercepted connection lends nothing by itself, and of its budgets those that count connections are charged; the
#   others are charged by the exchange. A tunnel is charged as a whole and is never lent a credential, because nobody sees
#   what it is used for. A session of a database is charged as a whole too, and is lent its login once the database is known.
connection(entry) := {
	"allow": true,
	"rule": entry.rule,
	"handling": entry.handling,
	"grants": lent(entry),
	"budgets": entry.budgets,
	"obligations": {},
}

lent(entry) := entry.grants if {
	entry.handling == "postgres"
	input.sql
} else := []

# METADATA
# title: The answer of an entry that refuses
refusal(entry) := {
	"allow": false,
	"rule": entry.rule,
	"reason": entry.reason,
	"hint": entry.hint,
}

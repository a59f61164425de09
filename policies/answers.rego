# METADATA
# title: Answers
# description: What an entry answers, in the words that the boundary understands.
package weir.answers

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
#   Of an intercepted connection the budgets that count connections are charged, the others by its exchanges. A tunnel and
#   a session of a database are charged as a whole.
connection(entry) := {
	"allow": true,
	"rule": entry.rule,
	"handling": entry.handling,
	"grants": lent_to_connection(entry),
	"budgets": entry.budgets,
	"obligations": {},
}

# METADATA
# title: What a connection is lent
# description: |
#   An intercepted connection lends nothing by itself. A tunnel is never lent a credential, because nobody sees what it is
#   used for. A session of a database is lent its login once the database is known.
lent_to_connection(entry) := entry.grants if {
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

# METADATA
# title: Answers
# description: What an entry answers, in the words that the boundary understands.
package weir.answers

import data.weir.budgets
import data.weir.credentials

# METADATA
# title: The answer of an entry that allows a request
exchange(entry) := {
	"allow": true,
	"rule": entry.rule,
	"grants": credentials.for_exchange(entry),
	"budgets": budgets.charged(entry),
	"obligations": budgets.obligations(entry),
}

# METADATA
# title: The answer of an entry that allows a connection
connection(entry) := {
	"allow": true,
	"rule": entry.rule,
	"handling": entry.handling,
	"grants": credentials.for_connection(entry),
	"budgets": budgets.charged(entry),
	"obligations": {},
}

# METADATA
# title: The answer of an entry that refuses
refusal(entry) := {
	"allow": false,
	"rule": entry.rule,
	"reason": entry.reason,
	"hint": entry.hint,
}

# METADATA
# title: Rego of one's own
# description: |
#   What `weir.custom.connection`, `weir.custom.exchange` and `weir.custom.name` say, as answers. A rule that is annotated
#   need not repeat itself: where it gives its own annotations (`rego.metadata.rule()`), the title is the reason, the
#   description is the hint, and `custom` holds what else belongs into the answer.
package weir.own

import data.weir.approvals

# METADATA
# title: What an allow of an exchange says if it says no more
exchange := {"allow": true, "grants": [], "budgets": [], "obligations": {}}

# METADATA
# title: What an allow of a connection says if it says no more
connection := object.union(exchange, {"handling": "intercept"})

# METADATA
# title: The first of the refusals
# description: What is no answer refuses as well.
refusal(answers) := object.union(reasoned(sort(answers)[0]), {"allow": false})

# METADATA
# title: The first of the allows
permission(answers, defaults) := object.union(defaults, plain(sort(answers)[0]))

# METADATA
# title: The first of the questions to a person
# description: Beside it stands what is allowed once the answer is yes.
question(answers, allow) := approvals.question(object.union(allow, {"rule": object.get(answer, "rule", "custom")}), ask) if {
	answer := reasoned(sort(answers)[0])
	ask := object.union(
		{"hint": "Wait for it, or do something else.", "timeout_seconds": 300, "scopes": ["once", "thread"]},
		object.filter(answer, asking),
	)
}

# METADATA
# title: What the first of the questions allows where no entry does
# description: Where an entry does, the question can add nothing to it.
allowance(answers, defaults) := object.union(defaults, object.remove(reasoned(sort(answers)[0]), asking))

# METADATA
# title: What of an answer is for the person
asking := ["reason", "hint", "timeout_seconds", "scopes"]

# METADATA
# title: What Rego of one's own wants to see of the body
# description: |
#   The name of a reading, or an object with `reading`, and with `rule` and `max_bytes` if it likes. What is neither is
#   passed on, and is no answer.
need(answer) := {"rule": "custom", "readings": [answer], "max_bytes": default_bytes} if {
	not is_object(answer)
} else := {
	"rule": object.get(answer, "rule", "custom"),
	"readings": [object.get(answer, "reading", "")],
	"max_bytes": object.get(answer, "max_bytes", default_bytes),
}

# METADATA
# title: Largest body that is read for Rego of one's own, in bytes
default_bytes := 131072

# METADATA
# title: An answer with rule, reason and hint
# description: Annotations are known by their scope; an answer has no such key.
reasoned(answer) := object.union(
	{
		"rule": "custom",
		"reason": object.get(answer, "title", "Rego of the policy's author decides this"),
		"hint": trim_space(object.get(answer, "description", "")),
	},
	object.get(answer, "custom", {}),
) if {
	is_annotations(answer)
} else := answer if {
	is_object(answer)
} else := {
	"rule": "custom",
	"reason": "Rego of the policy's author answers with something that is not an object",
	"hint": "an answer is an object with rule, reason and hint, or `rego.metadata.rule()`",
}

# METADATA
# title: An answer that needs no reason
plain(answer) := object.union({"rule": "custom"}, object.get(answer, "custom", {})) if {
	is_annotations(answer)
} else := answer

# METADATA
# title: The answer is what a rule is annotated with
is_annotations(answer) if {
	is_string(answer.scope)
	is_object(object.get(answer, "custom", {}))
}

package weir.own_test

import data.weir.own

# METADATA
# title: Writing is for office hours
# description: try after nine
# custom:
#   rule: office.hours
refused := rego.metadata.rule() if 1 == 1

# METADATA
# title: Nothing more is said
unsaid := rego.metadata.rule() if 1 == 1

# METADATA
# title: A partner
# custom:
#   rule: partners
#   grants: [partner]
allowed := rego.metadata.rule() if 1 == 1

test_a_refusal_is_what_the_rule_says if {
	answer := {"rule": "r", "reason": "x", "hint": "y"}
	own.refusal({answer}) == object.union(answer, {"allow": false})
	not own.refusal(set())
}

test_a_refusal_takes_reason_and_hint_from_annotations if {
	own.refusal({refused}) == {
		"allow": false,
		"rule": "office.hours",
		"reason": "Writing is for office hours",
		"hint": "try after nine",
	}
	own.refusal({unsaid}) == {"allow": false, "rule": "custom", "reason": "Nothing more is said", "hint": ""}
}

test_what_is_no_answer_refuses if {
	every answer in ["no", true, null, ["no"], 7] {
		refusal := own.refusal({answer})
		refusal.allow == false
		refusal.rule == "custom"
	}
}

test_annotations_with_nonsense_in_them_are_no_annotations if {
	own.refusal({{"scope": "rule", "custom": "x"}}) == {"allow": false, "scope": "rule", "custom": "x"}
}

test_an_allow_says_no_more_than_it_has_to if {
	own.permission({{"rule": "r"}}, own.exchange) == object.union(own.exchange, {"rule": "r"})
	own.permission({{"rule": "r"}}, own.connection).handling == "intercept"
	own.permission({allowed}, own.exchange) == object.union(own.exchange, {"rule": "partners", "grants": ["partner"]})
}

test_a_question_says_no_more_than_it_has_to if {
	own.question({{"rule": "r", "reason": "may it?"}}, own.exchange) == {
		"ask": {"reason": "may it?", "hint": "Wait for it, or do something else.", "timeout_seconds": 300, "scopes": ["once", "thread"]},
		"rule": "r",
		"grants": [],
		"budgets": [],
		"obligations": {},
	}
}

test_a_question_adds_nothing_to_what_an_entry_allows if {
	entry := {"allow": true, "rule": "e", "grants": ["g"], "budgets": ["b"], "obligations": {"max_request_bytes": 1}}
	question := own.question({{"rule": "r", "reason": "x", "grants": ["more"], "budgets": []}}, entry)
	question.grants == ["g"]
	question.budgets == ["b"]
	question.obligations == {"max_request_bytes": 1}
}

test_where_no_entry_allows_the_question_says_what_is_allowed if {
	answers := {{"rule": "r", "reason": "x", "grants": ["mine"], "scopes": ["once"]}}
	own.allowance(answers, own.exchange) == object.union(own.exchange, {"rule": "r", "grants": ["mine"]})
}

test_what_is_read_may_be_said_in_one_word if {
	own.need("mcp") == {"rule": "custom", "readings": ["mcp"], "max_bytes": 131072}
	own.need({"reading": "llm", "rule": "r", "max_bytes": 5}) == {"rule": "r", "readings": ["llm"], "max_bytes": 5}
	own.need({}).readings == [""]
}

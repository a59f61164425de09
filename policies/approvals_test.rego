package weir.approvals_test

import data.weir.approvals
import data.weir.fixture_test as fixture

ask := {"reason": "may it?", "hint": "wait", "timeout_seconds": 60, "scopes": ["once"]}

entry := object.union(fixture.entry, {"effect": "ask", "ask": ask})

test_a_person_is_asked_about_what_an_entry_covers if {
	approvals.is_asked(entry) with input as fixture.question
	not approvals.is_asked(fixture.entry) with input as fixture.question
}

test_nobody_is_asked_about_what_every_client_needs_to_begin if {
	opening := object.union(entry, {"readings": ["mcp"], "mcp": {"sessions": true}})
	not approvals.is_asked(opening) with input as fixture.question
	approvals.is_asked(opening) with input as fixture.requesting({"method": "POST"})
}

test_beside_the_question_stands_what_is_allowed if {
	allow := {"allow": true, "rule": "r", "grants": ["g"], "budgets": [], "obligations": {}}
	approvals.answer(allow, entry) == {"ask": ask, "rule": "r", "grants": ["g"], "budgets": [], "obligations": {}}
}

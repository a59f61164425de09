package weir.answers_test

import data.weir.answers
import data.weir.fixture_test as fixture

test_an_exchange_is_lent_and_charged_what_its_entry_says if {
	answers.exchange(fixture.entry) == {
		"allow": true,
		"rule": "api.read",
		"grants": ["api"],
		"budgets": ["team"],
		"obligations": {"max_request_bytes": 10},
	}
}

test_an_exchange_is_obliged_to_what_its_entry_says_of_models if {
	obligations := {"max_output_tokens": 4096, "when_short": "refuse"}
	answer := answers.exchange(object.union(object.remove(fixture.entry, ["obligations"]), {"obligations": obligations}))
	answer.obligations == obligations
}

test_an_intercepted_connection_is_lent_nothing_and_names_who_may_count_it if {
	answer := answers.connection(fixture.entry)
	answer.grants == []
	answer.budgets == ["team"]
}

test_a_tunnel_is_charged_as_a_whole_and_lent_nothing if {
	answer := answers.connection(object.union(fixture.entry, {"handling": "tunnel"}))
	answer.handling == "tunnel"
	answer.grants == []
	answer.budgets == ["team"]
}

test_a_session_is_charged_as_a_whole_and_lent_its_login_once_the_database_is_known if {
	entry := object.union(fixture.entry, {"handling": "postgres"})
	answers.connection(entry).grants == [] with input as fixture.question
	answers.connection(entry).budgets == ["team"] with input as fixture.question
	answers.connection(entry).grants == ["api"] with input as object.union(fixture.question, {"sql": {"user": "u", "database": "d"}})
}

test_a_refusal_says_what_its_entry_says if {
	answers.refusal(fixture.entry) == {"allow": false, "rule": "api.read", "reason": "the policy refuses this", "hint": "ask"}
}

package weir.grants_test

import data.weir.fixture_test as fixture
import data.weir.grants

test_an_exchange_is_lent_and_charged_what_its_entry_says if {
	grants.exchange(fixture.entry) == {
		"allow": true,
		"rule": "api.read",
		"grants": ["api"],
		"budgets": ["team"],
		"obligations": {"max_request_bytes": 10},
	}
}

test_an_exchange_is_obliged_to_what_its_entry_says_of_models if {
	obligations := {"max_output_tokens": 4096, "when_short": "refuse"}
	answer := grants.exchange(object.union(object.remove(fixture.entry, ["obligations"]), {"obligations": obligations}))
	answer.obligations == obligations
}

test_an_intercepted_connection_is_lent_nothing_and_names_who_may_count_it if {
	answer := grants.connection(fixture.entry)
	answer.grants == []
	answer.budgets == ["team"]
}

test_a_tunnel_is_charged_as_a_whole_and_lent_nothing if {
	answer := grants.connection(object.union(fixture.entry, {"handling": "tunnel"}))
	answer.handling == "tunnel"
	answer.grants == []
	answer.budgets == ["team"]
}

test_a_session_is_charged_as_a_whole_and_lent_its_login_once_the_database_is_known if {
	entry := object.union(fixture.entry, {"handling": "postgres"})
	grants.connection(entry).grants == [] with input as fixture.question
	grants.connection(entry).budgets == ["team"] with input as fixture.question
	grants.connection(entry).grants == ["api"] with input as object.union(fixture.question, {"sql": {"user": "u", "database": "d"}})
}

test_a_refusal_says_what_its_entry_says if {
	grants.refusal(fixture.entry) == {"allow": false, "rule": "api.read", "reason": "the policy refuses this", "hint": "ask"}
}

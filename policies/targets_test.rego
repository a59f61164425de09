package weir.targets_test

import data.weir.fixture_test as fixture
import data.weir.targets

test_first_is_the_lowest_in_order if {
	targets.first([{"order": 3}, {"order": 1}, {"order": 2}]) == {"order": 1}
	not targets.first([])
}

test_a_destination_that_is_neither_name_nor_address_has_no_entries if {
	not targets.entries with input as {"connection": {"name": "api.test"}} with data.egress as fixture.egress({})
}

test_a_metadata_address_is_closed if {
	answer := targets.closed with input as fixture.connecting({"name": "169.254.169.254", "is_address": true})
	answer.rule == "addresses.metadata"
}

test_an_ipv6_spelling_of_an_ipv4_address_is_closed if {
	answer := targets.closed with input as fixture.connecting({"name": "::ffff:10.0.0.1", "is_address": true})
	answer.rule == "addresses.embedded"
}

test_a_metadata_name_is_closed if {
	answer := targets.closed with input as fixture.connecting({"name": "metadata.google.internal"})
	answer.rule == "names.metadata"
}

test_a_hidden_name_is_closed if {
	hidden := {"hidden": {"exact": {"api.test": true}, "one": {}, "many": {}}}
	answer := targets.closed with input as fixture.question with data.egress as hidden
	answer.rule == "names.hide"
}

test_other_names_are_not_closed if {
	not targets.closed with input as fixture.question with data.egress as fixture.egress({})
}

test_an_unknown_host_is_told_which_entry_to_add if {
	answer := targets.unknown with input as fixture.question
	answer == {
		"allow": false,
		"rule": "hosts.default",
		"reason": "no entry names the host api.test",
		"hint": "add to `hosts` in the policy data: {name: api.test, ports: [443]}",
	}
}

test_an_unknown_address_is_told_which_entry_to_add if {
	answer := targets.unknown with input as fixture.connecting({"name": "10.0.0.1", "is_address": true, "port": 22})
	answer == {
		"allow": false,
		"rule": "addresses.default",
		"reason": "10.0.0.1 is an address, and no entry names it",
		"hint": "use the name of the host, or add to `addresses` in the policy data: {cidr: \"10.0.0.1\", ports: [22]}",
	}
}

package weir.name_test

import data.weir.fixture_test as fixture
import data.weir.name

asking(host) := object.union(fixture.question, {"dns": {"name": host, "type": "A"}})

test_every_name_resolves_because_no_query_leaves if {
	name.decision.allow == true with input as asking("unknown.test") with data.egress as fixture.egress({})
}

test_a_name_resolves_without_data if {
	name.decision == {
		"allow": true,
		"rule": "names.default",
		"grants": [],
		"budgets": [],
		"obligations": {},
	} with input as asking("unknown.test")
}

test_a_hidden_name_does_not_resolve if {
	egress := {"hidden": {"exact": {}, "one": {}, "many": {"local": true}}}
	answer := name.decision with input as asking("a.b.local") with data.egress as egress
	answer == {
		"allow": false,
		"rule": "names.hide",
		"reason": "the name a.b.local is hidden from agents",
		"hint": "take it out of `names.hide` in the policy data",
	}
}

test_a_metadata_name_does_not_resolve if {
	name.decision.rule == "names.metadata" with input as asking("metadata.google.internal")
}

test_what_is_no_name_does_not_resolve if {
	name.decision.rule == "name.default" with input as asking("*.test")
	name.decision.rule == "name.default" with input as {}
}

test_rego_of_ones_own_hides_names if {
	answer := name.decision with input as asking("a.test")
		with data.weir.custom.name.deny as {{"rule": "mine", "reason": "no", "hint": "", "allow": true}}
	answer == {"allow": false, "rule": "mine", "reason": "no", "hint": ""}
}

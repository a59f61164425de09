package weir.exchange_test

import data.weir.exchange
import data.weir.fixture_test as fixture

decide(differences, question) := answer if {
	answer := exchange.decision with input as question with data.egress as fixture.egress(differences)
}

test_a_listed_request_is_allowed_with_its_grants if {
	decide({}, fixture.question) == {
		"allow": true,
		"rule": "api.read",
		"grants": ["api"],
		"budgets": ["team"],
		"obligations": {"max_request_bytes": 10},
	}
}

test_without_data_everything_is_refused if {
	answer := exchange.decision with input as fixture.question
	answer.allow == false
	answer.rule == "hosts.default"
}

test_without_a_destination_it_is_refused if {
	exchange.decision.rule == "exchange.default" with input as {}
	exchange.decision.allow == false with input as {}
}

test_without_a_request_it_is_refused if {
	decide({}, object.remove(fixture.question, ["request"])).allow == false
}

test_another_method_is_refused_with_the_methods_that_are_allowed if {
	decide({}, fixture.requesting({"method": "POST"})) == {
		"allow": false,
		"rule": "api.read",
		"reason": "method POST is not allowed for api.test",
		"hint": "allowed: GET, HEAD; add POST to the rule's methods",
	}
}

test_another_path_is_refused_with_the_paths_that_are_allowed if {
	v2 := {"paths": [{"segments": ["v2"], "rest": true}], "path_texts": ["/v2/**"]}
	answer := decide(v2, fixture.question)
	answer.allow == false
	answer.reason == "path /v1/models is not allowed for api.test"
	answer.hint == "allowed: /v2/**; add the path to the rule's paths"
}

test_a_long_path_is_refused_with_its_beginning if {
	question := fixture.requesting({"path": [concat("", [letter | some _ in numbers.range(1, 5000); letter := "x"])]})
	answer := decide({"paths": []}, question)
	answer.allow == false
	count(answer.reason) < 600
	contains(answer.reason, "xxx...")
}

test_a_web_socket_is_refused_unless_the_entry_names_it if {
	question := fixture.requesting({"upgrade": "websocket"})
	decide({}, question).reason == "WebSockets are not allowed for api.test"
	decide({"websocket": true}, question).allow == true
}

test_plain_http_is_refused_for_an_https_entry if {
	answer := decide({}, fixture.requesting({"scheme": "http"}))
	answer.allow == false
	answer.reason == "http requests of agent default/reviewer to port 443 of api.test are not allowed"
}

test_a_tunnel_allows_no_request if {
	decide({"handling": "tunnel"}, fixture.question).allow == false
}

test_another_agent_is_refused if {
	decide({"agents": []}, fixture.question).allow == false
}

test_the_destination_is_the_connections_whatever_the_request_claims if {
	decide({}, object.union(fixture.connecting({"name": "evil.test"}), {"request": {"host": "api.test"}})).rule == "hosts.default"
}

test_the_first_entry_that_allows_wins if {
	entries := fixture.egress_of([
		object.union(fixture.entry, {"order": 0, "rule": "posts", "methods": ["POST"]}),
		object.union(fixture.entry, {"order": 1, "rule": "reads"}),
		object.union(fixture.entry, {"order": 2, "rule": "reads too"}),
	])
	answer := exchange.decision with input as fixture.question with data.egress as entries
	answer.rule == "reads"
}

test_the_entry_that_came_nearest_explains if {
	entries := fixture.egress_of([
		object.union(fixture.entry, {"order": 0, "rule": "far", "methods": ["POST"]}),
		object.union(fixture.entry, {"order": 1, "rule": "near", "paths": []}),
	])
	answer := exchange.decision with input as fixture.question with data.egress as entries
	answer.rule == "near"
}

test_a_deny_wins_over_an_allow_before_it if {
	entries := fixture.egress_of([
		fixture.entry,
		object.union(fixture.entry, {
			"order": 1,
			"rule": "no",
			"effect": "deny",
			"ports": [],
			"methods": ["*"],
			"paths": [{"segments": ["v1"], "rest": true}],
		}),
	])
	refused := exchange.decision with input as fixture.question with data.egress as entries
	refused == {"allow": false, "rule": "no", "reason": "the policy refuses this", "hint": "ask"}
	allowed := exchange.decision with input as fixture.requesting({"path": ["v2"]}) with data.egress as entries
	allowed.allow == true
}

test_a_hidden_name_is_refused_whatever_is_listed if {
	hidden := object.union(fixture.egress({}), {"hidden": {"exact": {"api.test": true}}})
	exchange.decision.rule == "names.hide" with input as fixture.question with data.egress as hidden
}

test_rego_of_ones_own_refuses_before_the_data_allows if {
	refusal := {"rule": "mine", "reason": "no", "hint": ""}
	answer := exchange.decision with input as fixture.question
		with data.egress as fixture.egress({})
		with data.weir.custom.exchange.deny as {object.union(refusal, {"allow": true})}
	answer == object.union(refusal, {"allow": false})
}

test_rego_of_ones_own_allows_what_the_data_does_not if {
	answer := exchange.decision with input as fixture.question
		with data.weir.custom.exchange.allow as {{"rule": "mine", "grants": ["g"]}}
	answer == {"allow": true, "rule": "mine", "grants": ["g"], "budgets": [], "obligations": {}}
}

package weir.connection_test

import data.weir.connection
import data.weir.fixture_test as fixture

decide(differences, question) := answer if {
	answer := connection.decision with input as question with data.egress as fixture.egress(differences)
}

test_a_listed_host_and_port_is_allowed_and_intercepted if {
	decide({}, fixture.question) == {
		"allow": true,
		"rule": "api.read",
		"handling": "intercept",
		"grants": [],
		"budgets": ["team"],
		"obligations": {},
	}
}

test_without_data_everything_is_refused if {
	answer := connection.decision with input as fixture.question
	answer.allow == false
	answer.rule == "hosts.default"
}

test_without_a_destination_it_is_refused if {
	connection.decision.rule == "connection.default" with input as {}
	connection.decision.allow == false with input as {}
}

test_another_port_is_refused_with_the_ports_that_are_allowed if {
	answer := decide({"ports": [443, 8443]}, fixture.connecting({"port": 22}))
	answer.rule == "api.read"
	answer.reason == "port 22 is not allowed for api.test"
	answer.hint == "allowed: 443, 8443; add 22 to the rule's ports"
}

test_another_agent_is_refused if {
	answer := decide({"agents": [{"namespace": "other", "name": null}]}, fixture.question)
	answer.allow == false
	answer.reason == "agent default/reviewer may not use api.test"
}

test_plain_http_is_refused_unless_it_is_a_scheme_of_the_entry if {
	refused := decide({"ports": [80]}, fixture.connecting({"port": 80, "wire": "http"}))
	refused.allow == false
	refused.reason == "plain HTTP is not allowed for api.test"
	allowed := decide({"ports": [80], "schemes": ["http"]}, fixture.connecting({"port": 80, "wire": "http"}))
	allowed.allow == true
}

test_tls_is_refused_where_only_http_is_allowed if {
	decide({"schemes": ["http"]}, fixture.question).reason == "TLS is not allowed for api.test"
}

test_what_is_not_http_is_refused_unless_it_is_a_tunnel if {
	opaque := fixture.connecting({"port": 5432, "wire": "opaque"})
	refused := decide({"ports": [5432]}, opaque)
	refused.allow == false
	refused.reason == "a protocol that is neither TLS nor HTTP is not allowed for api.test"
	allowed := decide({"ports": [5432], "handling": "tunnel"}, opaque)
	allowed.handling == "tunnel"
}

database := {
	"rule": "db",
	"ports": [5432],
	"handling": "postgres",
	"databases": ["app"],
	"users": ["*"],
	"grants": ["db"],
	"budgets": ["team"],
}

dialling := fixture.connecting({"port": 5432, "wire": "postgres"})

asking(name) := object.union(dialling, {"sql": {"user": "anybody", "database": name, "application_name": "", "options": ""}})

test_a_database_client_may_connect_and_is_lent_nothing_yet if {
	decide(database, dialling) == {
		"allow": true,
		"rule": "db",
		"handling": "postgres",
		"grants": [],
		"budgets": ["team"],
		"obligations": {},
	}
}

test_a_database_that_is_named_is_lent_its_login if {
	answer := decide(database, asking("app"))
	answer.allow == true
	answer.grants == ["db"]
	decide(object.union(database, {"databases": ["*"]}), asking("other")).grants == ["db"]
}

test_another_database_is_refused if {
	answer := decide(database, asking("payroll"))
	answer.allow == false
	answer.reason == "database payroll as user anybody is not allowed at api.test"
	answer.hint == "databases: app; users: *"
}

test_another_name_of_the_user_is_refused_where_names_are_listed if {
	decide(object.union(database, {"users": ["reader"]}), asking("app")).allow == false
	decide(object.union(database, {"users": ["anybody"]}), asking("app")).allow == true
}

test_a_database_client_that_opens_tls_at_once_is_known_by_its_alpn if {
	decide(database, fixture.connecting({"port": 5432, "wire": "tls", "alpn": ["postgresql"]})).handling == "postgres"
	decide(database, fixture.connecting({"port": 5432, "wire": "tls", "alpn": ["h2"]})).allow == false
	decide(database, fixture.connecting({"port": 5432, "wire": "opaque"})).allow == false
}

test_a_database_client_is_not_intercepted_but_may_pass_unread if {
	decide({"ports": [5432]}, dialling).reason == "PostgreSQL is not allowed for api.test"
	decide({"ports": [5432], "handling": "tunnel"}, dialling).handling == "tunnel"
	decide({"ports": [5432], "handling": "tunnel"}, asking("app")).allow == false
}

test_the_entry_that_names_the_database_is_the_one_that_lends if {
	entries := fixture.egress_of([
		object.union(fixture.entry, database),
		object.union(object.union(fixture.entry, database), {"order": 1, "rule": "stock", "databases": ["stock"], "grants": ["stock"]}),
	])
	answer := connection.decision with input as asking("stock") with data.egress as entries
	answer.rule == "stock"
	answer.grants == ["stock"]
}

test_a_wire_that_nobody_knows_is_refused if {
	decide({}, fixture.connecting({"wire": "quic"})).allow == false
}

test_the_first_entry_that_allows_wins if {
	entries := fixture.egress_of([
		object.union(fixture.entry, {"order": 2, "rule": "later"}),
		object.union(fixture.entry, {"order": 1, "rule": "earlier"}),
		object.union(fixture.entry, {"order": 0, "rule": "elsewhere", "ports": [8443]}),
	])
	answer := connection.decision with input as fixture.question with data.egress as entries
	answer.rule == "earlier"
}

test_the_entry_that_came_nearest_explains if {
	entries := fixture.egress_of([
		object.union(fixture.entry, {"order": 0, "rule": "far", "agents": []}),
		object.union(fixture.entry, {"order": 1, "rule": "near", "ports": [8443]}),
	])
	answer := connection.decision with input as fixture.question with data.egress as entries
	answer.rule == "near"
}

test_a_deny_of_the_whole_host_wins_over_an_allow_before_it if {
	entries := fixture.egress_of([
		fixture.entry,
		object.union(fixture.entry, {"order": 1, "rule": "no", "effect": "deny", "whole": true, "ports": []}),
	])
	answer := connection.decision with input as fixture.question with data.egress as entries
	answer == {"allow": false, "rule": "no", "reason": "the policy refuses this", "hint": "ask"}
}

test_a_deny_of_some_requests_leaves_the_connection_alone if {
	entries := fixture.egress_of([
		fixture.entry,
		object.union(fixture.entry, {"order": 1, "rule": "no", "effect": "deny", "whole": false, "ports": [443]}),
	])
	answer := connection.decision with input as fixture.question with data.egress as entries
	answer.allow == true
}

test_a_deny_for_another_port_leaves_the_connection_alone if {
	entries := fixture.egress_of([
		fixture.entry,
		object.union(fixture.entry, {"order": 1, "rule": "no", "effect": "deny", "whole": true, "ports": [22]}),
	])
	answer := connection.decision with input as fixture.question with data.egress as entries
	answer.allow == true
}

test_an_address_is_refused_unless_its_range_is_listed if {
	question := fixture.connecting({"name": "10.0.0.1", "is_address": true})
	connection.decision.rule == "addresses.default" with input as question with data.egress as fixture.egress({})
	entry := object.union(fixture.entry, {"cidr": "10.0.0.0/8", "rule": "net"})
	listed := object.union(fixture.egress({}), {"addresses": [entry]})
	connection.decision.rule == "net" with input as question with data.egress as listed
}

test_a_metadata_address_is_refused_whatever_is_listed if {
	question := fixture.connecting({"name": "169.254.169.254", "is_address": true})
	entry := object.union(fixture.entry, {"cidr": "0.0.0.0/0"})
	listed := object.union(fixture.egress({}), {"addresses": [entry]})
	connection.decision.rule == "addresses.metadata" with input as question with data.egress as listed
}

test_rego_of_ones_own_refuses_before_the_data_allows if {
	refusal := {"rule": "mine", "reason": "no", "hint": ""}
	answer := connection.decision with input as fixture.question
		with data.egress as fixture.egress({})
		with data.weir.custom.connection.deny as {refusal}
	answer == object.union(refusal, {"allow": false})
}

test_rego_of_ones_own_cannot_turn_its_deny_into_an_allow if {
	answer := connection.decision with input as fixture.question
		with data.weir.custom.connection.deny as {{"allow": true, "rule": "mine", "reason": "no", "hint": ""}}
	answer.allow == false
}

test_rego_of_ones_own_allows_what_the_data_does_not if {
	answer := connection.decision with input as fixture.question
		with data.weir.custom.connection.allow as {{"rule": "mine"}}
	answer == {"allow": true, "rule": "mine", "handling": "intercept", "grants": [], "budgets": [], "obligations": {}}
}

ask := {"reason": "may it?", "hint": "wait", "timeout_seconds": 60, "scopes": ["once"]}

test_a_person_is_asked_about_a_tunnel_as_a_whole if {
	answer := decide({"ports": [22], "handling": "tunnel", "effect": "ask", "ask": ask}, fixture.connecting({"port": 22, "wire": "opaque"}))
	answer.ask == ask
	answer.handling == "tunnel"
	not answer.allow
}

test_a_person_is_asked_about_a_database_once_it_is_named if {
	asked := object.union(database, {"effect": "ask", "ask": ask})
	decide(asked, dialling).allow == true
	answer := decide(asked, asking("app"))
	answer.ask == ask
	answer.grants == ["db"]
}

test_nobody_is_asked_about_a_connection_whose_requests_are_read if {
	decide({"effect": "ask", "ask": ask}, fixture.question).allow == true
}

test_rego_of_ones_own_may_leave_a_connection_to_a_person if {
	answer := connection.decision with input as fixture.question
		with data.egress as fixture.egress({})
		with data.weir.custom.connection.ask as {{"rule": "mine", "reason": "may it?"}}
	answer.rule == "mine"
	answer.budgets == ["team"]
	other := connection.decision with input as fixture.connecting({"name": "other.test"})
		with data.weir.custom.connection.ask as {{"rule": "mine", "reason": "may it?", "handling": "tunnel"}}
	other.handling == "tunnel"
}

denying := object.union(fixture.entry, {"rule": "no", "order": 9, "effect": "deny", "ports": [], "whole": false})

through(entries) := answer if {
	opaque := fixture.connecting({"port": 22, "wire": "opaque"})
	answer := connection.decision with input as opaque with data.egress as fixture.egress_of(entries)
}

test_a_tunnel_carries_nothing_that_an_entry_refuses if {
	tunnel := object.union(fixture.entry, {"ports": [22], "handling": "tunnel"})
	through([tunnel]).handling == "tunnel"
	through([tunnel, denying]) == {
		"allow": false,
		"rule": "no",
		"reason": "a tunnel to api.test would carry requests that the policy refuses, and nobody would see them",
		"hint": "have the boundary read what goes there (handling intercept), or take the entry that denies away",
	}
	through([tunnel, object.union(denying, {"ports": [443]})]).handling == "tunnel"
	through([tunnel, object.union(denying, {"agents": []})]).handling == "tunnel"
}

test_a_tunnel_that_rego_of_ones_own_opens_carries_nothing_refused_either if {
	question := fixture.connecting({"port": 22, "wire": "opaque"})
	allow := {{"rule": "mine", "handling": "tunnel"}}
	free := connection.decision with input as question with data.egress as fixture.egress_of([]) with data.weir.custom.connection.allow as allow
	free.handling == "tunnel"
	refused := connection.decision with input as question with data.egress as fixture.egress_of([denying]) with data.weir.custom.connection.allow as allow
	refused.rule == "no"
}

test_what_is_read_goes_on_beside_an_entry_that_refuses_some_of_it if {
	answer := connection.decision with input as fixture.question with data.egress as fixture.egress_of([fixture.entry, denying])
	answer.handling == "intercept"
}

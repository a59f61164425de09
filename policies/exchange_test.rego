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

none := {"exact": [], "affixes": [], "patterns": []}

# An entry that covers the call of one tool of MCP.
mcp_entry(rule, order, tool) := object.union(fixture.entry, {
	"rule": rule,
	"order": order,
	"methods": ["GET", "POST", "DELETE"],
	"readings": ["mcp"],
	"max_read_bytes": 100 + order,
	"mcp": {
		"everything": false,
		"sessions": true,
		"opening": none,
		"methods": none,
		"from_server": none,
		"resources": none,
		"prompts": none,
		"tools": {"named": {tool: [{"arguments": [], "only": null}]}, "like": []},
		"texts": {"tools": tool},
	},
})

json_entry(rule, order) := object.union(fixture.entry, {
	"rule": rule,
	"order": order,
	"methods": ["POST"],
	"readings": ["json"],
	"max_read_bytes": 1000,
	"json": [],
})

posting := fixture.requesting({"method": "POST"})

reading(read) := object.union(posting, read)

calling(tool) := reading({
	"read": {"mcp": null, "json": "no JSON"},
	"mcp": {"direction": "to_server", "kind": "request", "method": "tools/call", "tool": tool, "arguments": null, "is_listing": false},
})

among(entries, question) := answer if {
	answer := exchange.decision with input as question with data.egress as fixture.egress_of(entries)
}

test_what_only_the_body_tells_is_read_once_for_all_entries if {
	entries := [mcp_entry("a", 0, "x"), json_entry("b", 1)]
	among(entries, posting) == {"read": ["json", "mcp"], "rule": "a", "max_bytes": 1000}
	among(entries, calling("x")).rule == "a"
	among(entries, calling("y")).allow == false
	among(entries, reading({"read": {"mcp": "x", "json": null}, "json": {}})).rule == "b"
}

test_nothing_is_read_where_an_entry_before_it_allows if {
	first := object.union(fixture.entry, {"methods": ["POST"], "order": 0, "rule": "all"})
	among([first, mcp_entry("a", 1, "x")], posting).rule == "all"
	among([mcp_entry("a", 0, "x"), object.union(first, {"order": 1})], posting).read == ["mcp"]
}

test_nothing_is_read_where_a_deny_needs_no_reading if {
	deny := object.union(fixture.entry, {"effect": "deny", "rule": "no", "methods": ["*"], "order": 9})
	among([mcp_entry("a", 0, "x"), deny], posting).rule == "no"
}

test_a_deny_has_the_body_read_though_an_entry_allows if {
	first := object.union(fixture.entry, {"methods": ["POST"], "order": 0, "rule": "all"})
	deny := object.union(mcp_entry("no", 1, "x"), {"effect": "deny", "mcp": {"sessions": false}})
	among([first, deny], posting) == {"read": ["mcp"], "rule": "no", "max_bytes": 101}
	among([first, deny], calling("x")).rule == "no"
	among([first, deny], calling("y")).rule == "all"
	among([first, deny], reading({"read": {"mcp": "no JSON"}})).rule == "no"
	among([first, deny], fixture.question).rule == "all"
}

test_the_answers_are_filtered_where_a_deny_speaks_of_mcp if {
	first := object.union(fixture.entry, {"methods": ["*"], "order": 0, "rule": "all"})
	deny := object.union(mcp_entry("no", 1, "x"), {"effect": "deny", "mcp": {"sessions": false}})
	among([first, deny], fixture.question).obligations == {"filter": "mcp", "max_request_bytes": 10}
	among([first, deny], fixture.requesting({"method": "HEAD"})).obligations == {"max_request_bytes": 10}
}

test_the_stream_of_a_session_is_allowed_without_a_reading if {
	among([mcp_entry("a", 0, "x")], fixture.question).rule == "a"
}

test_what_was_not_read_then_is_not_read_again if {
	among([mcp_entry("a", 0, "x")], reading({"read": {"json": null}, "json": {}})).reason == "the body for api.test is no MCP message: it was not read"
}

ask := {"reason": "may it?", "hint": "wait", "timeout_seconds": 60, "scopes": ["once"]}

test_an_entry_may_leave_it_to_a_person if {
	decide({"effect": "ask", "ask": ask}, fixture.question) == {
		"ask": ask,
		"rule": "api.read",
		"grants": ["api"],
		"budgets": ["team"],
		"obligations": {"max_request_bytes": 10},
	}
}

test_the_first_entry_decides_whether_a_person_is_asked if {
	free := object.union(fixture.entry, {"rule": "free", "order": 1})
	asked := object.union(fixture.entry, {"rule": "asked", "order": 0, "effect": "ask", "ask": ask})
	among([free, asked], fixture.question).ask == ask
	among([object.union(free, {"order": 0}), object.union(asked, {"order": 1})], fixture.question).allow == true
}

test_the_entry_that_names_the_tool_explains if {
	closer := mcp_entry("near", 1, "x")
	refusing := [{"name": "path", "path": [{"key": "path", "index": null}], "optional": false, "checks": [], "says": "must be there"}]
	near := object.union(closer, {"mcp": {"tools": {"named": {"x": [{"arguments": refusing, "only": null}]}}}})
	answer := among([mcp_entry("far", 0, "y"), near], calling("x"))
	answer == {
		"allow": false,
		"rule": "near",
		"reason": "argument path of MCP tool x at api.test must be there",
		"hint": "call the tool with other arguments, or change the tool's rules in `mcp.tools`",
	}
}

test_rego_of_ones_own_leaves_to_a_person_what_an_entry_allows if {
	answer := exchange.decision with input as fixture.question
		with data.egress as fixture.egress({})
		with data.weir.custom.exchange.ask as {{"rule": "mine", "reason": "may it?", "grants": ["more"]}}
	answer.rule == "mine"
	answer.ask.reason == "may it?"
	answer.grants == ["api"]
}

test_rego_of_ones_own_leaves_to_a_person_what_no_entry_allows if {
	answer := exchange.decision with input as posting
		with data.egress as fixture.egress({})
		with data.weir.custom.exchange.ask as {{"rule": "mine", "reason": "may it?", "grants": ["g"]}}
	answer.grants == ["g"]
	answer.obligations == {}
}

test_rego_of_ones_own_sees_the_body_before_anything_allows if {
	question := posting
	answer := exchange.decision with input as question
		with data.egress as fixture.egress({"methods": ["POST"]})
		with data.weir.custom.exchange.read as {"mcp", {"reading": "json", "rule": "mine", "max_bytes": 7}}
	answer == {"read": ["json", "mcp"], "rule": "custom", "max_bytes": 131072}
	again := exchange.decision with input as reading({"read": {"mcp": "no", "json": "no"}})
		with data.egress as fixture.egress({"methods": ["POST"]})
		with data.weir.custom.exchange.read as {"mcp"}
	again.allow == true
}

package weir.json_bodies_test

import data.weir.json_bodies

channel := {
	"name": "/channel",
	"path": [{"key": "channel", "index": null}],
	"optional": false,
	"checks": [["one_of", ["C1"]]],
	"says": "must be C1",
}

whole := {"name": "", "path": [], "optional": false, "checks": [["type", "object"]], "says": "must be of type object"}

body(value) := {"read": {"json": null}, "json": value}

test_an_allow_covers_a_body_whose_values_hold if {
	json_bodies.permits([whole, channel]) with input as body({"channel": "C1"})
	not json_bodies.permits([channel]) with input as body({"channel": "C2"})
	not json_bodies.permits([whole]) with input as body(["C1"])
}

test_what_cannot_be_read_is_covered_by_a_deny_alone if {
	every question in [{}, {"read": {"json": "no JSON"}}] {
		not json_bodies.permits([channel]) with input as question
		json_bodies.refuses([channel]) with input as question
	}
}

test_a_deny_covers_what_holds_or_cannot_be_judged if {
	json_bodies.refuses([channel]) with input as body({"channel": "C1"})
	json_bodies.refuses([channel]) with input as body({"channel": ["C1"]})
	not json_bodies.refuses([channel]) with input as body({"channel": "C2"})
	not json_bodies.refuses([channel]) with input as body({})
}

asked_with(name) := object.union(body({"channel": "C1"}), {"request": {"query": {name: ["C2"]}}})

test_what_the_query_says_as_well_is_covered_by_a_deny_alone if {
	every name in ["channel", "Channel", "channel[]"] {
		not json_bodies.permits([channel]) with input as asked_with(name)
		json_bodies.refuses([object.union(channel, {"checks": [["one_of", ["C9"]]]})]) with input as asked_with(name)
	}
	json_bodies.permits([whole, channel]) with input as asked_with("channels")
	answer := json_bodies.explanation([channel], "h") with input as asked_with("channel")
	answer.reason == "the query for h says what only the body may say: channel"
}

test_a_body_may_be_false_or_null if {
	anything := object.union(whole, {"checks": [["one_of", [false, null]]]})
	json_bodies.permits([anything]) with input as body(false)
	json_bodies.permits([anything]) with input as body(null)
}

test_a_refusal_names_the_place if {
	says := json_bodies.explanation([whole, channel], "h") with input as body({"channel": "C2"})
	says.reason == "/channel must be C1 in a body for h"
	of_the_whole := json_bodies.explanation([whole], "h") with input as body([])
	of_the_whole.reason == "the whole must be of type object in a body for h"
}

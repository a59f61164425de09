package weir.readings_test

import data.weir.fixture_test as fixture
import data.weir.readings

none := {"exact": [], "affixes": [], "patterns": []}

every_text := {"exact": [], "affixes": [["", ""]], "patterns": []}

texts := {"models": "", "tools": "", "repositories": "", "methods": "", "types": "", "names": "", "fields": "", "resources": "", "prompts": "", "from_server": ""}

# Rules that cover every reading there is.
open := {
	"git": {"writes": [true, false], "repositories": every_text, "texts": texts},
	"grpc": {"services": ["s", "m"], "methods": [], "texts": texts},
	"llm": {"models": every_text, "streams": [true, false], "texts": texts},
	"mcp": {"everything": true, "sessions": true, "opening": every_text, "tools": {"named": {}, "like": []}, "texts": texts},
	"graphql": {"types": ["query"], "texts": texts},
	"json": [],
}

# Rules that cover none.
closed := {
	"git": {"writes": [], "repositories": none, "texts": texts},
	"grpc": {"services": [], "methods": [], "texts": texts},
	"llm": {"models": none, "streams": [], "texts": texts},
	"mcp": {
		"everything": false,
		"sessions": false,
		"opening": none,
		"methods": none,
		"from_server": none,
		"resources": none,
		"prompts": none,
		"tools": {"named": {}, "like": []},
		"texts": texts,
	},
	"graphql": {"types": [], "texts": texts},
	"json": [{"name": "", "path": [], "optional": false, "checks": [["type", "array"]], "says": "must be of type array"}],
}

all_read := object.union(fixture.requesting({"method": "POST", "path": ["s", "m", "git-receive-pack"]}), {
	"git": {"repository": "s/m", "is_write": true},
	"grpc": {"service": "s", "method": "m"},
	"read": {"llm": null, "mcp": null, "graphql": null, "json": null},
	"llm": {"model": "m", "stream": false, "tools": []},
	"mcp": {"direction": "to_server", "kind": "request", "method": "initialize", "tool": null},
	"graphql": {"type": "query", "name": null, "fields": []},
	"json": {},
})

nothing_read := fixture.requesting({"method": "POST"})

names := ["git", "grpc", "llm", "mcp", "graphql", "json"]

of_body := ["llm", "mcp", "graphql", "json"]

entry(effect, list, rules) := object.union(object.union(fixture.entry, rules), {"effect": effect, "readings": list})

test_each_reading_is_held_against_its_own_rules if {
	every name in names {
		every effect in ["allow", "ask", "deny"] {
			readings.is_covered(entry(effect, [name], open)) with input as all_read
			not readings.is_covered(entry(effect, [name], closed)) with input as all_read
		}
	}
}

test_all_readings_of_an_entry_have_to_hold if {
	readings.is_covered(entry("allow", names, open)) with input as all_read
	not readings.is_covered(entry("allow", names, object.union(open, {"git": closed.git}))) with input as all_read
}

test_an_entry_without_readings_covers_every_request if {
	readings.is_covered(fixture.entry) with input as nothing_read
	readings.unknown(fixture.entry) == [] with input as nothing_read
}

test_what_only_the_body_tells_unknown_until_it_was_read if {
	every name in of_body {
		readings.unknown(entry("allow", [name], open)) == [name] with input as nothing_read
		readings.unknown(entry("allow", [name], open)) == [] with input as all_read
	}
	readings.unknown(entry("allow", ["git"], open)) == [] with input as nothing_read
	readings.unknown(entry("allow", ["json"], open)) == [] with input as object.union(nothing_read, {"mcp": all_read.mcp})
}

test_what_the_head_speaks_against_is_not_read if {
	head := object.remove(all_read, ["read", "llm", "mcp", "graphql", "json"])
	readings.unknown(entry("allow", ["git", "json"], open)) == ["json"] with input as head
	readings.unknown(entry("allow", ["git", "json"], object.union(open, {"git": closed.git}))) == [] with input as head
}

test_the_stream_of_a_session_needs_no_reading if {
	stream := fixture.requesting({"method": "GET"})
	readings.unknown(entry("allow", ["mcp"], open)) == [] with input as stream
	readings.is_covered(entry("allow", ["mcp"], open)) with input as stream
	readings.opens(entry("ask", ["mcp"], open)) with input as stream
	readings.unknown(entry("allow", ["json", "mcp"], open)) == ["json"] with input as stream
}

test_what_could_not_be_read_is_covered_by_a_deny_and_by_no_allow if {
	question := object.union(nothing_read, {"read": {name: "why not" | some name in of_body}})
	every name in of_body {
		not readings.is_covered(entry("allow", [name], open)) with input as question
		readings.is_covered(entry("deny", [name], closed)) with input as question
	}
}

deny(name) := entry("deny", [name], closed)

test_a_deny_is_of_whatever_could_carry_it if {
	web_socket := fixture.requesting({"upgrade": "websocket"})
	deleting := fixture.requesting({"method": "DELETE", "has_body": true})
	every name in of_body {
		every question in [web_socket, deleting] {
			readings.unknown(deny(name)) == [name] with input as question
			readings.is_covered(deny(name)) with input as object.union(question, {"read": {name: "why not"}})
		}
		readings.unknown(deny(name)) == [] with input as fixture.question
		not readings.is_covered(deny(name)) with input as fixture.question
	}
	query := fixture.requesting({"query": {"query": ["{a}"]}})
	readings.unknown(deny("graphql")) == ["graphql"] with input as query
	readings.unknown(deny("json")) == [] with input as query
}

test_a_filtered_list_is_held_against_a_deny_of_mcp if {
	listing := object.union(fixture.question, {"mcp": all_read.mcp})
	readings.is_covered(entry("deny", ["mcp"], open)) with input as listing
	readings.is_covered(entry("deny", ["mcp"], open)) with input as fixture.question
	not readings.is_covered(entry("deny", ["mcp"], open)) with input as fixture.requesting({"method": "OPTIONS"})
}

reason(list, rules, question) := answer.reason if {
	answer := readings.explanation(entry("allow", list, rules), "h") with input as question
}

test_a_refusal_says_why_there_is_no_reading if {
	question := object.union(nothing_read, {"read": {name: "why not" | some name in of_body}})
	reason(["mcp"], open, question) == "the body for h is no MCP message: why not"
	reason(["llm"], open, question) == "the body for h is no request to a language model: why not"
	reason(["json"], open, nothing_read) == "the body for h is no JSON: it was not read"
	reason(["graphql"], open, nothing_read) == "the body for h is no GraphQL operation: it was not read"
	reason(["llm"], open, nothing_read) == "the body for h is no request to a language model: it was not read"
	reason(["mcp"], open, nothing_read) == "the body for h is no MCP message: it was not read"
}

test_a_refusal_names_the_first_reading_that_does_not_hold if {
	every name in names {
		is_string(reason([name], closed, all_read))
	}
	contains(reason(["git", "json"], object.union(open, {"json": closed.json}), all_read), "must be of type array")
}

test_an_entry_that_names_the_tool_is_close if {
	tools := {"tools": {"named": {"t": [{"arguments": [], "only": null}]}, "like": []}}
	call := object.union(all_read, {"mcp": {"direction": "to_server", "method": "tools/call", "tool": "t"}})
	readings.is_close({"mcp": tools}) with input as call
	not readings.is_close(fixture.entry) with input as call
}

test_a_list_shows_what_could_be_called_with_another_body if {
	listing := object.union(nothing_read, {"mcp": {"direction": "to_server", "kind": "request", "method": "tools/call", "tool": "t", "is_listing": true}})
	tools := {"mcp": {"tools": {"named": {"t": [{"arguments": [], "only": null}]}, "like": []}}}
	readings.is_covered(entry("allow", ["json", "mcp"], object.union(closed, tools))) with input as listing
	not readings.is_covered(entry("deny", ["json", "mcp"], object.union(closed, tools))) with input as listing
}

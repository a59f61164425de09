package weir.mcp_test

import data.weir.mcp

none := {"exact": [], "affixes": [], "patterns": []}

globs(names) := object.union(none, {"exact": names})

prefix(text) := object.union(none, {"affixes": [[text, ""]]})

path_rule := {
	"name": "path",
	"path": [{"key": "path", "index": null}],
	"optional": false,
	"checks": [["within", "/workspace"]],
	"says": "must lie within /workspace",
}

nested_rule := object.union(path_rule, {"name": "options.path", "path": [{"key": "options", "index": null}, {"key": "path", "index": null}]})

tool(arguments, only) := {"name": none, "arguments": arguments, "only": only}

only_path := [{"at": [], "keys": ["path"]}]

only_nested := [{"at": [], "keys": ["options"]}, {"at": [{"key": "options", "index": null}], "keys": ["path"]}]

rules := {
	"everything": false,
	"opening": object.union(globs(["initialize", "ping", "tools/list"]), {"affixes": [["notifications/", ""]]}),
	"sessions": true,
	"methods": globs(["tasks/get", "tools/call"]),
	"tools": {
		"named": {
			"write_file": [tool([path_rule], null)],
			"only": [tool([path_rule], only_path)],
			"nested": [tool([nested_rule], only_nested)],
		},
		"like": [object.union(tool([], null), {"name": prefix("read_")})],
	},
	"resources": prefix("file:///workspace/"),
	"prompts": globs(["review"]),
	"from_server": globs(["elicitation/create"]),
	"texts": {"methods": "M", "tools": "T", "resources": "R", "prompts": "P", "from_server": "S"},
}

message := {
	"direction": "to_server",
	"kind": "request",
	"method": "tools/call",
	"tool": null,
	"arguments": null,
	"prompt": null,
	"uri": null,
	"is_listing": false,
}

sending(differences) := {"request": {"method": "POST"}, "mcp": object.union(message, differences)}

call(name, arguments) := sending({"tool": name, "arguments": arguments})

permits(question) if mcp.permits(rules) with input as question

refuses(said, question) if mcp.refuses(object.union(deny, said)) with input as question

# A deny that names nothing yet.
deny := object.union(object.remove(rules, ["opening", "methods", "tools", "resources", "prompts", "from_server"]), {
	"sessions": false,
	"opening": none,
	"methods": none,
	"tools": {"named": {}, "like": []},
	"resources": none,
	"prompts": none,
	"from_server": none,
})

test_what_every_client_needs_is_covered_without_a_question if {
	every question in [
		sending({"method": "initialize"}),
		sending({"method": "notifications/initialized", "kind": "notification"}),
		sending({"method": "tools/list"}),
		sending({"method": null, "kind": "response"}),
		sending({"method": "ping", "direction": "from_server"}),
		sending({"method": "notifications/progress", "kind": "notification", "direction": "from_server"}),
		{"request": {"method": "GET", "upgrade": null}},
		{"request": {"method": "DELETE", "upgrade": null}},
	] {
		permits(question)
		mcp.opens(rules) with input as question
	}
}

test_methods_that_nobody_named_are_not_covered if {
	not permits(sending({"method": "prompts/list"}))
	not permits(sending({"method": "tasks/cancel"}))
	not permits({"request": {"method": "POST"}})
	permits(sending({"method": "tasks/get"}))
}

test_a_stream_carries_nothing_of_the_agents if {
	not permits({"request": {"method": "GET", "upgrade": "websocket"}})
	not permits({"request": {"method": "GET", "upgrade": null, "has_body": true}})
}

test_a_call_is_covered_by_its_tool_and_never_by_its_method if {
	not permits(call("delete_file", {}))
	not permits(call(null, {}))
	permits(call("read_file", null))
	not permits(call("Read_file", null))
	not permits(call("read*", null))
}

test_the_arguments_of_a_call_have_to_hold if {
	permits(call("write_file", {"path": "/workspace/a", "more": 1}))
	every arguments in [{}, null, {"path": "/etc/a"}, {"path": ["/workspace/a"]}, {"path": null}, {"PATH": "/workspace/a"}] {
		not permits(call("write_file", arguments))
	}
}

test_a_call_may_be_limited_to_the_arguments_that_are_named if {
	permits(call("only", {"path": "/workspace/a"}))
	not permits(call("only", {"path": "/workspace/a", "more": 1}))
	not permits(call("only", {"path": "/workspace/a", "__proto__": 1}))
	permits(call("nested", {"options": {"path": "/workspace/a"}}))
	not permits(call("nested", {"options": {"path": "/workspace/a", "force": true}}))
	not permits(call("nested", {"options": {"path": "/workspace/a"}, "force": true}))
}

test_a_level_that_is_not_there_has_no_other_keys if {
	optional := object.union(nested_rule, {"optional": true})
	said := object.union(rules, {"tools": {"named": {"nested": [tool([optional], only_nested)]}, "like": []}})
	mcp.permits(said) with input as call("nested", {})
	not mcp.permits(said) with input as call("nested", {"options": "path=/etc"})
	not mcp.permits(said) with input as call("nested", {"options": false})
}

test_a_list_shows_what_could_be_called_with_other_arguments if {
	permits(sending({"tool": "write_file", "is_listing": true}))
	not permits(sending({"tool": "delete_file", "is_listing": true}))
}

test_resources_and_prompts_are_covered_by_name if {
	every method in ["resources/read", "resources/subscribe", "resources/unsubscribe"] {
		permits(sending({"method": method, "uri": "file:///workspace/a"}))
		not permits(sending({"method": method, "uri": "file:///etc/passwd"}))
		not permits(sending({"method": method}))
	}
	permits(sending({"method": "prompts/get", "prompt": "review"}))
	not permits(sending({"method": "prompts/get", "prompt": "other"}))
}

test_a_server_may_ask_for_what_is_named if {
	permits(sending({"direction": "from_server", "method": "elicitation/create"}))
	not permits(sending({"direction": "from_server", "method": "sampling/createMessage"}))
	not permits(sending({"direction": "from_server", "method": "initialize"}))
	not permits(sending({"direction": "from_server", "tool": "read_file"}))
}

test_a_deny_covers_what_it_names_and_lets_clients_begin if {
	tools := {"tools": {"named": {"delete_file": [tool([], null)]}, "like": []}}
	refuses(tools, call("delete_file", {}))
	not refuses(tools, call("read_file", {}))
	not refuses(tools, sending({"method": "initialize"}))
	not refuses(tools, {"request": {"method": "GET", "upgrade": null}})
	refuses({"methods": globs(["tasks/get"])}, sending({"method": "tasks/get"}))
	refuses({"resources": prefix("file:///etc/")}, sending({"method": "resources/read", "uri": "file:///etc/passwd"}))
}

test_a_deny_of_everything_covers_every_request if {
	every question in [call("read_file", {}), sending({"method": "initialize"}), {"request": {"method": "GET", "upgrade": null}}] {
		refuses({"everything": true}, question)
	}
}

test_a_deny_covers_what_cannot_be_read_or_judged if {
	tools := {"tools": {"named": {"write_file": [tool([path_rule], null)]}, "like": []}}
	refuses(tools, {"request": {"method": "POST"}})
	refuses(tools, call("write_file", {"path": "/workspace/a"}))
	refuses(tools, call("write_file", {"path": "/etc/../workspace/a"}))
	refuses(tools, call("write_file", {"path": ["/etc/a"]}))
	not refuses(tools, call("write_file", {"path": "/etc/a"}))
	not refuses(tools, call("write_file", {}))
	every question in [call(null, {}), sending({"method": "resources/read"}), sending({"method": "prompts/get"})] {
		refuses(tools, question)
	}
}

test_a_deny_of_some_arguments_does_not_take_the_tool_from_lists if {
	some_calls := {"tools": {"named": {"write_file": [tool([path_rule], null)]}, "like": []}}
	not refuses(some_calls, sending({"tool": "write_file", "is_listing": true}))
	all_calls := {"tools": {"named": {"write_file": [tool([], null)]}, "like": []}}
	refuses(all_calls, sending({"tool": "write_file", "is_listing": true}))
}

reason(question) := answer.reason if {
	answer := mcp.explanation(rules, "h") with input as question
}

test_a_refusal_names_what_is_not_covered if {
	reason(call("x", {})) == "MCP tool x is not allowed at h"
	reason(call("write_file", {"path": "/etc"})) == "argument path of MCP tool write_file at h must lie within /workspace"
	reason(call("only", {"path": "/workspace", "b": 1})) == "MCP tool only at h may have no other arguments than those that are named"
	reason(sending({"method": "resources/read", "uri": "u"})) == "MCP resource u is not allowed at h"
	reason(sending({"method": "prompts/get", "prompt": "p"})) == "MCP prompt p is not allowed at h"
	reason(sending({"method": "m", "direction": "from_server"})) == "an MCP server at h may not ask an agent for m"
	reason(sending({"method": "m"})) == "MCP method m is not allowed at h"
}

test_an_entry_that_names_the_tool_is_closer_than_one_that_does_not if {
	mcp.is_close(rules) with input as call("write_file", {})
	not mcp.is_close(rules) with input as call("x", {})
}

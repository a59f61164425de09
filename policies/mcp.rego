# METADATA
# title: Model Context Protocol
# description: |
#   Which messages of the protocol an entry covers: methods, tools with their arguments, resources, prompts, and what a
#   server may ask of the agent. Rules are those of `mcp` in an entry of the data.
package weir.mcp

import data.weir.globs
import data.weir.methods_and_paths
import data.weir.values

# METADATA
# title: Methods that are covered by what they are for
governed := {"tools/call", "prompts/get", "resources/read", "resources/subscribe", "resources/unsubscribe"}

# METADATA
# title: Methods for resources
of_resources := {"resources/read", "resources/subscribe", "resources/unsubscribe"}

# METADATA
# title: A request that carries no message
# description: The stream of a session, and its end.
is_bodyless if {
	input.request.method in {"GET", "DELETE"}
	input.request.upgrade == null
	not methods_and_paths.has_body
	not input.mcp
}

# METADATA
# title: An allow covers the request
permits(rules) if opens(rules)

permits(rules) if names(rules)

# METADATA
# title: The request is one that every client needs to begin, or to stay
# description: Nobody is asked about it.
opens(rules) if {
	rules.sessions == true
	is_bodyless
}

opens(rules) if {
	rules.sessions == true
	input.mcp.kind == "response"
}

opens(rules) if {
	input.mcp.direction == "to_server"
	globs.covers(rules.opening, input.mcp.method)
}

opens(rules) if {
	rules.sessions == true
	input.mcp.direction == "from_server"
	is_harmless_from_server
}

# METADATA
# title: A message of a server that asks for nothing
is_harmless_from_server if input.mcp.kind == "notification"

is_harmless_from_server if input.mcp.method == "ping"

# METADATA
# title: The request is one that the rules name
names(rules) if {
	input.mcp.direction == "to_server"
	not input.mcp.method in governed
	globs.covers(rules.methods, input.mcp.method)
}

names(rules) if {
	is_call
	some tool in tools_named(rules)
	arguments_hold(tool)
}

names(rules) if {
	is_read
	globs.covers(rules.resources, input.mcp.uri)
}

names(rules) if {
	is_prompt
	globs.covers(rules.prompts, input.mcp.prompt)
}

names(rules) if {
	input.mcp.direction == "from_server"
	globs.covers(rules.from_server, input.mcp.method)
}

# METADATA
# title: A call of a tool
is_call if {
	input.mcp.direction == "to_server"
	input.mcp.method == "tools/call"
}

# METADATA
# title: A request for a resource
is_read if {
	input.mcp.direction == "to_server"
	input.mcp.method in of_resources
}

# METADATA
# title: A request for a prompt
is_prompt if {
	input.mcp.direction == "to_server"
	input.mcp.method == "prompts/get"
}

# METADATA
# title: Rules that name the tool
tools_named(rules) := array.concat(
	object.get(rules.tools.named, input.mcp.tool, []),
	[tool | some tool in rules.tools.like; globs.covers(tool.name, input.mcp.tool)],
)

# METADATA
# title: An allow covers the arguments
arguments_hold(_) if input.mcp.is_listing == true

arguments_hold(tool) if {
	values.all_hold(tool.arguments, arguments)
	only_these(tool)
}

# METADATA
# title: Arguments of the call
# description: None is the same as an object without any.
arguments := input.mcp.arguments if is_object(input.mcp.arguments)

arguments := {} if is_null(input.mcp.arguments)

# METADATA
# title: There are no other arguments
only_these(tool) if tool.only == null

only_these(tool) if {
	is_array(tool.only)
	every level in tool.only {
		keys_fit(level)
	}
}

# METADATA
# title: There are no other keys at one level
keys_fit(level) if {
	here := values.at(arguments, level.at)
	is_object(here)
	every key in object.keys(here) {
		key in level.keys
	}
}

keys_fit(level) if values.is_absent(arguments, level.at)

# METADATA
# title: A deny covers the request
# description: What it names, what cannot be read, and what can be read but not judged.
refuses(rules) if rules.everything == true

refuses(_) if {
	not is_bodyless
	not input.mcp
}

refuses(_) if is_vague

refuses(rules) if {
	not is_call
	names(rules)
}

refuses(rules) if {
	is_call
	some tool in tools_named(rules)
	arguments_refused(tool)
}

# METADATA
# title: A request that does not say what it is for
# description: A call without a name is nobody's, or everybody's.
is_vague if {
	is_call
	not is_string(input.mcp.tool)
}

is_vague if {
	is_read
	not is_string(input.mcp.uri)
}

is_vague if {
	is_prompt
	not is_string(input.mcp.prompt)
}

# METADATA
# title: A deny covers the arguments
arguments_refused(tool) if tool.arguments == []

arguments_refused(tool) if {
	input.mcp.is_listing == false
	values.none_fails(tool.arguments, arguments)
}

# METADATA
# title: The tool is named, and only its arguments are not covered
is_close(rules) if {
	is_call
	count(tools_named(rules)) > 0
}

# METADATA
# title: What a refusal says of a message that no rule covers
explanation(rules, host) := {
	"reason": sprintf("MCP tool %s is not allowed at %s", [input.mcp.tool, host]),
	"hint": sprintf("allowed: %s; add it to `mcp.tools` of the rule", [rules.texts.tools]),
} if {
	is_call
	count(tools_named(rules)) == 0
} else := {
	"reason": argument_problem(tools_named(rules)[0], host),
	"hint": "call the tool with other arguments, or change the tool's rules in `mcp.tools`",
} if {
	is_call
} else := {
	"reason": sprintf("MCP resource %s is not allowed at %s", [input.mcp.uri, host]),
	"hint": sprintf("allowed: %s; add it to `mcp.resources` of the rule", [rules.texts.resources]),
} if {
	is_read
} else := {
	"reason": sprintf("MCP prompt %s is not allowed at %s", [input.mcp.prompt, host]),
	"hint": sprintf("allowed: %s; add it to `mcp.prompts` of the rule", [rules.texts.prompts]),
} if {
	is_prompt
} else := {
	"reason": sprintf("an MCP server at %s may not ask an agent for %s", [host, input.mcp.method]),
	"hint": sprintf("allowed: %s; add it to `mcp.from_server` of the rule", [rules.texts.from_server]),
} if {
	input.mcp.direction == "from_server"
} else := {
	"reason": sprintf("MCP method %s is not allowed at %s", [input.mcp.method, host]),
	"hint": sprintf("allowed: %s; add it to `mcp.methods` of the rule", [rules.texts.methods]),
}

# METADATA
# title: What is wrong with the arguments
argument_problem(tool, host) := sprintf("argument %s of MCP tool %s at %s %s", [failed.name, input.mcp.tool, host, failed.says]) if {
	failed := [rule | some rule in tool.arguments; not values.holds(rule, arguments)][0]
} else := sprintf("MCP tool %s at %s may have no other arguments than those that are named", [input.mcp.tool, host])

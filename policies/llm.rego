# METADATA
# title: Language models
# description: Which requests to language models an entry covers. Rules are those of `llm` in an entry of the data.
package weir.llm

import data.weir.globs

# METADATA
# title: An allow covers the request
# description: Every tool that is offered has to be covered, those of the provider included.
permits(rules) if {
	model_permitted(rules)
	input.llm.stream in rules.streams
	tools_permitted(rules)
}

# METADATA
# title: What may come from elsewhere
# description: |
#   A stored prompt, a preset or the like may bring `models` or `tools` that nobody read: then no rule that names some
#   covers the request for an allow, and each covers it for a deny. Where a name stands for a `model` that nobody read, an
#   allow may name it all the same.
is_unread(part) if part in input.llm.unread

# METADATA
# title: Rules that name nothing in particular
is_everything(wanted) if ["", ""] in wanted.affixes

# METADATA
# title: An allow covers the model
model_permitted(rules) if is_everything(rules.models)

model_permitted(rules) if {
	not is_unread("models")
	globs.covers(rules.models, input.llm.model)
}

# METADATA
# title: More tools than are looked at
# description: |
#   Others wait for the answer while each is held against each pattern. No API takes so many.
too_many if count(input.llm.tools) > 256

# METADATA
# title: An allow covers the tools
tools_permitted(rules) if not rules.tools

tools_permitted(rules) if is_everything(rules.tools)

tools_permitted(rules) if {
	not is_unread("tools")
	not too_many
	every tool in input.llm.tools {
		globs.covers(rules.tools, tool)
	}
}

# METADATA
# title: A deny covers the request
# description: One tool that it names is enough, and what cannot be read is refused.
refuses(_) if not input.llm

refuses(rules) if {
	model_refused(rules)
	input.llm.stream in rules.streams
	tools_refused(rules)
}

# METADATA
# title: A deny covers the model
model_refused(_) if is_unread("models")

model_refused(_) if is_unread("model")

model_refused(rules) if {
	some name in writings(input.llm.model)
	globs.covers(rules.models, name)
}

# METADATA
# title: The same model in other writings
# description: |
#   In small letters: as it is, without the seller or folder before it (`anthropic/claude-opus-5`), region and seller
#   (`us.anthropic.claude-opus-5`), the variant behind it (`:nitro`).
writings(model) := {name |
	plain := lower(model)
	last := regex.replace(plain, `^.*/`, "")
	some whole in {plain, last, regex.replace(last, `^[a-z]+(?:-gov)?\.`, ""), regex.replace(last, `^[a-z-]+\.[a-z]+\.`, "")}
	some name in {whole, regex.replace(whole, `:[^:]*$`, "")}
}

# METADATA
# title: A deny covers the tools
tools_refused(rules) if not rules.tools

tools_refused(_) if is_unread("tools")

tools_refused(_) if too_many

tools_refused(rules) if {
	not too_many
	some tool in input.llm.tools
	globs.covers(rules.tools, lower(tool))
}

# METADATA
# title: What something stored may bring beside what was read
brought := [part | some part in object.get(input.llm, "unread", []); part != "model"]

# METADATA
# title: What a refusal says of a request that no rule covers
explanation(rules, host) := {
	"reason": sprintf("model %s is not allowed at %s", [input.llm.model, host]),
	"hint": sprintf("allowed: %s; add it to `llm.models` of the rule", [rules.texts.models]),
} if {
	not is_unread("models")
	not model_permitted(rules)
} else := {
	"reason": sprintf("a request to a model at %s names something stored that may bring %s which nobody read", [host, concat(" and ", brought)]),
	"hint": "leave the stored prompt, preset or conversation out, and say in the request what it would bring",
} if {
	count(brought) > 0
} else := {
	"reason": sprintf("requests with stream: %v are not allowed at %s", [input.llm.stream, host]),
	"hint": "look at `llm.stream` of the rule",
} if {
	not input.llm.stream in rules.streams
} else := {
	"reason": sprintf("%d tools offered to a model at %s are more than policy looks at", [count(input.llm.tools), host]),
	"hint": "offer at most 256 tools",
} if {
	too_many
} else := {
	"reason": sprintf("tools that may not be offered to a model at %s: %s", [host, concat(", ", [tool |
		some tool in input.llm.tools
		not globs.covers(rules.tools, tool)
	])]),
	"hint": sprintf("allowed: %s; add them to `llm.tools` of the rule", [rules.texts.tools]),
}

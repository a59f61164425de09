package weir.llm_test

import data.weir.llm

globs(names) := {"exact": names, "affixes": [], "patterns": []}

every_text := {"exact": [], "affixes": [["", ""]], "patterns": []}

base := {"models": globs(["small"]), "streams": [true, false], "texts": {"models": "small", "tools": "search"}}

with_tools := object.union(base, {"tools": globs(["search"])})

asking(differences) := {"llm": object.union({"model": "small", "stream": false, "tools": []}, differences)}

test_an_allow_covers_its_models_and_no_others if {
	llm.permits(base) with input as asking({})
	not llm.permits(base) with input as asking({"model": "large"})
	not llm.permits(base) with input as {}
}

test_an_allow_covers_streams_as_it_says if {
	only := object.union(base, {"streams": [true]})
	llm.permits(only) with input as asking({"stream": true})
	not llm.permits(only) with input as asking({"stream": false})
}

test_an_allow_covers_a_request_whose_tools_are_all_covered if {
	llm.permits(with_tools) with input as asking({"tools": []})
	llm.permits(with_tools) with input as asking({"tools": ["search"]})
	not llm.permits(with_tools) with input as asking({"tools": ["search", "shell"]})
	llm.permits(base) with input as asking({"tools": ["shell"]})
}

test_what_something_stored_may_bring_is_covered_by_no_rule_that_names_it if {
	stored := asking({"unread": ["models", "tools"]})
	not llm.permits(base) with input as stored
	not llm.permits(with_tools) with input as asking({"unread": ["tools"]})
	llm.permits(base) with input as asking({"unread": ["tools"]})
	open := object.union(with_tools, {"models": every_text, "tools": every_text})
	llm.permits(open) with input as stored
	not llm.permits(object.union(with_tools, {"models": every_text})) with input as stored
}

test_a_deny_covers_what_something_stored_may_bring if {
	other := {"model": "large", "tools": ["x"]}
	llm.refuses(base) with input as asking(object.union(other, {"unread": ["models"]}))
	not llm.refuses(base) with input as asking(object.union(other, {"unread": ["tools"]}))
	llm.refuses(with_tools) with input as asking({"unread": ["tools"]})
	not llm.refuses(with_tools) with input as asking({"unread": ["models"]})
}

test_a_deny_covers_a_model_in_every_writing if {
	every name in [
		"small", "SMALL", "acme/small", "Acme/Small:nitro", "us.small", "models/small", "acme.small-v1:0", "us-gov.acme.small", "small:0",
		"arn:aws:bedrock:eu-west-1:1:inference-profile/eu.small",
	] {
		llm.refuses({"models": {"exact": ["small", "small-v1"], "affixes": [], "patterns": []}, "streams": [false]}) with input as asking({"model": name})
	}
	every name in ["smaller", "a/large", "large:small", "small/large"] {
		not llm.refuses(base) with input as asking({"model": name})
	}
	llm.refuses(with_tools) with input as asking({"tools": ["Search"]})
}

test_a_name_that_stands_for_another_model_is_allowed_by_that_name_and_covered_by_each_deny if {
	router := asking({"model": "router", "unread": ["model"]})
	llm.permits(object.union(base, {"models": globs(["router"])})) with input as router
	not llm.permits(base) with input as router
	llm.refuses(base) with input as router
	says := llm.explanation(with_tools, "h") with input as router
	says.reason == "model router is not allowed at h"
}

test_a_refusal_says_that_something_stored_was_not_read if {
	answer := llm.explanation(with_tools, "h") with input as asking({"unread": ["models", "tools"]})
	answer.reason == "a request to a model at h names something stored that may bring models and tools which nobody read"
}

test_a_deny_covers_its_models_and_what_cannot_be_read if {
	llm.refuses(base) with input as asking({})
	not llm.refuses(base) with input as asking({"model": "large"})
	llm.refuses(base) with input as {}
}

test_a_deny_covers_a_request_that_offers_one_of_its_tools if {
	rules := object.union(with_tools, {"models": every_text})
	llm.refuses(rules) with input as asking({"tools": ["shell", "search"]})
	not llm.refuses(rules) with input as asking({"tools": ["shell"]})
	not llm.refuses(rules) with input as asking({})
}

test_a_refusal_names_what_is_not_covered if {
	says := llm.explanation(with_tools, "h") with input as asking({"model": "large"})
	says == {"reason": "model large is not allowed at h", "hint": "allowed: small; add it to `llm.models` of the rule"}
	streams := llm.explanation(object.union(with_tools, {"streams": [true]}), "h") with input as asking({})
	streams.reason == "requests with stream: false are not allowed at h"
	tools := llm.explanation(with_tools, "h") with input as asking({"tools": ["search", "shell", "web"]})
	tools.reason == "tools that may not be offered to a model at h: shell, web"
}

test_more_tools_than_anybody_looks_at_are_covered_by_a_deny_alone if {
	many := asking({"tools": [tool | some _ in numbers.range(0, 256); tool := "search"]})
	not llm.permits(with_tools) with input as many
	llm.refuses(with_tools) with input as many
	llm.permits(base) with input as many
	says := llm.explanation(with_tools, "h") with input as many
	says.reason == "257 tools offered to a model at h are more than policy looks at"
}

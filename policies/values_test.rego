package weir.values_test

import data.weir.values

rule(checks) := {"name": "a", "path": [{"key": "a", "index": null}], "optional": false, "checks": checks, "says": ""}

at_path(path, optional) := object.union(rule([["type", "string"]]), {"path": path, "optional": optional})

step(key) := {"key": key, "index": null}

like_txt := {"exact": [], "affixes": [["", ".txt"]], "patterns": []}

# What each check says yes to, no to, and what it cannot judge.
checks := {
	"one_of": {"wanted": ["w", 1, null], "yes": ["w", 1, 1.0, null], "no": ["x", 2], "unclear": ["1", " NULL", false, ["w"], {"w": 1}]},
	"like": {"wanted": like_txt, "yes": ["a.txt", ".txt"], "no": ["a.exe", ""], "unclear": [1, null, ["a.txt"], {"a": 1}]},
	"matches": {"wanted": `\A(?:[a-z]+)\z`, "yes": ["abc"], "no": ["abc1", "", "abc\nd"], "unclear": [1, null, ["abc"]]},
	"max_length": {"wanted": 2, "yes": ["", "ab", "äö"], "no": ["abc"], "unclear": [1, null, [1]]},
	"max": {"wanted": 2, "yes": [2, -5, 1.5], "no": [2.1, 1e9], "unclear": ["1", null, [1]]},
	"min": {"wanted": 2, "yes": [2, 1e9], "no": [1.9, -3], "unclear": ["3", null, {}]},
	"type": {"wanted": "array", "yes": [[], [1]], "no": ["a", 1, null, {}, true], "unclear": []},
	"within": {
		"wanted": "/workspace",
		"yes": ["/workspace", "/workspace/", "/workspace/a/b.txt", "/workspace/.env", "/workspace/a..b", "/workspace/..a", "/workspace/ a b", "/workspace/100%.txt"],
		"no": ["/workspace-2", "/etc/passwd", "/work", "/Workspace/a"],
		"unclear": [
			"/workspace/../etc", "/workspace/..", "/workspace//..", "/workspace//a", "/workspace/./a", "/workspace/a/../../etc",
			"//workspace/a", "/workspace\\..\\etc", "/workspace/%2e%2e/etc", "/workspace/%2E./etc", "/workspace/..%2fetc", "/workspace/%252e",
			"/workspace/a\u0000.txt", "/workspace/a\n", "/workspace/.. /etc", "/workspace/..;/etc", "/workspace/..;a=b/etc", "/workspace/..\u00a0/etc", "/workspace/\u200b../etc", "/workspace/%c0%ae%c0%ae/etc",
			"/workspace/%u002e/etc", "/workspace/a%20b", "/workspace/...", "/workspace/．．/etc", "/workspace／../etc",
			"/workspace/‥/etc", "workspace/a", "~/a", "", "file:///workspace/a", 7, null, ["/workspace/a"], {"path": "/workspace/a"},
		],
	},
}

test_a_check_holds_for_what_it_says if {
	every kind, check in checks {
		every value in check.yes {
			values.all_hold([rule([[kind, check.wanted]])], {"a": value})
			values.none_fails([rule([[kind, check.wanted]])], {"a": value})
		}
	}
}

test_a_check_fails_for_everything_else_it_can_judge if {
	every kind, check in checks {
		every value in check.no {
			not values.all_hold([rule([[kind, check.wanted]])], {"a": value})
			not values.none_fails([rule([[kind, check.wanted]])], {"a": value})
		}
	}
}

test_what_cannot_be_judged_neither_holds_nor_fails if {
	every kind, check in checks {
		every value in check.unclear {
			not values.all_hold([rule([[kind, check.wanted]])], {"a": value})
			values.none_fails([rule([[kind, check.wanted]])], {"a": value})
		}
	}
}

test_an_expression_that_the_evaluator_cannot_read_judges_nothing if {
	not values.all_hold([rule([["matches", "("]])], {"a": "x"})
	values.none_fails([rule([["matches", "("]])], {"a": "x"})
}

test_every_check_of_a_rule_has_to_hold if {
	both := [["min", 1], ["max", 3]]
	values.all_hold([rule(both)], {"a": 2})
	not values.all_hold([rule(both)], {"a": 4})
	not values.all_hold([rule(both)], {"a": 0})
}

test_what_is_absent_holds_only_where_it_may_be_absent if {
	not values.all_hold([at_path([step("a")], false)], {})
	not values.none_fails([at_path([step("a")], false)], {})
	values.all_hold([at_path([step("a")], true)], {})
	values.none_fails([at_path([step("a")], true)], {})
}

test_null_is_not_absent if {
	not values.all_hold([at_path([step("a")], true)], {"a": null})
	not values.all_hold([at_path([step("a"), step("b")], true)], {"a": null})
	values.none_fails([at_path([step("a"), step("b")], true)], {"a": null})
}

test_a_text_where_an_object_was_expected_is_not_absent if {
	every value in ["b", 1, ["b"], true] {
		not values.all_hold([at_path([step("a"), step("b")], true)], {"a": value})
		values.none_fails([at_path([step("a"), step("b")], false)], {"a": value})
	}
	values.all_hold([at_path([step("a"), step("b")], true)], {"a": {}})
	values.all_hold([at_path([step("a"), step("b")], true)], {})
}

test_values_are_found_six_levels_deep_and_in_arrays if {
	document := {"a": {"b": {"c": {"d": {"e": {"f": "x"}}}}}, "list": ["zero", {"0": "key"}]}
	path := [step("a"), step("b"), step("c"), step("d"), step("e"), step("f")]
	every depth in numbers.range(0, 6) {
		values.at(document, array.slice(path, 0, depth))
	}
	values.at(document, path) == "x"
	values.at(document, [step("list"), {"key": "0", "index": 0}]) == "zero"
	values.at(document, [step("list"), {"key": "1", "index": 1}, {"key": "0", "index": 0}]) == "key"
	not values.at(document, [step("list"), {"key": "9", "index": 9}])
}

test_a_place_behind_the_end_of_an_array_is_absent if {
	path := [step("list"), {"key": "9", "index": 9}]
	values.all_hold([at_path(path, true)], {"list": []})
	not values.all_hold([at_path([step("list"), step("first")], true)], {"list": []})
}

test_keys_that_other_languages_give_a_meaning_are_keys if {
	rules := [object.union(rule([["one_of", ["x"]]]), {"path": [step("__proto__")]})]
	values.all_hold(rules, {"__proto__": "x"})
	not values.all_hold(rules, {})
}

test_a_key_in_another_writing_is_not_absent if {
	rule := {"name": "a_b", "path": [{"key": "a_b", "index": null}], "checks": [["one_of", ["x"]]], "optional": true}
	every key in ["A_b", "aB", "AB", "a-b"] {
		not values.holds(rule, {key: "y"})
		not values.fails(object.union(rule, {"optional": false}), {key: "y"})
	}
	values.holds(rule, {"abc": "y"})
	values.holds(rule, {})
	values.fails(object.union(rule, {"optional": false}), {"abc": "y"})
}

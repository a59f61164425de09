package weir.tenants_test

import data.weir.fixture_test as fixture
import data.weir.own
import data.weir.targets
import data.weir.tenants

empty := {"exact": {}, "one": {}, "many": {}}

policy(name, rule) := {"addresses": [], "hosts": object.union(empty, {"exact": {name: [{"order": 0, "rule": rule}]}})}

cluster := {
	"platform": "platform.test",
	"holders": {"default": {"reviewer": ["b", "a"], "other": ["c"]}},
	"withheld": {"default": {"broken": {"reason": "r", "hint": "h"}}},
	"policies": {
		"a": policy("api.test", "of.a"),
		"b": policy("api.test", "of.b"),
		"c": policy("api.test", "of.c"),
	},
}

egress := {"hosts": object.union(empty, {"many": {"test": [{"order": 7, "rule": "of.all"}]}}), "addresses": [], "hidden": empty, "cluster": cluster}

rules(question) := [entry.rule | some entry in entries] if {
	entries := targets.entries with input as question with data.egress as egress
}

by(agent) := object.union(fixture.question, {"agent": {"namespace": "default", "name": agent}})

test_an_agent_has_the_entries_of_its_policies_and_of_no_others if {
	rules(by("reviewer")) == ["of.all", "of.b", "of.a"]
	rules(by("other")) == ["of.all", "of.c"]
	rules(by("nobody")) == ["of.all"]
}

test_entries_for_everybody_come_first_then_policy_by_policy if {
	entries := targets.entries with input as by("reviewer") with data.egress as egress
	targets.first(entries).rule == "of.all"
	targets.first([entry | some entry in entries; entry.rule != "of.all"]).rule == "of.b"
}

test_the_same_names_in_another_namespace_are_others if {
	question := object.union(fixture.question, {"agent": {"namespace": "elsewhere", "name": "reviewer"}})
	rules(question) == ["of.all"]
}

test_an_agent_without_its_policies_is_refused_everything_but_the_platform if {
	answer := targets.closed with input as by("broken") with data.egress as egress
	answer == {"allow": false, "rule": "policy.withheld", "reason": "r", "hint": "h"}
	at := object.union(by("broken"), {"connection": {"name": "platform.test", "is_address": false}})
	not targets.closed with input as at with data.egress as egress
	not targets.closed with input as by("reviewer") with data.egress as egress
}

test_without_a_platform_everything_is_refused if {
	answer := targets.closed with input as by("broken") with data.egress as object.union(egress, {"cluster": object.remove(cluster, ["platform"])})
	answer.rule == "policy.withheld"
}

test_a_refusal_that_is_no_object_refuses if {
	tenants.refusal({"rule": "mine"}, "a.b") == {"rule": "mine"}
	tenants.refusal("no", "a.b").rule == "a.b"
}

test_an_allow_lends_of_its_own_namespace_only if {
	tenants.permission({"rule": "mine", "grants": ["github", "other.github"]}, "team") == {
		"rule": "mine",
		"grants": ["team.github", "team.other.github"],
	}
}

test_an_allow_by_annotations_lends_of_its_own_namespace_only if {
	annotated := {"scope": "rule", "title": "t", "custom": {"rule": "mine", "grants": ["github"]}}
	tenants.permission(annotated, "team") == {"rule": "mine", "grants": ["team.github"]}
}

test_annotations_within_annotations_are_not_read if {
	nested := {"scope": "rule", "custom": {"rule": "mine", "scope": "rule", "custom": {"grants": ["other.github"]}}}
	answer := own.permission({tenants.permission(nested, "team")}, own.exchange)
	answer == {"allow": true, "rule": "mine", "grants": [], "budgets": [], "obligations": {}}
}

test_what_a_person_allows_is_of_its_own_namespace_too if {
	tenants.question({"rule": "mine", "reason": "may it?", "budgets": ["b"]}, "team") == {
		"rule": "mine",
		"reason": "may it?",
		"budgets": ["team.b"],
	}
}

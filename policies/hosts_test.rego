package weir.hosts_test

import data.weir.hosts

index := {"hosts": {
	"exact": {"ok.test": ["exact"]},
	"one": {"ok.test": ["one"]},
	"many": {"ok.test": ["many"]},
}}

matches(name) := entries if {
	entries := hosts.entries(name) with data.egress as index
}

test_the_exact_name_matches_only_itself if matches("ok.test") == ["exact"]

test_one_star_is_exactly_one_label_more if matches("a.ok.test") == ["one", "many"]

test_two_stars_are_any_number_of_labels_more if matches("a.b.ok.test") == ["many"]

test_a_longer_label_is_another_name if {
	matches("evilok.test") == []
	matches("ok.test.evil") == []
	matches("test") == []
}

test_what_is_no_name_matches_nothing if {
	every name in ["", ".ok.test", "*.ok.test", "a..ok.test", "a.ok.test.", "**.ok.test"] {
		not matches(name)
	}
}

test_the_pattern_of_all_names_matches_every_name if {
	everything := {"hosts": {"exact": {}, "one": {}, "many": {"": ["all"]}}}
	entries := hosts.entries("a.b") with data.egress as everything
	entries == ["all"]
}

test_listed_looks_at_exact_parent_and_ancestors if {
	hosts.listed({"exact": {"a.test": true}, "one": {}, "many": {}}, "a.test")
	hosts.listed({"exact": {}, "one": {"test": true}, "many": {}}, "a.test")
	hosts.listed({"exact": {}, "one": {}, "many": {"test": true}}, "b.a.test")
	not hosts.listed({"exact": {}, "one": {"test": true}, "many": {}}, "b.a.test")
}

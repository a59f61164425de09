package weir.graphql_test

import data.weir.graphql

globs(names) := {"exact": names, "affixes": [], "patterns": []}

queries := {"types": ["query"], "texts": {"types": "query", "names": "ListIssues", "fields": "viewer, issues"}}

named := object.union(queries, {"names": globs(["ListIssues"])})

fields := object.union(queries, {"fields": globs(["viewer", "issues"])})

asking(differences) := {"graphql": object.union({"type": "query", "name": null, "fields": ["viewer"]}, differences)}

test_an_allow_covers_its_types if {
	graphql.permits(queries) with input as asking({})
	not graphql.permits(queries) with input as asking({"type": "mutation"})
	not graphql.permits(queries) with input as {}
}

test_an_allow_of_names_covers_no_anonymous_operation if {
	graphql.permits(named) with input as asking({"name": "ListIssues"})
	not graphql.permits(named) with input as asking({"name": "listIssues"})
	not graphql.permits(named) with input as asking({})
}

test_an_allow_of_fields_wants_all_of_them_covered if {
	graphql.permits(fields) with input as asking({"fields": ["viewer", "issues"]})
	not graphql.permits(fields) with input as asking({"fields": ["viewer", "__schema"]})
}

test_a_deny_covers_one_field_the_anonymous_and_what_cannot_be_read if {
	graphql.refuses(queries) with input as asking({})
	not graphql.refuses(queries) with input as asking({"type": "mutation"})
	graphql.refuses(named) with input as asking({})
	graphql.refuses(named) with input as asking({"name": "ListIssues"})
	not graphql.refuses(named) with input as asking({"name": "Other"})
	graphql.refuses(fields) with input as asking({"fields": ["other", "issues"]})
	not graphql.refuses(fields) with input as asking({"fields": ["other"]})
	graphql.refuses(fields) with input as {}
}

reason(rules, differences) := answer.reason if {
	answer := graphql.explanation(rules, "h") with input as asking(differences)
}

test_a_refusal_names_what_is_not_covered if {
	reason(queries, {"type": "mutation"}) == "a GraphQL mutation is not allowed at h"
	reason(named, {}) == "an anonymous GraphQL operation is not allowed at h"
	reason(named, {"name": "Other"}) == "GraphQL operation Other is not allowed at h"
	reason(fields, {"fields": ["viewer", "a", "b"]}) == "fields of GraphQL that are not allowed at h: a, b"
}

test_more_fields_than_anybody_looks_at_are_covered_by_a_deny_alone if {
	many := asking({"fields": [field | some _ in numbers.range(0, 256); field := "viewer"]})
	not graphql.permits(fields) with input as many
	graphql.refuses(fields) with input as many
	graphql.permits(queries) with input as many
	says := graphql.explanation(fields, "h") with input as many
	says.reason == "257 fields at the root for h are more than policy looks at"
}

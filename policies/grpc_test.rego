package weir.grpc_test

import data.weir.grpc

rules := {"methods": ["acme.Items/Get"], "services": ["acme.Health"], "texts": {"methods": "acme.Items/Get, acme.Health/*"}}

asking(service, method) := {"grpc": {"service": service, "method": method}}

test_methods_and_whole_services_are_covered if {
	grpc.covers(rules) with input as asking("acme.Items", "Get")
	grpc.covers(rules) with input as asking("acme.Health", "Check")
}

test_other_methods_services_and_requests_are_not if {
	not grpc.covers(rules) with input as asking("acme.Items", "Put")
	not grpc.covers(rules) with input as asking("acme.items", "Get")
	not grpc.covers(rules) with input as asking("acme", "Items/Get")
	not grpc.covers(rules) with input as {}
}

test_a_refusal_names_what_is_not_covered if {
	none := grpc.explanation(rules, "h") with input as {}
	none.reason == "only requests of gRPC are allowed here at h"
	other := grpc.explanation(rules, "h") with input as asking("acme.Items", "Put")
	other.reason == "gRPC method acme.Items/Put is not allowed at h"
	other.hint == "allowed: acme.Items/Get, acme.Health/*; add it to `grpc` of the rule"
}

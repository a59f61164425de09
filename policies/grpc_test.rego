package weir.grpc_test

import data.weir.grpc

rules := {"methods": ["acme.Items/Get"], "services": ["acme.Health"], "texts": {"methods": "acme.Items/Get, acme.Health/*"}}

asking(service, method) := {"grpc": {"service": service, "method": method}}

test_methods_and_whole_services_are_covered if {
	grpc.permits(rules) with input as asking("acme.Items", "Get")
	grpc.permits(rules) with input as asking("acme.Health", "Check")
}

test_other_methods_services_and_requests_are_not if {
	not grpc.permits(rules) with input as asking("acme.Items", "Put")
	not grpc.permits(rules) with input as asking("acme.items", "Get")
	not grpc.permits(rules) with input as asking("acme", "Items/Get")
	not grpc.permits(rules) with input as {}
}

refusing := {"methods": ["acme.items/get"], "services": ["acme.health"]}

at(path) := {"request": {"method": "POST", "path": path, "query": {}, "headers": {}}}

test_a_deny_goes_by_the_path_whatever_the_content_type if {
	every path in [
		["acme.Items", "Get"], ["acme.Items", "Get", ""], ["acme.items", "GET"], ["acme.Items", "Get;x=1"], ["acme.Items/Get"],
		["acme.Health", "Check"], ["prefix", "acme.Health", "Check"],
	] {
		grpc.refuses(refusing) with input as at(path)
	}
	every path in [["acme.Items", "Put"], ["acme.Health"], ["acme.Items", "Get", "more"], []] {
		not grpc.refuses(refusing) with input as at(path)
	}
	grpc.refuses(refusing) with input as asking("acme.Items", "Get")
}

test_a_refusal_names_what_is_not_covered if {
	none := grpc.explanation(rules, "h") with input as {}
	none.reason == "only requests of gRPC are allowed here at h"
	other := grpc.explanation(rules, "h") with input as asking("acme.Items", "Put")
	other.reason == "gRPC method acme.Items/Put is not allowed at h"
	other.hint == "allowed: acme.Items/Get, acme.Health/*; add it to `grpc` of the rule"
}

package weir.methods_and_paths_test

import data.weir.fixture_test as fixture
import data.weir.methods_and_paths

covered(pattern, path) if {
	methods_and_paths.path_covered([pattern]) with input as fixture.requesting({"path": path})
}

test_a_method_is_covered_if_it_is_listed if {
	methods_and_paths.method_covered(["POST", "GET"]) with input as fixture.question
	not methods_and_paths.method_covered(["POST"]) with input as fixture.question
}

test_a_star_is_every_method if {
	methods_and_paths.method_covered(["*"]) with input as fixture.requesting({"method": "PURGE"})
}

test_methods_are_compared_exactly if {
	not methods_and_paths.method_covered(["GET"]) with input as fixture.requesting({"method": "get"})
}

test_fixed_paths_have_equal_segments if {
	covered({"segments": ["v1", "models"], "rest": false}, ["v1", "models"])
	not covered({"segments": ["v1", "models"], "rest": false}, ["v1"])
	not covered({"segments": ["v1", "models"], "rest": false}, ["v1", "models", "x"])
	not covered({"segments": ["v1", "models"], "rest": false}, ["v1", "other"])
}

refused(pattern, path) if {
	methods_and_paths.path_refused([pattern]) with input as fixture.requesting({"path": path})
}

test_null_is_one_segment_that_is_there_and_is_one if {
	covered({"segments": ["v1", null], "rest": false}, ["v1", "x"])
	not covered({"segments": ["v1", null], "rest": false}, ["v1", ""])
	not covered({"segments": [null], "rest": true}, ["", "x"])
	not covered({"segments": ["v1", null], "rest": false}, ["v1", "a/b"])
	not covered({"segments": ["v1", null], "rest": false}, ["v1", "x", "y"])
}

test_rest_is_whatever_follows if {
	covered({"segments": ["v1"], "rest": true}, ["v1"])
	covered({"segments": ["v1"], "rest": true}, ["v1", ""])
	covered({"segments": ["v1"], "rest": true}, ["v1", "x", "y"])
	not covered({"segments": ["v1"], "rest": true}, ["v10"])
	not covered({"segments": ["v1"], "rest": true}, [])
}

test_the_root_has_no_segments if {
	covered({"segments": [], "rest": false}, [])
	covered({"segments": [], "rest": false}, [""])
	not covered({"segments": [], "rest": false}, ["x"])
}

test_a_pattern_within_a_segment_covers_a_slash_where_it_has_one if {
	scoped := {"segments": [{"like": `\A@[^/]+/[^/]+\z`}], "rest": false}
	covered(scoped, ["@acme/app"])
	not covered(scoped, ["-/user"])
	not covered(scoped, ["@acme/app/more"])
	not covered(scoped, ["@acme/.."])
}

test_a_slash_that_was_kept_leads_nowhere_else if {
	everything := {"segments": ["v1"], "rest": true}
	covered(everything, ["v1", "a/b"])
	every segment in ["a/../../admin", "a/..;x=1/b", "a/./b", "a//b", "/a", "a/", "../a"] {
		not covered(everything, ["v1", segment])
	}
}

test_a_deny_covers_whatever_a_server_may_take_for_the_path if {
	admin := {"segments": ["v1", "admin"], "rest": false}
	every path in [
		["v1", "admin"], ["v1", "admin", ""], ["V1", "Admin"], ["v1", "admin;x=1"], ["v1;a", "admin"], ["v1", "admin.json"], ["v1/admin"],
		["v1", "", "admin"],
	] {
		refused(admin, path)
	}
	every path in [["v1"], ["v1", "admins"], ["v1", "admin", "x"], ["v1", "x", "admin"]] {
		not refused(admin, path)
	}
	refused({"segments": [], "rest": false}, [])
	refused({"segments": ["v1", null], "rest": true}, ["v1", "x", "y"])
	refused({"segments": [{"like": `\Aadm[^/]*\z`}], "rest": false}, ["ADMIN"])
	not refused({"segments": ["v1"], "rest": true}, ["v2", "v1"])
}

overriding(parameter, method) := fixture.requesting({"query": {parameter: [method]}})

test_a_method_in_the_query_is_one_too if {
	every name in ["_method", "_METHOD", "_method[]"] {
		not methods_and_paths.method_covered(["GET"]) with input as overriding(name, "delete")
		methods_and_paths.method_covered(["GET", "DELETE"]) with input as overriding(name, "delete")
		methods_and_paths.method_refused(["DELETE"]) with input as overriding(name, "delete")
	}
	methods_and_paths.method_covered(["GET"]) with input as overriding("method", "delete")
	not methods_and_paths.method_refused(["DELETE"]) with input as overriding("method", "delete")
	methods_and_paths.method_refused(["*"]) with input as fixture.question
}

test_a_body_is_known_or_follows_from_the_method if {
	methods_and_paths.has_body with input as fixture.requesting({"method": "POST"})
	not methods_and_paths.has_body with input as fixture.question
	methods_and_paths.has_body with input as fixture.requesting({"has_body": true})
	not methods_and_paths.has_body with input as fixture.requesting({"method": "POST", "has_body": false})
}

test_a_segment_is_never_split_again if {
	not covered({"segments": ["v1", "admin"], "rest": false}, ["v1/admin"])
}

test_a_request_without_upgrade_needs_no_permission_for_one if {
	methods_and_paths.upgrade_covered({"websocket": false}) with input as fixture.question
}

test_a_web_socket_needs_permission if {
	methods_and_paths.upgrade_covered({"websocket": true}) with input as fixture.requesting({"upgrade": "websocket"})
	not methods_and_paths.upgrade_covered({"websocket": false}) with input as fixture.requesting({"upgrade": "websocket"})
	not methods_and_paths.upgrade_covered({"websocket": true}) with input as fixture.requesting({"upgrade": "h2c"})
}

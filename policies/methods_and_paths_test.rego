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

test_null_is_one_segment_whatever_it_is if {
	covered({"segments": ["v1", null], "rest": false}, ["v1", "x"])
	covered({"segments": ["v1", null], "rest": false}, ["v1", "a/b"])
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

package weir.agents_test

import data.weir.agents
import data.weir.fixture_test as fixture

test_null_stands_for_every_value if {
	agents.covers([{"namespace": null, "name": null}]) with input as fixture.question
}

test_both_parts_have_to_match if {
	agents.covers([{"namespace": "default", "name": "reviewer"}]) with input as fixture.question
	not agents.covers([{"namespace": "default", "name": "other"}]) with input as fixture.question
	not agents.covers([{"namespace": "other", "name": null}]) with input as fixture.question
}

test_an_empty_list_covers_nobody if {
	not agents.covers([]) with input as fixture.question
}

test_an_agent_without_a_name_is_covered_by_no_name if {
	not agents.covers([{"namespace": null, "name": "reviewer"}]) with input as {"agent": {"namespace": "default"}}
}

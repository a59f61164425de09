package weir.access.spawning_test

import data.weir.access
import data.weir.access.fixture_test

base := object.union(fixture_test.asking("instance.spawn", fixture_test.instance("u1")), {"spawn": {
	"agent": "notifier",
	"right": {"grants": ["chat", "mail"]},
	"is_startable": true,
	"held_by_child": ["chat", "github"],
	"narrowed_to": null,
	"depth": 1,
}})

decision(change) := answer if {
	answer := access.decision with input as object.union(base, change)
}

test_a_child_gets_what_both_agents_say if decision({}) == {"allow": true, "rule": "instance.spawn", "grants": ["chat"]}

test_a_child_may_get_less if decision({"grants": []}).grants == []

test_a_child_never_gets_more if {
	every wanted in [["mail"], ["github"], ["chat", "github"], ["root"]] {
		decision({"grants": wanted}).rule == "spawn.grants"
	}
	decision({"grants": ["chat", "root"]}).reason == "runner cannot hand on: root"
}

test_a_parent_that_was_narrowed_hands_on_only_what_it_was_given if {
	decision({"spawn": {"narrowed_to": []}}).grants == []
	decision({"spawn": {"narrowed_to": ["chat"]}}).grants == ["chat"]
	decision({"grants": ["chat"], "spawn": {"narrowed_to": ["mail"]}}).rule == "spawn.grants"
}

test_an_agent_that_is_not_listed_is_not_spawned if decision({"spawn": {"right": null}}).rule == "spawn.agent"

test_an_agent_that_cannot_start_is_not_spawned if decision({"spawn": {"is_startable": false}}).rule == "spawn.unknown-agent"

test_a_chain_has_an_end if {
	decision({"spawn": {"depth": 16}}).allow
	decision({"spawn": {"depth": 17}}).rule == "spawn.depth"
}

package weir.access.instances_test

import data.weir.access
import data.weir.access.fixture_test

decision(action, caller) := answer if {
	answer := access.decision with input as fixture_test.asking(action, caller)
}

test_an_instance_uses_its_own_thread if {
	every action in ["instance.see", "instance.keep-alive", "instance.receive", "instance.answer", "instance.children"] {
		decision(action, fixture_test.instance("u9")).allow
	}
}

test_an_instance_reads_its_children_and_no_other_thread if {
	decision("child.read", fixture_test.instance("p1")).allow
	decision("child.read", fixture_test.instance("u9")).rule == "child.not-yours"
	decision("child.read", fixture_test.instance("u1")).rule == "child.not-yours"
}

test_an_instance_is_no_person if {
	every action in ["thread.read", "thread.post", "thread.see", "agent.open", "agent.see", "namespace.list", "activity.report", "ledger.use", "budget.read", "budget.adjust"] {
		decision(action, fixture_test.instance("u1")).rule == "instance.own-thread"
	}
}

test_a_container_with_its_own_identity_is_not_the_agent if {
	tool := object.union(fixture_test.instance("u1"), {"container": "search"})
	decision("instance.see", tool).allow
	decision("instance.receive", tool).rule == "instance.container"
	decision("instance.spawn", tool).rule == "instance.container"
	decision("child.read", object.union(tool, {"thread": "p1"})).rule == "instance.container"
}

test_a_pod_without_a_thread_has_no_messages if {
	decision("instance.see", fixture_test.instance(null)).allow
	decision("instance.receive", fixture_test.instance(null)).rule == "instance.no-thread"
	decision("instance.spawn", fixture_test.instance(null)).rule == "instance.no-thread"
	decision("child.read", fixture_test.instance(null)).rule == "instance.no-thread"
}

test_a_child_without_a_parent_belongs_to_nobody if {
	orphan := object.union(fixture_test.asking("child.read", fixture_test.instance(null)), {"thread": {"parent": null}})
	not access.decision.allow with input as orphan
}

test_a_node_proxy_reports_activity_uses_the_ledger_and_nothing_else if {
	decision("activity.report", {"kind": "node", "node": "n1"}).allow
	decision("ledger.use", {"kind": "node", "node": "n1"}).allow
	every action in ["thread.read", "instance.receive", "instance.see", "agent.see", "budget.read", "budget.adjust"] {
		decision(action, {"kind": "node", "node": "n1"}).rule == "node.own-business"
	}
}

test_an_unknown_kind_gets_nothing if decision("thread.read", {"kind": "ghost"}).rule == "access.default"

package weir.access.people_test

import data.weir.access
import data.weir.access.fixture_test

allowed(action, subject) if {
	access.decision.allow with input as fixture_test.asking(action, fixture_test.person([subject]))
}

test_participants_of_a_thread_read_and_post if {
	every action in ["thread.see", "thread.read", "thread.post"] {
		every subject in ["user:olga", "user:mia", "user:pete"] {
			allowed(action, subject)
		}
	}
}

test_participants_neither_share_nor_stop_nor_delete_nor_acknowledge if {
	every action in ["thread.share", "thread.stop", "thread.delete", "thread.acknowledge"] {
		not allowed(action, "user:pete")
	}
}

test_maintainers_of_a_thread_share_and_stop_but_do_not_delete if {
	allowed("thread.share", "user:mia")
	allowed("thread.stop", "user:mia")
	not allowed("thread.delete", "user:mia")
	allowed("thread.delete", "user:olga")
}

test_whoever_is_responsible_for_an_agent_sees_and_stops_its_threads_and_reads_none if {
	every subject in ["user:ann", "user:max"] {
		allowed("thread.see", subject)
		allowed("thread.stop", subject)
		not allowed("thread.read", subject)
		not allowed("thread.post", subject)
		not allowed("thread.share", subject)
	}
}

test_participants_of_an_agent_open_threads_and_see_nobodys if {
	allowed("agent.see", "group:team")
	allowed("agent.open", "group:team")
	not allowed("agent.configure", "group:team")
	not allowed("thread.see", "group:team")
	not allowed("thread.read", "group:team")
}

test_strangers_get_nothing_and_are_told_why if {
	every action in ["agent.see", "agent.open", "agent.configure", "namespace.list", "thread.see", "thread.read", "thread.post", "thread.stop", "thread.delete"] {
		not allowed(action, "user:eve")
	}
	decision := access.decision with input as fixture_test.asking("thread.read", fixture_test.person(["user:eve"]))
	decision.rule == "thread.read"
	decision.reason == "there is no thread ns/t, or you are not maintainer, owner, participant of the thread"
	decision.hint != ""
}

test_a_thread_that_is_not_there_is_refused_like_one_that_is_somebody_elses if {
	there := fixture_test.asking("thread.read", fixture_test.person(["user:eve"]))
	missing := object.union(there, {"agent": null, "thread": {"relations": []}})
	refusal := access.decision with input as there
	same := access.decision with input as missing
	refusal == same
	access.decision.allow with input as object.union(missing, {"caller": {"subjects": ["group:system:masters"]}})
}

test_a_name_is_not_a_group if {
	not allowed("agent.see", "user:team")
	not allowed("thread.read", "group:pete")
}

test_administrators_may_everything_that_is_for_people if {
	allowed("thread.read", "group:system:masters")
	allowed("thread.delete", "group:system:masters")
	allowed("namespace.list", "group:system:masters")
	not allowed("instance.receive", "group:system:masters")
	not allowed("activity.report", "group:system:masters")
	not allowed("nonsense", "group:system:masters")
	not allowed("thread.read", "user:system:masters")
}

test_who_may_create_threads_by_kubernetes_is_a_maintainer_of_the_agents_there if {
	caller := object.union(fixture_test.person(["user:kim"]), {"is_kubernetes_maintainer": true})
	every action in ["agent.see", "agent.open", "agent.configure", "thread.see", "thread.stop", "namespace.list"] {
		access.decision.allow with input as fixture_test.asking(action, caller)
	}
	every action in ["thread.read", "thread.post", "thread.share", "thread.delete"] {
		not access.decision.allow with input as fixture_test.asking(action, caller)
	}
}

changing(action, subject, change) := object.union(fixture_test.asking(action, fixture_test.person([subject])), {"change": change})

test_only_owners_say_who_owns if {
	owner := {"relation": "owner", "subject": "user:new", "remove": false}
	access.decision.allow with input as changing("thread.share", "user:olga", owner)
	decision := access.decision with input as changing("thread.share", "user:mia", owner)
	decision.rule == "thread.share.owner"
	access.decision.allow with input as changing("thread.share", "user:mia", {"relation": "maintainer", "subject": "user:new", "remove": false})
	not access.decision.allow with input as changing("thread.share", "user:mia", {"relation": "owner", "subject": "user:olga", "remove": true})
	not access.decision.allow with input as changing("agent.configure", "user:max", owner)
	access.decision.allow with input as changing("agent.configure", "user:ann", owner)
}

test_everybody_may_leave_and_nobody_may_send_others_away if {
	leaving := object.union(changing("thread.share", "user:pete", {"relation": "participant", "subject": "user:pete", "remove": true}), {"caller": {"name": "pete"}})
	access.decision.allow with input as leaving
	not access.decision.allow with input as object.union(leaving, {"change": {"subject": "user:mia"}})
	not access.decision.allow with input as object.union(leaving, {"change": {"remove": false}})
}

test_default_participants_take_part_in_every_agent if {
	asking := object.union(
		fixture_test.asking("agent.open", fixture_test.person(["user:eve", "group:system:authenticated"])),
		{"settings": {"default_participants": ["group:system:authenticated"]}},
	)
	access.decision.allow with input as asking
	not access.decision.allow with input as object.union(asking, {"action": "agent.configure"})
	not access.decision.allow with input as object.union(asking, {"action": "thread.see"})
}

test_a_thread_holds_no_more_than_its_agent if {
	asking := object.union(fixture_test.asking("agent.open", fixture_test.person(["group:team"])), {"grants": ["github"]})
	decision := access.decision with input as asking
	decision == {"allow": true, "rule": "agent.open.participant", "grants": ["github"]}
	refused := access.decision with input as object.union(asking, {"grants": ["github", "slack"]})
	refused.rule == "agent.open.grants"
	refused.reason == "agent reviewer does not hold: slack"
}

test_budgets_are_for_administrators_and_who_may_change_them_by_kubernetes if {
	every action in ["budget.read", "budget.adjust"] {
		allowed(action, "group:system:masters")
		every subject in ["user:ann", "user:max", "group:team", "user:olga"] {
			not allowed(action, subject)
		}
		maintainer := object.union(fixture_test.person(["user:kim"]), {"is_kubernetes_maintainer": true})
		access.decision.allow with input as fixture_test.asking(action, maintainer)
	}
}

test_who_may_not_adjust_a_budget_is_told_which_right_it_takes if {
	asked := fixture_test.asking("budget.adjust", fixture_test.person(["user:ann"]))
	decision := access.decision with input as asked
	decision.rule == "budget.adjust"
	contains(decision.reason, "may update budgets.weir.dev")
	contains(decision.reason, "namespace ns")
	installation := access.decision with input as object.union(asked, {"namespace": ""})
	contains(installation.reason, "the installation")
}

test_whoever_is_responsible_for_the_thread_or_its_agent_answers_what_it_asks_and_nobody_else if {
	every action in ["approval.see", "approval.decide"] {
		every subject in ["user:olga", "user:mia", "user:ann", "user:max", "group:system:masters"] {
			allowed(action, subject)
		}
		every subject in ["user:pete", "group:team", "user:eve"] {
			not allowed(action, subject)
		}
	}
}

test_a_question_that_is_not_there_is_refused_like_one_that_is_somebody_elses if {
	there := fixture_test.asking("approval.decide", fixture_test.person(["user:eve"]))
	refusal := access.decision with input as there
	same := access.decision with input as object.union(there, {"agent": null, "thread": null})
	refusal == same
	refusal.rule == "approval.decide"
}

test_an_agent_answers_nothing_for_itself if {
	every action in ["approval.see", "approval.decide", "approval.report"] {
		not access.decision.allow with input as fixture_test.asking(action, fixture_test.instance("u1"))
	}
}

test_a_node_proxy_reports_questions_and_answers_none if {
	node := {"kind": "node", "node": "n1"}
	access.decision.allow with input as fixture_test.asking("approval.report", node)
	not access.decision.allow with input as fixture_test.asking("approval.decide", node)
	not access.decision.allow with input as fixture_test.asking("approval.see", node)
}

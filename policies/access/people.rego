# METADATA
# title: People
# description: |
#   Relations decide. `roles` is the whole table: for each action, which relations to the thread or to its agent allow
#   it. Maintainers of an agent see, stop and configure, and answer what its threads have to ask a person; what was said in a thread is for those
#   related to the thread.
package weir.access.people

everybody_related := {"owner", "maintainer", "participant"}

responsible := {"owner", "maintainer"}

roles := {
	"agent.see": {"agent": everybody_related},
	"agent.open": {"agent": everybody_related},
	"agent.configure": {"agent": responsible},
	"namespace.list": {},
	"thread.see": {"thread": everybody_related, "agent": responsible},
	"thread.read": {"thread": everybody_related},
	"thread.post": {"thread": everybody_related},
	"thread.acknowledge": {"thread": responsible},
	"thread.stop": {"thread": responsible, "agent": responsible},
	"thread.share": {"thread": responsible},
	"thread.delete": {"thread": {"owner"}, "agent": {"owner"}},
	"budget.read": {},
	"budget.adjust": {},
	"approval.see": {"thread": responsible, "agent": responsible},
	"approval.decide": {"thread": responsible, "agent": responsible},
}

default decision := {
	"allow": false,
	"rule": "people.default",
	"reason": "this is not for people",
	"hint": "it is a part of the contract between an instance and the controller",
}

decision := ungranted if {
	permit
	ungranted
} else := {"allow": true, "rule": permit, "grants": input.grants} if {
	permit
} else := refusal if {
	roles[input.action]
}

# The rule that allows; administrators first, because theirs holds without any relation.
permit := "admin" if {
	roles[input.action]
	some group in input.settings.admin_groups
	sprintf("group:%s", [group]) in input.caller.subjects
} else := sprintf("%s.%s", [input.action, relation]) if {
	relation := held[0]
	not reserved
} else := sprintf("%s.kubernetes", [input.action]) if {
	input.caller.is_kubernetes_maintainer
	input.action in {
		"namespace.list", "agent.see", "agent.open", "agent.configure", "thread.see", "thread.stop",
		"budget.read", "budget.adjust",
	}
	not reserved
} else := sprintf("%s.leave", [input.action]) if {
	input.action in {"agent.configure", "thread.share"}
	input.change.remove
	input.change.subject == sprintf("user:%s", [input.caller.name])
}

held := sort([entry.relation |
	some kind, relations in roles[input.action]
	some entry in related[kind]
	entry.relation in relations
	entry.subject in input.caller.subjects
])

related["agent"] := array.concat(input.agent.relations, default_participants)

related["thread"] := input.thread.relations

default_participants := [{"relation": "participant", "subject": subject} | some subject in input.settings.default_participants]

# Who owns is for owners to say: a maintainer could otherwise make itself one, or take the owner away.
reserved if {
	input.change.relation == "owner"
	not "owner" in held
}

# A thread may hold less than its agent, never more.
ungranted := {
	"allow": false,
	"rule": "agent.open.grants",
	"reason": sprintf("agent %s does not hold: %s", [input.agent.name, concat(", ", beyond)]),
	"hint": "ask for grants that its Agent lists, or add them there",
} if {
	beyond := sort([name | some name in input.grants; not name in input.agent.grants])
	count(beyond) > 0
}

refusal := {
	"allow": false,
	"rule": sprintf("%s.owner", [input.action]),
	"reason": "only an owner says who owns",
	"hint": "ask an owner, or an administrator",
} if {
	reserved
	count(held) > 0
} else := {
	"allow": false,
	"rule": input.action,
	"reason": sprintf("there is no thread %s/%s, or you are not %s", [input.thread.namespace, input.thread.name, wanted]),
	"hint": "ask an owner of the thread to add you to its participants",
} if {
	startswith(input.action, "thread.")
} else := {
	"allow": false,
	"rule": input.action,
	"reason": sprintf("there is no such question, or you are not %s", [wanted]),
	"hint": "whoever owns or maintains the thread or its agent answers",
} if {
	startswith(input.action, "approval.")
} else := {
	"allow": false,
	"rule": input.action,
	"reason": sprintf("there is no agent %s/%s, or you are not %s", [input.agent.namespace, input.agent.name, wanted]),
	"hint": "ask a maintainer of the agent to add you to its participants",
} if {
	startswith(input.action, "agent.")
} else := {
	"allow": false,
	"rule": input.action,
	"reason": sprintf("budgets of %s are for administrators, and for who may %s budgets.weir.dev there by Kubernetes RBAC", [place, verb]),
	"hint": "ask whoever may change the Budgets of the namespace",
} if {
	verb := {"budget.read": "list", "budget.adjust": "update"}[input.action]
} else := {
	"allow": false,
	"rule": input.action,
	"reason": "only administrators, and who may create threads in the namespace by Kubernetes RBAC, see all of its threads",
	"hint": "list the threads that you have a relation to",
}

place := "the installation" if {
	input.namespace == ""
} else := sprintf("namespace %s", [input.namespace])

wanted := concat(" or ", [phrase |
	some kind in ["thread", "agent"]
	phrase := sprintf("%s of the %s", [concat(", ", sort(roles[input.action][kind])), kind])
])

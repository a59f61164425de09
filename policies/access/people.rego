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
	concat("", ["group:", group]) in input.caller.subjects
} else := concat(".", [input.action, relation]) if {
	relation := held[0]
	not reserved
} else := concat("", [input.action, ".kubernetes"]) if {
	input.caller.is_kubernetes_maintainer
	input.action in {
		"namespace.list", "agent.see", "agent.open", "agent.configure", "thread.see", "thread.stop",
		"budget.read", "budget.adjust",
	}
	not reserved
} else := concat("", [input.action, ".leave"]) if {
	input.action in {"agent.configure", "thread.share"}
	input.change.remove
	input.change.subject == concat("", ["user:", input.caller.name])
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
	"reason": concat("", ["agent ", input.agent.name, " does not hold: ", concat(", ", beyond)]),
	"hint": "ask for grants that its Agent lists, or add them there",
} if {
	beyond := sort([name | some name in input.grants; not name in input.agent.grants])
	count(beyond) > 0
}

refusal := {
	"allow": false,
	"rule": concat("", [input.action, ".owner"]),
	"reason": "only an owner says who owns",
	"hint": "ask an owner, or an administrator",
} if {
	reserved
	count(held) > 0
} else := {
	"allow": false,
	"rule": input.action,
	"reason": concat("", ["there is no thread ", input.thread.namespace, "/", input.thread.name, ", or you are not ", wanted]),
	"hint": "ask an owner of the thread to add you to its participants",
} if {
	startswith(input.action, "thread.")
} else := {
	"allow": false,
	"rule": input.action,
	"reason": concat("", ["there is no such question, or you are not ", wanted]),
	"hint": "whoever owns or maintains the thread or its agent answers",
} if {
	startswith(input.action, "approval.")
} else := {
	"allow": false,
	"rule": input.action,
	"reason": concat("", ["there is no agent ", input.agent.namespace, "/", input.agent.name, ", or you are not ", wanted]),
	"hint": "ask a maintainer of the agent to add you to its participants",
} if {
	startswith(input.action, "agent.")
} else := {
	"allow": false,
	"rule": input.action,
	"reason": concat("", ["budgets of ", place, " are for administrators, and for who may ", verb, " budgets.weir.dev there by Kubernetes RBAC"]),
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
} else := concat("", ["namespace ", input.namespace])

wanted := concat(" or ", [phrase |
	some kind in ["thread", "agent"]
	phrase := concat("", [concat(", ", sort(roles[input.action][kind])), " of the ", kind])
])

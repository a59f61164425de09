package weir.access.fixture_test

person(subjects) := {"kind": "person", "name": "alice", "subjects": subjects, "is_kubernetes_maintainer": false}

instance(thread) := {"kind": "instance", "namespace": "ns", "agent": "runner", "thread": thread, "container": null}

settings := {"admin_groups": ["system:masters"], "default_participants": []}

# As the controller asks: about an agent without a thread, about a thread with its agent.
asking(action, caller) := {
	"version": 1,
	"action": action,
	"caller": caller,
	"settings": settings,
	"namespace": "ns",
	"agent": agent,
	"thread": thread_of(action),
	"change": null,
	"grants": null,
	"spawn": null,
}

agent := {"namespace": "ns", "name": "reviewer", "grants": ["github"], "relations": [
	{"relation": "owner", "subject": "user:ann"},
	{"relation": "maintainer", "subject": "user:max"},
	{"relation": "participant", "subject": "group:team"},
]}

thread := {"namespace": "ns", "name": "t", "uid": "u1", "parent": "p1", "relations": [
	{"relation": "owner", "subject": "user:olga"},
	{"relation": "maintainer", "subject": "user:mia"},
	{"relation": "participant", "subject": "user:pete"},
]}

thread_of(action) := thread if {
	regex.match("^(thread|child|approval)[.]", action)
} else := null

# METADATA
# title: Instances
# description: |
#   An instance speaks for the thread that it serves and for the children of that thread. Containers of the pod that
#   have an identity of their own are not the agent: they may ask who they are and nothing else.
package weir.access.instances

of_every_container := {"instance.see", "instance.keep-alive"}

of_its_thread := {"instance.receive", "instance.answer", "instance.spawn", "instance.children"}

of_a_child := {"child.see", "child.read", "child.post", "child.stop", "child.delete"}

default decision := {
	"allow": false,
	"rule": "instance.own-thread",
	"reason": "an instance may use its own thread and the children of that thread",
	"hint": "the contract of instances is below /v1/instance",
}

decision := {"allow": true, "rule": input.action, "grants": null} if {
	input.action in of_every_container
} else := {
	"allow": false,
	"rule": "instance.container",
	"reason": concat("", ["container ", input.caller.container, " has an identity of its own; only the agent speaks for the thread"]),
	"hint": "let the agent's container do it",
} if {
	is_string(input.caller.container)
} else := {
	"allow": false,
	"rule": "instance.no-thread",
	"reason": "this pod serves no thread",
	"hint": "open a thread on an Agent; pods that were made otherwise have a boundary, but no messages",
} if {
	not is_string(input.caller.thread)
} else := {"allow": true, "rule": input.action, "grants": null} if {
	input.action in of_its_thread
} else := {"allow": true, "rule": input.action, "grants": null} if {
	input.action in of_a_child
	input.thread.parent == input.caller.thread
} else := {
	"allow": false,
	"rule": "child.not-yours",
	"reason": "your thread has no such child",
	"hint": "GET /v1/instance/children lists them",
} if {
	input.action in of_a_child
}

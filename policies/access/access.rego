# METADATA
# title: Access to threads
# description: |
#   Who may do what with agents and threads through the controller's API. People by their relations to the agent or the
#   thread; instances to their own thread and its children; node proxies to nothing but their reports, the ledger and the questions of their instances. Whatever no rule
#   allows is refused.
package weir.access

import data.weir.access.instances
import data.weir.access.people
import data.weir.access.spawning

default decision := {
	"allow": false,
	"rule": "access.default",
	"reason": "no rule allows this",
	"hint": "ask an administrator of the installation",
}

# METADATA
# title: The decision
# description: One answer for each kind of caller; a kind that is not listed gets the default.
# entrypoint: true
decision := people.decision if {
	input.caller.kind == "person"
} else := spawning.decision if {
	input.caller.kind == "instance"
	input.action == "instance.spawn"
	instances.decision.allow
} else := instances.decision if {
	input.caller.kind == "instance"
} else := node_proxy if {
	input.caller.kind == "node"
}

node_proxy := {"allow": true, "rule": input.action, "grants": null} if {
	input.action in {"activity.report", "ledger.use", "approval.report"}
} else := {
	"allow": false,
	"rule": "node.own-business",
	"reason": "a node proxy speaks for itself only to report activity and to use the ledger",
	"hint": "requests of an instance carry the instance's header",
}

# METADATA
# title: Spawning
# description: |
#   A child may hold what the parent's Agent lets it hand on, the child's own Agent holds and, where the parent itself was
#   narrowed, what the parent was given: rights shrink on their way down.
package weir.access.spawning

# Agents above a child; identity and audit carry them all.
depth_limit := 16

decision := {
	"allow": false,
	"rule": "spawn.agent",
	"reason": sprintf("agent %s may not spawn %s", [input.caller.agent, input.spawn.agent]),
	"hint": sprintf("add %s to spec.spawn of Agent %s", [input.spawn.agent, input.caller.agent]),
} if {
	not is_object(input.spawn.right)
} else := {
	"allow": false,
	"rule": "spawn.unknown-agent",
	"reason": sprintf("there is no Agent %s with an image in this namespace", [input.spawn.agent]),
	"hint": "create it, or correct spec.spawn",
} if {
	not input.spawn.is_startable
} else := {
	"allow": false,
	"rule": "spawn.depth",
	"reason": sprintf("a thread has at most %d agents above it", [depth_limit]),
	"hint": "let an agent further up do the work",
} if {
	input.spawn.depth > depth_limit
} else := {
	"allow": false,
	"rule": "spawn.grants",
	"reason": sprintf("%s cannot hand on: %s", [input.caller.agent, concat(", ", beyond)]),
	"hint": sprintf("ask for %s: what spec.spawn of the parent's Agent lists, the child's Agent holds and the parent was given", [possible]),
} if {
	count(beyond) > 0
} else := {"allow": true, "rule": "instance.spawn", "grants": allowance} if {
	is_null(input.grants)
} else := {"allow": true, "rule": "instance.spawn", "grants": sort(input.grants)}

beyond := sort([name | some name in input.grants; not name in allowance])

allowance := sort([name |
	some name in input.spawn.right.grants
	name in input.spawn.held_by_child
	parent_may_hand_on(name)
])

possible := "no grants" if count(allowance) == 0

possible := sprintf("at most %s", [concat(", ", allowance)]) if count(allowance) > 0

parent_may_hand_on(_) if is_null(input.spawn.narrowed_to)

parent_may_hand_on(name) if name in input.spawn.narrowed_to

# METADATA
# title: Spawning
# description: |
#   A child may hold what the parent's Agent lets it hand on, the child's own Agent holds and, where the parent itself was
#   narrowed, what the parent was given: rights shrink on their way down.
package weir.access.spawning

# Agents above a child; identity and audit carry them all. The refusal says the number.
depth_limit := 16

decision := {
	"allow": false,
	"rule": "spawn.agent",
	"reason": concat("", ["agent ", input.caller.agent, " may not spawn ", input.spawn.agent]),
	"hint": concat("", ["add ", input.spawn.agent, " to spec.spawn of Agent ", input.caller.agent]),
} if {
	not is_object(input.spawn.right)
} else := {
	"allow": false,
	"rule": "spawn.unknown-agent",
	"reason": concat("", ["there is no Agent ", input.spawn.agent, " with an image in this namespace"]),
	"hint": "create it, or correct spec.spawn",
} if {
	not input.spawn.is_startable
} else := {
	"allow": false,
	"rule": "spawn.depth",
	"reason": "a thread has at most 16 agents above it",
	"hint": "let an agent further up do the work",
} if {
	input.spawn.depth > depth_limit
} else := {
	"allow": false,
	"rule": "spawn.grants",
	"reason": concat("", [input.caller.agent, " cannot hand on: ", concat(", ", beyond)]),
	"hint": concat("", ["ask for ", possible, ": what spec.spawn of the parent's Agent lists, the child's Agent holds and the parent was given"]),
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

possible := concat("", ["at most ", concat(", ", allowance)]) if count(allowance) > 0

parent_may_hand_on(_) if is_null(input.spawn.narrowed_to)

parent_may_hand_on(name) if name in input.spawn.narrowed_to

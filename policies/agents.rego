# METADATA
# title: Agents
# description: Which agents an entry of the data is for.
package weir.agents

# METADATA
# title: The agent is one of those listed
# description: A listed part that is null stands for every value; an empty list covers nobody.
covers(patterns) if {
	some pattern in patterns
	part_covers(pattern.namespace, input.agent.namespace)
	part_covers(pattern.name, input.agent.name)
}

# METADATA
# title: One part of the name of an agent is covered
part_covers(null, _)

part_covers(wanted, actual) if wanted == actual

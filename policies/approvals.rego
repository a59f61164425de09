# METADATA
# title: Approvals
# description: What a person has to allow while the request waits.
package weir.approvals

import data.weir.readings

# METADATA
# title: A person decides about what this entry covers
is_asked(entry) if {
	entry.effect == "ask"
	not readings.opens(entry)
}

# METADATA
# title: The question that an entry puts to a person
# description: Beside it stands what is allowed once the answer is yes.
answer(allow, entry) := question(allow, entry.ask)

# METADATA
# title: An allow that waits for a person
question(allow, ask) := object.union(object.remove(allow, ["allow"]), {"ask": ask})

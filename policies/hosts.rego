# METADATA
# title: Hosts
# description: |
#   Which entries of the data name a host. The data is indexed when it is loaded (data.egress.hosts), so that the
#   cost of a look-up grows with the labels of the name and not with the number of entries.
package weir.hosts

# METADATA
# title: Entries that name a host
# description: Exact name, then `*.` (one label more), then `**.` (one label more, or several).
entries(name) := among(data.egress.hosts, name) if is_name(name)

# METADATA
# title: Entries of an index that name a host
among(index, name) := array.concat(exact(index, name), array.concat(one_label_more(index, name), labels_more(index, name)))

# METADATA
# title: A name that patterns may be compared with
# description: Labels that are not empty and hold no asterisk; `.ok` and `*.ok` are names of nothing.
is_name(name) if {
	not startswith(name, ".")
	not endswith(name, ".")
	not contains(name, "..")
	not contains(name, "*")
	name != ""
}

# METADATA
# title: A name is in a set of patterns
# description: The set is indexed like the hosts; its values are not looked at.
listed(index, name) if index.exact[name]

listed(index, name) if index.one[parent(name)]

listed(index, name) if {
	some ancestor in ancestors(name)
	index.many[ancestor]
}

# METADATA
# title: Entries for this very name
exact(index, name) := object.get(index.exact, name, [])

# METADATA
# title: Entries for names with one label more
one_label_more(index, name) := object.get(index.one, parent(name), [])

# METADATA
# title: Entries for names with one label more, or several
labels_more(index, name) := [entry |
	some ancestor in ancestors(name)
	some entry in index.many[ancestor]
]

# METADATA
# title: The name above
parent(name) := ancestors(name)[0]

# METADATA
# title: The names above
# description: Every name above this one, nearest first; the last is the empty name above all.
ancestors(name) := [ancestor |
	labels := split(name, ".")
	some above in numbers.range(1, count(labels))
	ancestor := concat(".", [label | some place, label in labels; place >= above])
]

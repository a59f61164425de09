# METADATA
# title: Values
# description: |
#   What a value of a JSON body, or an argument of a tool, must be. A value that is of another type than its rule speaks
#   of, or that could be read in two ways, holds nothing: an allow does not cover it, and a deny does.
package weir.values

import data.weir.globs

# METADATA
# title: Every rule holds, beyond doubt
all_hold(rules, document) if {
	every rule in rules {
		holds(rule, document)
	}
}

# METADATA
# title: Every rule holds, or cannot be judged
# description: For a deny.
none_fails(rules, document) if {
	every rule in rules {
		not fails(rule, document)
	}
}

# METADATA
# title: The rule holds
holds(rule, document) if {
	value := at(document, rule.path)
	every check in rule.checks {
		check_holds(check[0], check[1], value)
	}
}

holds(rule, document) if {
	rule.optional == true
	is_absent(document, rule.path)
}

# METADATA
# title: The rule does not hold, beyond doubt
fails(rule, document) if {
	value := at(document, rule.path)
	some check in rule.checks
	not check_holds(check[0], check[1], value)
	is_clear(check[0], check[1], value)
}

fails(rule, document) if {
	rule.optional == false
	is_absent(document, rule.path)
}

# METADATA
# title: One check holds
check_holds("one_of", wanted, value) if value in wanted

check_holds("like", wanted, value) if globs.covers(wanted, value)

check_holds("within", wanted, value) if {
	is_plain_path(value)
	is_below(wanted, value)
}

check_holds("matches", wanted, value) if {
	is_string(value)
	regex.match(wanted, value)
}

check_holds("max_length", wanted, value) if {
	is_string(value)
	count(value) <= wanted
}

check_holds("max", wanted, value) if {
	is_number(value)
	value <= wanted
}

check_holds("min", wanted, value) if {
	is_number(value)
	value >= wanted
}

check_holds("type", wanted, value) if type_name(value) == wanted

# METADATA
# title: One check can be judged
# description: The value is of a kind that the check can judge.
is_clear("one_of", wanted, value) if {
	not is_composite(value)
	type_name(value) in {type_name(other) | some other in wanted}
	not reads_as_one(wanted, value)
}

is_clear("within", _, value) if is_plain_path(value)

is_clear("type", _, _)

is_clear("matches", wanted, value) if {
	is_string(value)
	regex.is_valid(wanted)
}

is_clear(kind, _, value) if {
	kind in {"like", "max_length"}
	is_string(value)
}

is_clear(kind, _, value) if {
	kind in {"max", "min"}
	is_number(value)
}

# METADATA
# title: A value that some readers take for one of another type
# description: A text `true`, and a number in quotes.
reads_as_one(wanted, value) if {
	some other in wanted
	type_name(other) != type_name(value)
	lower(sprintf("%v", [other])) == lower(trim_space(sprintf("%v", [value])))
}

# METADATA
# title: A list or an object
is_composite(value) if is_object(value)

is_composite(value) if is_array(value)

# METADATA
# title: A path is another, or lies below it
is_below(base, path) if path == base

is_below(base, path) if startswith(path, concat("", [base, "/"]))

# METADATA
# title: A path from the root that nobody reads in two ways
# description: |
#   No empty segment but the last, none of dots and spaces alone or of two dots with what is no name behind or before
#   them, no backslash, no control character, no escape, nothing that a server may decode or fold into one of these.
is_plain_path(path) if {
	is_string(path)
	startswith(path, "/")
	not contains(path, "//")
	not regex.match(`[\x00-\x1f\x7f\\\x{2024}\x{2025}\x{2044}\x{2215}\x{fe52}\x{fe68}\x{ff0e}\x{ff0f}\x{ff3c}]|%(?:[0-9A-Fa-f]{2}|u)|/[. ]+(?:/|$)|/[^\pL\pN_\-/]*\.\.+(?:[^\pL\pN_.\-]|$)`, path)
}

# METADATA
# title: The value at a place in a document
# description: Undefined if there is none. Steps are keys of objects, or places in arrays; there are at most eight.
at(document, []) := document

at(document, [a]) := step(document, a)

at(document, [a, b]) := step(step(document, a), b)

at(document, [a, b, c]) := step(step(step(document, a), b), c)

at(document, [a, b, c, d]) := step(step(step(step(document, a), b), c), d)

at(document, [a, b, c, d, e]) := step(step(step(step(step(document, a), b), c), d), e)

at(document, [a, b, c, d, e, f]) := step(step(step(step(step(step(document, a), b), c), d), e), f)

# METADATA
# title: One step into a document
step(node, want) := node[want.key] if is_object(node)

step(node, want) := node[want.index] if is_array(node)

# METADATA
# title: There is nothing at this place
# description: |
#   On the way there everything is an object, or not there at all. A text where an object was expected is not nothing:
#   whoever receives it may read it as one. Neither is the key in another writing, which some readers take for the same.
is_absent(document, path) if {
	ways := [array.slice(path, 0, depth) | some depth in numbers.range(0, count(path))]
	nodes := [node | some way in ways; node := at(document, way)]
	count(nodes) <= count(path)
	can_hold(nodes[count(nodes) - 1], path[count(nodes) - 1])
}

# METADATA
# title: A value that may hold a key
can_hold(node, want) if {
	is_object(node)
	not has_alike(node, want.key)
}

can_hold(node, want) if {
	is_array(node)
	is_number(want.index)
}

# METADATA
# title: An object has the key in another writing
# description: |
#   `Channel` is `channel` to readers in Go and of ASP.NET, `read_mask` is `readMask` in the JSON of Protocol Buffers.
has_alike(node, key) if {
	wanted := folded(key)
	some other, _ in node
	folded(other) == wanted
}

# METADATA
# title: A key without case and without what parts its words
folded(key) := replace(replace(lower(key), "_", ""), "-", "")

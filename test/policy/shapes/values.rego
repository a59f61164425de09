# Values of all kinds within each other: keys, sets, partial rules, `with`, and errors inside of comprehensions.
package shapes

v_limit := input.limit

v_partial[k] := v if some k, v in input.args[0]

v_members contains v if some v in input.args[0]

v_deep[k1][k2] := v if {
	some k1, inner in input.args[0]
	some k2, v in inner
}

default v_default(_) := "default"

v_default(x) := to_number(x)

v_else(x) := "number" if {
	is_number(x)
} else := "text" if {
	is_string(x)
} else := count(x)

f_union(a, b) := {a} | {b, 1}
f_cut(a, b) := {a, 1, "x"} & {b, 1}
f_less(a, b) := {a, 1, "x"} - {b}
f_in(a, b) := a in [b, 1, "x"]
f_in_set(a, b) := a in {b, 1, "x"}
f_in_values(a, b) := a in {"k": b}
f_pair_in(a, b) := x if ["k", x] = [b, a]

f_lookup(a, b) := x if {
	a != b
	not a in [1, "1"]
	not b in [1, "1"]
	x := {a: "x", b: "y", 1: "one", "1": "text"}[a]
}

f_size(a, b) := count({a: 1, [b]: 2, {"k": a}: 3, {a}: 4})

f_keys(a, b) := x if {
	a != b
	x := object.keys({[a]: 1, [b]: 2})
}

f_get(a, b) := object.get({"x": 1, 2: "two"}, a, b)
f_get_path(a, b) := object.get({"x": {"y": [1, {"z": 2}]}}, a, b)
f_compare(a, b) := [a < b, a <= b, a == b, a != b]
f_sort(a, b) := sort([a, b, null, true, 1, "x", [1], {"k": 1}])
f_sort_set(a, b) := sort({a, b, null, true, 1, "x", [1], {"k": 1}, {1}})
f_min(a, b) := min([a, b])
f_max(a, b) := max({a, b})
f_walk(a, b) := {[p, v] | walk([a, {"k": b}], [p, v])}
f_walk_paths(a, _) := [p | walk(a, [p, _])]
f_object_union(a, b) := object.union(a, b)
f_object_union_n(a, b) := object.union_n([a, b, {"k": 1}])
f_filter(a, b) := object.filter(a, b)
f_remove(a, b) := object.remove(a, b)
f_json_filter(a, _) := json.filter(a, ["k", "k/0", "a/b"])
f_json_remove(a, _) := json.remove(a, ["k", "0", "a/b"])
f_subset(a, b) := object.subset(a, b)
f_concat(a, b) := array.concat(a, b)
f_flatten(a, b) := array.flatten([a, [b]])
f_reverse(a, _) := array.reverse(a)
f_slice(a, _) := array.slice(a, 0, 2)
f_count(a, _) := count(a)
f_sum(a, _) := sum(a)
f_product(a, _) := product(a)
f_type(a, b) := [type_name(a), type_name({b}), is_set(a), is_object(b)]
f_json(a, b) := json.marshal([a, {b}, {"k": a}])
f_json_back(a, _) := json.unmarshal(json.marshal(a)) == a
f_print(a, b) := sprintf("%v %v %v", [a, {b}, {"k": [a]}])
f_interp(a, b) := $"{a} and {b}"
f_numbers(a, b) := [x | some v in [a, b, "1", "x"]; x := to_number(v)]
f_every(a, b) := "yes" if every v in [a, b] { to_number(v) >= 0 }
f_every_key(a, _) := "yes" if every k, v in a { k != v }
f_mapped(a, b) := {k: v | some k, v in [a, b]}
f_inverted(a, _) := {json.marshal(v): k | some k, v in a}
f_nested(a, b) := [[y | some y in [x]; y > b] | some x in [a, b]]
f_not(a, b) := "no" if not a == b
f_not_in(a, b) := "no" if not a in [b]
f_or(a, b) := x if x := v_else(a)
f_default(a, b) := [v_default(a), v_default(b)]
f_with_input(a, b) := x if x := [v_limit | true] with input as {"limit": a, "args": [b]}
f_with_limit(a, b) := x if x := v_limit with input.limit as a
f_with_partial(a, b) := x if x := v_partial with input.args as [a]
f_with_members(a, b) := x if x := v_members with input.args as [b]
f_with_deep(a, b) := x if x := v_deep with input.args as [{"k": a, "m": {"n": b}}]
f_with_rule(a, b) := x if x := count(v_members) with input as {"args": [[a, b]]}
f_with_data(a, b) := x if x := data.absent.x with data.absent as {"x": a}
f_ref(a, b) := a[b]
f_ref_any(a, _) := [v | v := a[_]]
f_ref_nested(a, b) := [v | v := {"k": a}.k[b]]
f_destructure(a, b) := x if [x, 1] = [a, b]
f_destructure_object(a, _) := x if {"k": x} = a
f_set_of_sets(a, b) := count({{a}, {b}, {a, b}, set()})
f_set_in_set(a, b) := {a} in {{b}, {1}}
f_union_all(a, b) := union({{a}, {b}, {1}})
f_intersect_all(a, b) := intersection({{a, 1}, {b, 1}})
f_range_sum(a, b) := sum([x | some x in numbers.range(a, b)]) if abs(a - b) < 20
f_reach(a, b) := graph.reachable({"x": [a], "k": ["x"]}, {b})
f_paths(a, b) := graph.reachable_paths({"x": ["k"], "k": ["x"], "1": []}, [a, b])

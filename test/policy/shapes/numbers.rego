# Numbers however they are written: what compares, finds and shows them.
package shapes

# numbers
f_less(a, b) := a < b
f_same(a, b) := a == b
f_both(a, b) := count({a, b})
f_keyed(a, b) := count({"x" | some k in [a, b]; {a: 1}[k]})
f_found(a, b) := {a: "x"}[b]
f_among(a, b) := b in [a]
f_in_set(a, b) := b in {a, "x"}
f_least(a, b) := min([a, b])
f_most(a, b) := max({a, b})
f_sorted(a, b) := sort([a, b, "a", null, true, [], {}])
f_size(a, _) := abs(a)
f_marshalled(a, _) := json.marshal([a])
f_printed(a, b) := sprintf("%v|%v", [a, b])
f_in_words(a, _) := $"{a}!"
f_decimal(a, _) := format_int(a, 10)
f_hexadecimal(a, _) := format_int(a, 16)
f_range(a, b) := count(numbers.range(a, b)) if abs(a - b) < 50
f_band(a, b) := bits.and(a, b)
f_bor(a, b) := bits.or(a, b)
f_bxor(a, b) := bits.xor(a, b)
f_bneg(a, _) := bits.negate(a)
f_bleft(a, b) := bits.lsh(a, b) if b < 200
f_bright(a, b) := bits.rsh(a, b) if b < 200
f_kind(a, _) := type_name(a)
f_part(a, b) := substring("abcdef", a, b)
f_piece(a, b) := array.slice([1, 2, 3, 4, 5], a, b)

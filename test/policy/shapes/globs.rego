# Globs with whatever is special in a pattern.
package shapes

f_glob(a, b) := glob.match(a, [], b)
f_glob_dot(a, b) := glob.match(a, ["."], b)
f_glob_none(a, b) := glob.match(a, null, b)
f_glob_many(a, b) := glob.match(a, ["/", "$", "a"], b)

# What is calculated with numbers.
package shapes

f_plus(a, b) := a + b
f_minus(a, b) := a - b
f_times(a, b) := a * b
f_over(a, b) := round((a / b) * 1000)
f_modulo(a, b) := a % b
f_total(a, b) := sum([a, b])
f_multiplied(a, b) := product([a, b])

f_rounded(a, _) := round(a)

f_up(a, _) := ceil(a)

f_down(a, _) := floor(a)

# METADATA
# title: Patterns of text
# description: |
#   `*` is any run of characters, also none; everything else stands for itself. The patterns were taken apart when the
#   data was loaded: whole texts, beginnings with ends, and regular expressions for the rest.
package weir.globs

# METADATA
# title: The text is one that a pattern covers
# description: What is no text is covered by none, not even by `*`.
covers(globs, text) if text in globs.exact

covers(globs, text) if {
	is_string(text)
	some [prefix, suffix] in globs.affixes
	startswith(text, prefix)
	endswith(text, suffix)
	count(text) >= count(prefix) + count(suffix)
}

covers(globs, text) if {
	is_string(text)
	some pattern in globs.patterns
	regex.match(pattern, text)
}

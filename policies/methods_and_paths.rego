# METADATA
# title: Methods and paths
# description: |
#   What an entry says of a request's head. Paths are compared segment by segment, decoded, never as text. An allow covers
#   what every server takes for the same, a deny whatever some server may take for it.
package weir.methods_and_paths

# METADATA
# title: Methods that a server may take the request to have
# description: Its own, and what a parameter of the query asks to be taken for it. Fields of the head that ask so never leave.
methods_asked := {input.request.method} | {upper(value) |
	some name, given in input.request.query
	regex.match(`^(?i:_method)(?:\[.*)?$`, name)
	some value in given
}

# METADATA
# title: An allow covers the method
method_covered(methods) if "*" in methods

method_covered(methods) if {
	every method in methods_asked {
		method in methods
	}
}

# METADATA
# title: A deny covers the method
method_refused(methods) if "*" in methods

method_refused(methods) if {
	some method in methods_asked
	method in methods
}

# METADATA
# title: An allow covers the path
path_covered(patterns) if {
	not leads_elsewhere
	some pattern in patterns
	length_fits(pattern, path)
	every position, wanted in pattern.segments {
		segment_fits(wanted, path[position])
	}
}

# METADATA
# title: A slash that was kept stands beside dots, or beside nothing
# description: A server that decodes it first would go up, or elsewhere.
leads_elsewhere if {
	some segment in path
	contains(segment, "/")
	some part in split(segment, "/")
	split(part, ";")[0] in {"", ".", ".."}
}

# METADATA
# title: A deny covers the path
# description: |
#   In whatever case, with a slash behind it, with path parameters, with a format at the end of a segment (`.json`), and
#   whether a server decodes an escaped slash or not: the patterns of a deny are written in the plain form.
path_refused(patterns) if {
	some pattern in patterns
	length_fits(pattern, plain_path)
	every position, wanted in pattern.segments {
		segment_refused(wanted, plain_path[position], path_without_formats[position])
	}
}

# METADATA
# title: The path has as many segments as the pattern
length_fits(pattern, segments) if {
	pattern.rest == true
	count(segments) >= count(pattern.segments)
}

length_fits(pattern, segments) if {
	pattern.rest == false
	count(segments) == count(pattern.segments)
}

# METADATA
# title: An allow covers one segment
# description: An asterisk stands for one segment that is there, and that no server makes two of.
segment_fits(null, actual) if {
	actual != ""
	not contains(actual, "/")
}

segment_fits(wanted, actual) if wanted == actual

segment_fits(wanted, actual) if regex.match(wanted.like, actual)

# METADATA
# title: A deny covers one segment
segment_refused(null, _, _)

segment_refused(wanted, actual, _) if wanted == actual

segment_refused(wanted, _, without_format) if wanted == without_format

segment_refused(wanted, actual, _) if regex.match(wanted.like, actual)

# METADATA
# title: The request's path
# description: The root has no segments, however it was split.
path := [] if {
	input.request.path == [""]
} else := input.request.path

# METADATA
# title: The request's path as a server may take it that is generous
# description: Lower case, without path parameters and empty segments, split at every slash.
plain_path := [part |
	some written in split(lower(concat("/", input.request.path)), "/")
	part := split(written, ";")[0]
	part != ""
]

# METADATA
# title: The same without formats
# description: Made once for all patterns.
path_without_formats := [regex.replace(part, `\.[a-z]{1,8}$`, "") | some part in plain_path]

# METADATA
# title: The request has a body
# description: Where the input does not say so, by its method.
has_body if input.request.has_body == true

has_body if {
	object.get(input.request, "has_body", null) == null
	not input.request.method in {"DELETE", "GET", "HEAD", "OPTIONS", "TRACE"}
}

# METADATA
# title: The request stays a request
# description: A WebSocket is not read any more once it is open, so an entry has to name it.
upgrade_covered(_) if input.request.upgrade == null

upgrade_covered(entry) if {
	input.request.upgrade == "websocket"
	entry.websocket == true
}

# METADATA
# title: Methods and paths
# description: What an entry says of a request. Paths are compared segment by segment, decoded, never as text.
package weir.methods_and_paths

# METADATA
# title: The method is one of those listed
method_covered(methods) if "*" in methods

method_covered(methods) if input.request.method in methods

# METADATA
# title: The path is one of those listed
path_covered(patterns) if {
	some pattern in patterns
	length_fits(pattern)
	segments_fit(pattern.segments)
}

# METADATA
# title: The path has as many segments as the pattern
length_fits(pattern) if {
	pattern.rest == true
	count(path) >= count(pattern.segments)
}

length_fits(pattern) if {
	pattern.rest == false
	count(path) == count(pattern.segments)
}

# METADATA
# title: The segments are those of the pattern
segments_fit(wanted) if {
	every position, segment in wanted {
		segment_fits(segment, path[position])
	}
}

# METADATA
# title: One segment is that of the pattern
segment_fits(null, _)

segment_fits(wanted, actual) if wanted == actual

# METADATA
# title: The request's path
# description: The root has no segments, however it was split.
path := [] if {
	input.request.path == [""]
} else := input.request.path

# METADATA
# title: The request stays a request
# description: A WebSocket is not read any more once it is open, so an entry has to name it.
upgrade_covered(_) if input.request.upgrade == null

upgrade_covered(entry) if {
	input.request.upgrade == "websocket"
	entry.websocket == true
}

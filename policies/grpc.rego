# METADATA
# title: gRPC
# description: Which methods of gRPC an entry covers. Rules are those of `grpc` in an entry of the data.
package weir.grpc

import data.weir.methods_and_paths

# METADATA
# title: An allow covers the request
# description: By method, or by service where every method of it is meant.
permits(rules) if input.grpc.service in rules.services

permits(rules) if concat("/", [input.grpc.service, input.grpc.method]) in rules.methods

# METADATA
# title: A deny covers the request
# description: |
#   By the end of the path alone: servers take content types that nobody knows, and other protocols (Connect) have the
#   same paths. Its rules are in lower case.
refuses(rules) if {
	some [service, _] in named
	service in rules.services
}

refuses(rules) if {
	some words in named
	concat("/", words) in rules.methods
}

# METADATA
# title: Service and method that the request may name
named contains [lower(input.grpc.service), lower(input.grpc.method)]

named contains array.slice(path, count(path) - 2, count(path)) if {
	path := methods_and_paths.plain_path
	count(path) > 1
}

# METADATA
# title: What a refusal says of a request that no rule covers
explanation(rules, host) := {
	"reason": sprintf("only requests of gRPC are allowed here at %s", [host]),
	"hint": "other requests need a rule without `grpc`",
} if {
	not input.grpc
} else := {
	"reason": sprintf("gRPC method %s/%s is not allowed at %s", [input.grpc.service, input.grpc.method, host]),
	"hint": sprintf("allowed: %s; add it to `grpc` of the rule", [rules.texts.methods]),
}

# METADATA
# title: gRPC
# description: Which methods of gRPC an entry covers. Rules are those of `grpc` in an entry of the data.
package weir.grpc

# METADATA
# title: The rules cover the request
# description: By method, or by service where every method of it is meant; for an allow and a deny alike.
covers(rules) if input.grpc.service in rules.services

covers(rules) if concat("/", [input.grpc.service, input.grpc.method]) in rules.methods

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

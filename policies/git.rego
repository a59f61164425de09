# METADATA
# title: Git
# description: |
#   Which requests of Git over smart HTTP an entry covers: fetches and pushes, by repository. Rules are those of `git` in
#   an entry of the data.
package weir.git

import data.weir.globs

# METADATA
# title: An allow covers the request
permits(rules) if {
	input.git.is_write in rules.writes
	globs.covers(rules.repositories, input.git.repository)
}

# METADATA
# title: A deny covers the request
# description: In whatever case the repository is written, because hosts of Git take any.
refuses(rules) if {
	input.git.is_write in rules.writes
	globs.covers(rules.repositories, lower(input.git.repository))
}

# METADATA
# title: What a refusal says of a request that no rule covers
explanation(rules, host) := {
	"reason": sprintf("only requests of Git are allowed here at %s", [host]),
	"hint": "other requests need a rule without `git`",
} if {
	not input.git
} else := {
	"reason": sprintf("pushing to repository %s at %s is not allowed", [input.git.repository, host]),
	"hint": "fetching is; set `access: write` in `git` of the rule",
} if {
	not input.git.is_write in rules.writes
} else := {
	"reason": sprintf("repository %s at %s is not allowed", [input.git.repository, host]),
	"hint": sprintf("allowed: %s; add it to `git.repositories` of the rule", [rules.texts.repositories]),
}

# METADATA
# title: Git
# description: |
#   Which requests of Git over smart HTTP an entry covers: fetches and pushes, by repository. Rules are those of `git` in
#   an entry of the data.
package weir.git

import data.weir.globs
import data.weir.methods_and_paths

# METADATA
# title: An allow covers the request
permits(rules) if {
	input.git.is_write in rules.writes
	globs.covers(rules.repositories, input.git.repository)
}

# METADATA
# title: A deny covers the request
# description: |
#   By its path alone, in whatever case the repository is written and however often with `.git`: what is no request of
#   the smart protocol may be one of the old protocol of plain files, or of LFS.
refuses(rules) if {
	some is_write in rules.writes
	is_write in possible_writes
	some repository in repositories
	globs.covers(rules.repositories, repository)
}

# METADATA
# title: Repositories that the request may be of
repositories contains plain(input.git.repository)

repositories contains plain(concat("/", array.slice(path, 0, position))) if {
	path := methods_and_paths.plain_path
	some position, _ in path
	position > 0
	is_ending(array.slice(path, position, count(path)))
}

# METADATA
# title: A repository as a server may take it that is generous
# description: In lower case, without `.git` at its end, be it a folder of its own.
plain(repository) := regex.replace(lower(repository), `(?:/?\.git)+$`, "")

# METADATA
# title: What stands behind a repository
# description: Services; files of it, which servers of WebDAV let clients write; LFS, GitLab's beside the usual.
is_ending([last]) if last in {"git-upload-pack", "git-upload-archive", "git-receive-pack", "head", "packed-refs"}

is_ending(behind) if behind[0] in {"objects", "gitlab-lfs"}

is_ending(behind) if {
	behind[0] == "refs"
	count(behind) > 1
}

is_ending(behind) if {
	behind[0] == "info"
	behind[1] in {"refs", "lfs"}
}

# METADATA
# title: Whether it may be a push, whether it may be a fetch
# description: A service that is named in an unusual writing may be either.
possible_writes := {input.git.is_write} if {
	input.git
} else := {false} if {
	input.request.method in {"GET", "HEAD"}
	not names_service
} else := {false, true}

# METADATA
# title: The query says something of a service
names_service if {
	some name, given in input.request.query
	some text in array.concat([name], given)
	contains(lower(text), "service")
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

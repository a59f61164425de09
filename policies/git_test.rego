package weir.git_test

import data.weir.git

reading := {"writes": [false], "repositories": {"exact": [], "affixes": [["acme/", ""]], "patterns": []}, "texts": {"repositories": "acme/*"}}

writing := object.union(reading, {"writes": [false, true]})

asking(repository, is_write) := {"git": {"service": "", "repository": repository, "is_write": is_write}}

test_reading_is_fetching_and_writing_is_pushing_too if {
	git.permits(reading) with input as asking("acme/app", false)
	not git.permits(reading) with input as asking("acme/app", true)
	git.permits(writing) with input as asking("acme/app", true)
	git.permits(writing) with input as asking("acme/app", false)
}

test_other_repositories_and_other_requests_are_not_covered if {
	not git.permits(writing) with input as asking("other/app", false)
	not git.permits(writing) with input as asking("ACME/app", false)
	not git.permits(writing) with input as at("POST", ["acme", "app", "info", "lfs", "objects", "batch"], {})
	not git.permits(writing) with input as {}
}

pushes := object.union(reading, {"writes": [true]})

secret := {"writes": [false, true], "repositories": {"exact": ["acme/secret"], "affixes": [], "patterns": []}}

at(method, path, query) := {"request": {"method": method, "path": path, "query": query}}

read_as(is_write, path) := object.union(at("POST", path, {}), {"git": {"is_write": is_write}})

test_a_deny_covers_a_repository_however_it_is_written if {
	every name in ["secret", "SECRET", "secret.git", "secret.GIT", "Secret.git.git", "secret.git;x=1", "secret/.git", "secret.git/.GIT"] {
		git.refuses(secret) with input as read_as(true, ["acme", name, "git-receive-pack"])
	}
	every name in ["secrets", "secret.gi", "app"] {
		not git.refuses(secret) with input as read_as(true, ["acme", name, "git-receive-pack"])
	}
	not git.refuses(secret) with input as at("GET", ["acme", "secret"], {})
	git.refuses(secret) with input as asking("Acme/Secret", true)
}

test_a_deny_covers_files_of_a_repository_too if {
	every path in [
		["acme", "secret", "info", "refs"], ["acme", "secret.git", "HEAD"], ["acme", "secret.git", "objects", "ab", "cd"],
		["acme", "secret", "info", "lfs", "objects", "batch"], ["acme", "secret", "git-upload-pack", ""], ["acme/secret", "head"],
		["acme", "secret", "git-upload-archive"], ["acme", "secret", "refs", "heads", "main"], ["acme", "secret.git", "packed-refs"],
		["acme", "secret", ".git", "HEAD"], ["acme", "secret.git", "gitlab-lfs", "objects", "ab", "1"],
	] {
		git.refuses(secret) with input as at("GET", path, {})
	}
	not git.refuses(secret) with input as at("GET", ["acme", "secret", "info", "other"], {})
	not git.refuses(secret) with input as at("GET", ["acme", "secret", "refs"], {})
	not git.refuses(secret) with input as at("GET", ["objects", "x"], {})
}

test_a_deny_of_pushes_leaves_fetches if {
	git.refuses(pushes) with input as read_as(true, ["acme", "app", "git-receive-pack"])
	not git.refuses(pushes) with input as read_as(false, ["acme", "app", "git-upload-pack"])
	not git.refuses(pushes) with input as at("GET", ["acme", "app", "info", "refs"], {})
	git.refuses(pushes) with input as at("GET", ["acme", "app", "info", "refs"], {"a": ["1;service=git-receive-pack"]})
	git.refuses(pushes) with input as at("PUT", ["acme", "app", "objects", "ab", "cd"], {})
	git.refuses(pushes) with input as at("PUT", ["acme", "app", "refs", "heads", "main"], {})
	git.refuses(pushes) with input as at("POST", ["acme", "app", "info", "lfs", "objects", "batch"], {})
	not git.refuses(pushes) with input as read_as(false, ["acme", "app", "git-upload-archive"])
	not git.refuses(reading) with input as read_as(true, ["acme", "app", "git-receive-pack"])
}

test_a_refusal_names_what_is_not_covered if {
	none := git.explanation(reading, "h") with input as {}
	none.reason == "only requests of Git are allowed here at h"
	push := git.explanation(reading, "h") with input as asking("acme/app", true)
	push.reason == "pushing to repository acme/app at h is not allowed"
	other := git.explanation(reading, "h") with input as asking("other/app", false)
	other == {"reason": "repository other/app at h is not allowed", "hint": "allowed: acme/*; add it to `git.repositories` of the rule"}
}

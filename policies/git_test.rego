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
	not git.permits(writing) with input as {}
}

test_a_deny_covers_a_repository_in_whatever_case if {
	git.refuses(writing) with input as asking("ACME/App", true)
	not git.refuses(writing) with input as asking("other/app", true)
	not git.refuses(reading) with input as asking("acme/app", true)
	not git.refuses(writing) with input as {}
}

test_a_refusal_names_what_is_not_covered if {
	none := git.explanation(reading, "h") with input as {}
	none.reason == "only requests of Git are allowed here at h"
	push := git.explanation(reading, "h") with input as asking("acme/app", true)
	push.reason == "pushing to repository acme/app at h is not allowed"
	other := git.explanation(reading, "h") with input as asking("other/app", false)
	other == {"reason": "repository other/app at h is not allowed", "hint": "allowed: acme/*; add it to `git.repositories` of the rule"}
}

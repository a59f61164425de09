package weir.dns_test

import data.weir.dns

test_names_of_metadata_services_are_refused_with_what_to_do_instead if {
	answer := dns.metadata("metadata.google.internal")
	answer.allow == false
	answer.rule == "names.metadata"
	contains(answer.hint, "ask for a grant")
	not dns.metadata("example.com")
}

test_hidden_names_are_refused if {
	hidden := {"hidden": {"exact": {"secret.test": true}, "one": {}, "many": {}}}
	answer := dns.hidden("secret.test") with data.egress as hidden
	answer.rule == "names.hide"
	not dns.hidden("open.test") with data.egress as hidden
}

package weir.addresses_test

import data.weir.addresses

ranges := {"addresses": [{"cidr": "10.0.0.0/8", "rule": "a"}, {"cidr": "10.1.0.0/16", "rule": "b"}, {"cidr": "fd00::/8", "rule": "c"}]}

rules(address) := [entry.rule | some entry in entries] if {
	entries := addresses.entries(address) with data.egress as ranges
}

test_every_range_that_holds_the_address_counts_in_order if {
	rules("10.1.2.3") == ["a", "b"]
	rules("10.2.2.3") == ["a"]
	rules("fd00::1") == ["c"]
}

test_an_address_outside_of_all_ranges_has_no_entry if {
	rules("11.0.0.1") == []
	rules("2001:db8::1") == []
}

test_metadata_addresses_are_known if {
	every address in ["169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254", "fe80::1"] {
		addresses.is_metadata_address(address)
	}
	not addresses.is_metadata_address("10.0.0.1")
}

test_metadata_names_are_known if {
	addresses.is_metadata_name("metadata.google.internal")
	not addresses.is_metadata_name("metadata.example.com")
}

test_ipv6_spellings_of_ipv4_addresses_are_known if {
	every address in ["::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::a00:1", "2002:a00:1::1", "2001::1", "::1"] {
		addresses.is_embedded(address)
	}
	every address in ["10.0.0.1", "fd00::1", "2001:db8::1", "fe80::1"] {
		not addresses.is_embedded(address)
	}
}

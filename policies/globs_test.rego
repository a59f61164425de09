package weir.globs_test

import data.weir.globs

list := {"exact": ["read_file"], "affixes": [["get_", "_by_id"], ["a", "a"]], "patterns": [`(?s)\Aa\.b.*c.*d\z`]}

everything := {"exact": [], "affixes": [["", ""]], "patterns": []}

test_a_whole_text_is_itself_and_no_other if {
	globs.covers(list, "read_file")
	not globs.covers(list, "read_files")
	not globs.covers(list, "Read_file")
	not globs.covers(list, "")
}

test_one_asterisk_is_any_run_of_characters_also_none if {
	globs.covers(list, "get_user_by_id")
	globs.covers(list, "get__by_id")
	not globs.covers(list, "get_by_id")
	not globs.covers(list, "forget_user_by_id")
}

test_a_beginning_and_an_end_do_not_share_characters if {
	globs.covers(list, "aa")
	globs.covers(list, "aba")
	not globs.covers(list, "a")
}

test_several_asterisks_cover_lines_too_and_points_are_points if {
	globs.covers(list, "a.b-c\n-d")
	not globs.covers(list, "axb-c-d")
	not globs.covers(list, "a.b-d-c")
}

test_one_asterisk_alone_covers_every_text_and_nothing_else if {
	globs.covers(everything, "")
	globs.covers(everything, "*")
	every value in [null, 1, true, ["read_file"], {"a": 1}] {
		not globs.covers(everything, value)
		not globs.covers(list, value)
	}
}

test_look_alikes_are_other_texts if {
	every name in ["read_fıle", "read_file ", "rеad_file", "read_file\u0000", "read\u200b_file", "read*"] {
		not globs.covers(list, name)
	}
}

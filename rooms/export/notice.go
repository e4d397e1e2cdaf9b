package export

import _ "embed"

const (
	// NoticeVersion names the texts of Notice and NoticeText: those of the rule
	// of 2024 (89 FR 12472). Other texts would have another name, and old
	// disclosures keep theirs.
	NoticeVersion = "part2-2024"
	// Notice is the short form that must accompany a disclosure,
	// 42 CFR 2.32(a)(2).
	Notice = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
)

// NoticeText is the whole statement, 42 CFR 2.32(a)(1).
//
//go:embed notice.txt
var NoticeText string

package attendance

// Service is the kind of a session (§6).
type Service string

const (
	Individual      Service = "individual"
	Family          Service = "family"
	Medication      Service = "medication"
	CaseManagement  Service = "case_management"
	Assessment      Service = "assessment"
	Group           Service = "group"
	Psychoeducation Service = "psychoeducation"
	PeerSupport     Service = "peer_support"
	MutualAid       Service = "mutual_aid"
	Aftercare       Service = "aftercare"
)

// serviceRule is a row of the table of §6.
type serviceRule struct {
	class            int // of two sessions at once, the lower class keeps the instant
	counts           bool
	needsFacilitator bool
}

// rule is the service's row of §6; ok is false for no service of ours.
func (s Service) rule() (rule serviceRule, ok bool) {
	switch s {
	case Individual, Family, Medication, CaseManagement:
		return serviceRule{class: 1, counts: true, needsFacilitator: true}, true
	case Assessment:
		return serviceRule{class: 1, counts: false, needsFacilitator: true}, true
	case Group:
		return serviceRule{class: 2, counts: true, needsFacilitator: true}, true
	case Psychoeducation:
		return serviceRule{class: 3, counts: true, needsFacilitator: true}, true
	case PeerSupport, MutualAid, Aftercare:
		return serviceRule{class: 4, counts: false, needsFacilitator: false}, true
	}
	return serviceRule{}, false
}

// hasGroupSize reports whether the size limits of a program apply (§4, flags).
func (s Service) hasGroupSize() bool { return s == Group || s == Psychoeducation }

// Counting reports whether the session counts towards anything (§2, §6).
func (s *Session) Counting() bool {
	rule, _ := s.Service.rule()
	counts := rule.counts
	if s.Counts != nil {
		counts = *s.Counts
	}
	return counts && s.Status != SessionCancelled
}

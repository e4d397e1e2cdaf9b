package web

import (
	"context"
	"net/http"
	"time"
)

// readyWithin bounds one check of /readyz.
const readyWithin = 2 * time.Second

type health struct {
	Status string                 `json:"status"` // ok, or not_ready
	Checks map[string]checkResult `json:"checks,omitempty"`
}

type checkResult struct {
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// healthz says that the process answers, and nothing about what it needs: a
// restart would not bring a store back.
func (s *server) healthz(w http.ResponseWriter, _ *request) error {
	return reply(w, http.StatusOK, health{Status: "ok"})
}

// readyz says whether people may be sent here.
func (s *server) readyz(w http.ResponseWriter, r *request) error {
	state := health{Status: "ok", Checks: map[string]checkResult{}}
	status := http.StatusOK
	for _, check := range s.Checks {
		result := s.ask(r.Context(), check)
		if !result.OK {
			state.Status, status = "not_ready", http.StatusServiceUnavailable
		}
		state.Checks[check.Name] = result
	}
	return reply(w, status, state)
}

func (s *server) ask(ctx context.Context, check Check) checkResult {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	detail, err := check.Ask(ctx)
	if err != nil {
		s.log.WarnContext(ctx, "not ready", "check", check.Name, "err", err)
		return checkResult{Detail: "failed"}
	}
	return checkResult{OK: true, Detail: detail}
}

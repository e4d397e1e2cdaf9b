package delivery

import (
	"net/http"
	"time"
)

// UseTransport lets tests answer without a network.
func (c *Courier) UseTransport(t http.RoundTripper) { c.public.Transport, c.private.Transport = t, t }

// For tests of what is not seen from outside.
var (
	MayDial    = mayDial
	NewClient  = newClient
	Sign       = sign
	Pause      = pause
	RetryAfter = retryAfter
)

// AnswerWithin is how long an answer may take.
const AnswerWithin time.Duration = answerWithin

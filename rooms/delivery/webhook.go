package delivery

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"viop/rooms/attendance"
	"viop/rooms/export"
)

// answer is what came of one request.
type answer struct {
	result     Result
	status     int
	problem    string
	retryAfter time.Duration
	gone       bool // 410
	hopeless   bool // trying again cannot help
}

func withheld(problem string) answer {
	return answer{result: Withheld, problem: problem, hopeless: true}
}

func (a answer) attempt(at time.Time, took time.Duration) Attempt {
	return Attempt{At: attendance.At(at), Result: a.result, Status: a.status, Took: latencyOf(took), Problem: a.problem}
}

// postWebhook sends the thin message of an item: ids and a version, no names.
func (c *Courier) postWebhook(ctx context.Context, a errand, item export.Item) answer {
	body, err := item.Message()
	if err != nil {
		return withheld("The message cannot be written.")
	}
	return c.post(ctx, a.to, a.secrets, item.ID, body)
}

func (c *Courier) post(ctx context.Context, to Destination, secrets Secrets, id string, body []byte) answer {
	keys := secrets.signing(c.now())
	if len(keys) == 0 {
		return answer{result: Withheld, problem: "The webhook has no key."}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return answer{result: Withheld, problem: "The URL cannot be used."}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", userAgent)
	sign(request.Header, keys, id, c.now(), body)
	response, err := c.client(to).Do(request)
	if err != nil {
		return unreached(err)
	}
	defer response.Body.Close()
	// A little is read, so that the connection can be used again. What it says
	// does not matter, nor whether it ever ends: the status has been said.
	defer time.AfterFunc(drainWithin, cancel).Stop()
	_, _ = io.CopyN(io.Discard, response.Body, maxDrain)
	return c.judge(response)
}

const (
	userAgent   = "viop"
	maxDrain    = 4 << 10
	drainWithin = time.Second
)

// judge reads the status: 2xx is success, and nothing else.
func (c *Courier) judge(response *http.Response) answer {
	got := answer{result: Refused, status: response.StatusCode}
	switch code := response.StatusCode; {
	case code >= 200 && code <= 299:
		got.result = Delivered
		return got
	case code >= 300 && code <= 399:
		got.problem = "It redirects. Redirects are not followed: put the right URL in."
	case code == http.StatusGone:
		got.problem = "It says that it is gone. The destination was switched off."
		got.gone = true
	}
	got.retryAfter = retryAfter(response.Header, c.now())
	return got
}

// unreached says why there is no answer, in words of ours: those of others may
// name addresses, and URLs their secrets.
func unreached(err error) answer {
	got := answer{result: Unreached, problem: "The connection failed."}
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, errAddress):
		got.problem = "The URL leads to a private or reserved address, which is not allowed for this destination."
	case errors.As(err, &timeout) && timeout.Timeout():
		got.problem = "It did not answer in time."
	}
	return got
}

package notifier

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/internal/json"
)

// secretStart begins the place of a secret.
const secretStart = "{{secret:"

// Secret is the place of a tenant's secret in a URL, a header's value or a body: the
// host puts the secret in on the way out, and the component never sees it.
func Secret(name string) string {
	return secretStart + name + "}}"
}

// WithoutSecrets is the text with a space in each {{secret:, so that the host does not
// take it for one: labels and annotations come from what is monitored, and must not
// be able to ask for a secret.
func WithoutSecrets(text string) string {
	return strings.ReplaceAll(text, secretStart, "{ {secret:")
}

// Request is a request that the host is to send.
type Request struct {
	Method  string
	URL     string
	Headers sdk.Labels
	Body    []byte
	// Extras are named facts.
	Extras sdk.Labels
}

// Post makes a POST of a body. It refuses what is no URL, as an error of the code
// bad_config. A {{secret:NAME}} in the body is put in: see [WithoutSecrets].
func Post(url string, body []byte) (*Request, error) {
	for _, start := range []string{"http://", "https://", secretStart} {
		if strings.HasPrefix(url, start) {
			return &Request{Method: "POST", URL: url, Body: body}, nil
		}
	}
	return nil, sdk.Errorf(sdk.CodeBadConfig, "url: %q starts with neither http://, https:// nor %s", url, Secret("NAME"))
}

// PostJSON makes a POST of a value as JSON, by the json tags of struct fields. A
// {{secret:NAME}} in the body stays text; a receiver that wants one there gets its
// body with [Post].
func PostJSON(url string, value any) (*Request, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return nil, sdk.Errorf(sdk.CodeBadJSON, "%v", err)
	}
	body = bytes.ReplaceAll(body, []byte(secretStart), []byte(`{\u007bsecret:`))
	request, err := Post(url, body)
	if err != nil {
		return nil, err
	}
	return request.Header("Content-Type", "application/json"), nil
}

// Header adds a header.
func (r *Request) Header(name, value string) *Request {
	r.Headers = append(r.Headers, sdk.L(name, value))
	return r
}

// Response is the answer to a request.
type Response struct {
	Status  int
	Headers sdk.Labels
	// Body has the first bytes of the body, at most 64 KiB.
	Body []byte
	// Extras are named facts.
	Extras sdk.Labels
}

// Header returns the value of a header, and whether it is there. Letter case does
// not matter.
func (r *Response) Header(name string) (string, bool) {
	for _, header := range r.Headers {
		if strings.EqualFold(header.Name, name) {
			return header.Value, true
		}
	}
	return "", false
}

// RetryAfter returns what the header Retry-After says, and whether it is a number of
// seconds. A date says nothing without a clock.
func (r *Response) RetryAfter() (time.Duration, bool) {
	value, _ := r.Header("Retry-After")
	seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
	if err != nil || seconds > uint64(math.MaxInt64/time.Second) {
		return 0, false
	}
	return time.Duration(seconds) * time.Second, true
}

// excerptChars is the most characters of a body that a reason quotes.
const excerptChars = 200

// Excerpt is the start of the body as text, for people.
func (r *Response) Excerpt() string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(r.Body), "\uFFFD"))
	chars := 0
	for at := range text {
		if chars == excerptChars {
			return text[:at]
		}
		chars++
	}
	return text
}

// Disposition is what an answer means.
type Disposition struct {
	// Kind is delivered, retry or failed.
	Kind string
	// RetryAfter is how long to wait at least before the next attempt; nil leaves it
	// to the host.
	RetryAfter *time.Duration
	// Reason says why, for people; empty when delivered.
	Reason string
	// Extras are named facts.
	Extras sdk.Labels
}

// Delivered says that the receiver has it.
func Delivered() Disposition {
	return Disposition{Kind: "delivered"}
}

// Retry says that the receiver could not take it now.
func Retry(reason string) Disposition {
	return Disposition{Kind: "retry", Reason: reason}
}

// After is the same with a least time to wait.
func (d Disposition) After(wait time.Duration) Disposition {
	d.RetryAfter = &wait
	return d
}

// Failed says that trying again would not help.
func Failed(reason string) Disposition {
	return Disposition{Kind: "failed", Reason: reason}
}

// DispositionOf is what an answer means as a rule: 2xx delivered; 408, 429 and 5xx
// retry, after what Retry-After says; all others failed.
func DispositionOf(response *Response) Disposition {
	status := response.Status
	reason := fmt.Sprintf("status %d: %s", status, response.Excerpt())
	switch {
	case status >= 200 && status <= 299:
		return Delivered()
	case status == 408 || status == 429 || status >= 500 && status <= 599:
		retry := Retry(reason)
		if wait, ok := response.RetryAfter(); ok {
			retry = retry.After(wait)
		}
		return retry
	}
	return Failed(reason)
}

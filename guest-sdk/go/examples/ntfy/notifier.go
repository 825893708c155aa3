// The notifier ntfy publishes each alert to a topic of ntfy.
package main

import (
	"cmp"
	"strings"
	"unicode"

	"wasmalert.dev/sdk/notifier"
)

// Config is the receiver's configuration.
type Config struct {
	// URL is where ntfy is.
	URL string `json:"url"`
	// Topic is what subscribers name.
	Topic string `json:"topic"`
}

func init() {
	notifier.Register(notifier.Definition[Config]{
		Name: "ntfy",
		Doc:  "Publishes each alert to a topic of ntfy, with the tenant's secret `ntfy` as its token.",
		ConfigSchema: `{"type": "object", "required": ["url", "topic"], "additionalProperties": false,
			"properties": {"url": {"type": "string"}, "topic": {"type": "string"}}}`,
		Notify: notify,
	})
}

func notify(batch *notifier.Batch, config Config) ([]*notifier.Request, error) {
	var requests []*notifier.Request
	for _, alert := range batch.Alerts {
		request, err := publish(&alert, strings.TrimRight(config.URL, "/")+"/"+config.Topic)
		if err != nil {
			return nil, err
		}
		requests = append(requests, request)
	}
	return requests, nil
}

func publish(alert *notifier.Alert, url string) (*notifier.Request, error) {
	name := alert.Label("alertname")
	text := notifier.WithoutSecrets(cmp.Or(alert.Annotation("summary"), name))
	request, err := notifier.Post(url, []byte(text))
	if err != nil {
		return nil, err
	}
	tag := "white_check_mark"
	if alert.IsFiring() {
		tag = "rotating_light"
	}
	return request.
		Header("Title", inHeader("["+strings.ToUpper(alert.Status)+"] "+name)).
		Header("Priority", priority(alert)).
		Header("Tags", tag).
		Header("Authorization", "Bearer "+notifier.Secret("ntfy")), nil
}

func priority(alert *notifier.Alert) string {
	severity := alert.Label("severity")
	switch {
	case !alert.IsFiring():
		return "low"
	case severity == "page" || severity == "critical":
		return "urgent"
	}
	return "default"
}

// inHeader is the text as a header may have it: control characters become spaces.
func inHeader(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, notifier.WithoutSecrets(text))
}

func main() {}

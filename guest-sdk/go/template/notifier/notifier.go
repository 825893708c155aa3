// The notifier {{name}} posts a line of text for each alert.
package main

import (
	"strings"

	"wasmalert.dev/sdk/notifier"
)

// Config is the receiver's configuration.
type Config struct {
	// URL is where the lines go; it may have {{secret:NAME}} in it.
	URL string `json:"url"`
}

func init() {
	notifier.Register(notifier.Definition[Config]{
		Name: "{{name}}",
		Doc:  "Posts a line of text for each alert.",
		ConfigSchema: `{"type": "object", "required": ["url"], "additionalProperties": false,
			"properties": {"url": {"type": "string"}}}`,
		Notify: notify,
	})
}

func notify(batch *notifier.Batch, config Config) ([]*notifier.Request, error) {
	var lines []string
	for _, alert := range batch.Alerts {
		status := strings.ToUpper(alert.Status)
		lines = append(lines, status+" "+alert.Label("alertname")+": "+alert.Annotation("summary"))
	}
	body := map[string]string{"text": strings.Join(lines, "\n")}
	request, err := notifier.PostJSON(config.URL, body)
	return []*notifier.Request{request}, err
}

func main() {}

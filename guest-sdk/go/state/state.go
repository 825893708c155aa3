// Package state keeps bytes under keys that outlive the evaluation; private to the
// rule, or to the notifier's receiver. Reads see this run's own writes; writes are
// kept only if the run succeeds.
package state

import (
	sdk "wasmalert.dev/sdk"
	"wasmalert.dev/sdk/internal/host"
	"wasmalert.dev/sdk/internal/json"
)

// Get returns the bytes under a key, and whether there are any.
func Get(key string) ([]byte, bool) {
	return host.GetState(key)
}

// Set sets the bytes under a key. It traps over the limits on keys and bytes.
func Set(key string, value []byte) {
	host.SetState(key, value)
}

// Delete removes a key; nothing happens where there is none.
func Delete(key string) {
	host.DeleteState(key)
}

// Keys returns the keys that start with a prefix, sorted.
func Keys(prefix string) []string {
	return host.StateKeys(prefix)
}

// Load reads what [Save] has put under a key into the value that a pointer points
// at, and says whether there was anything. Where there was nothing, the value stays
// as it was. Fields that the type no longer has are skipped.
func Load(key string, value any) (bool, error) {
	bytes, ok := Get(key)
	if !ok {
		return false, nil
	}
	return true, explain(key, json.Unmarshal(string(bytes), value))
}

// Save sets the value under a key, as JSON.
func Save(key string, value any) error {
	bytes, err := json.Marshal(value)
	if err != nil {
		return explain(key, err)
	}
	Set(key, bytes)
	return nil
}

func explain(key string, err error) error {
	if err == nil {
		return nil
	}
	return sdk.Errorf(sdk.CodeBadJSON, "the state under %q: %v", key, err)
}

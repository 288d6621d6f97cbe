package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"earshot/cmd/earshot/config"
	"earshot/crm/token"
)

// secret returns a secret of the settings: the value, or what the file holds
// without the blanks around it. "" when there is neither. Errors name the key.
func secret(key, value, file string) (string, error) {
	if file == "" {
		return value, nil
	}
	if value != "" {
		return "", fmt.Errorf("%s: set it or %s_file, not both", key, key)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read %s_file: %w", key, err)
	}
	value = strings.TrimSpace(string(raw))
	if value == "" {
		return "", fmt.Errorf("%s_file: %s is empty", key, file)
	}
	return value, nil
}

// tokenStore is where connectors keep refresh tokens.
func tokenStore(cfg config.Config) *token.Store {
	return token.NewStore(filepath.Join(cfg.Data.Dir, "tokens"))
}

// closers give back what something holds.
type closers []func()

func (list closers) close() {
	for _, c := range list {
		c()
	}
}

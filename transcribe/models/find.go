package models

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Find returns the models folder: the configured one if there is one, else
// the first that exists of models/dist below the working directory, below the
// folder above the executable's, and below the nearest folder upwards that
// has a go.mod. It does not look into the files; see [Verify].
func Find(configured string) (string, error) {
	tried := candidates(configured)
	for _, dir := range tried {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir, nil
		}
	}
	return "", fmt.Errorf("speech models (looked in %s): %w", strings.Join(tried, ", "), ErrMissing)
}

func candidates(configured string) []string {
	if configured != "" {
		return []string{configured}
	}
	below := filepath.Join("models", "dist")
	var dirs []string
	wd, wdErr := os.Getwd()
	if wdErr == nil {
		dirs = append(dirs, filepath.Join(wd, below))
	}
	if exe, err := os.Executable(); err == nil {
		dirs = append(dirs, filepath.Join(filepath.Dir(filepath.Dir(exe)), below))
	}
	if root, ok := moduleRoot(wd); wdErr == nil && ok && root != wd {
		dirs = append(dirs, filepath.Join(root, below))
	}
	return dirs
}

// moduleRoot returns the nearest folder upwards of dir with a go.mod.
func moduleRoot(dir string) (string, bool) {
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", false
		}
		dir = up
	}
}

package models

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// Install makes the models folder to of the packages in from, a node_modules
// folder. A file that is right already is left alone; one that is written
// appears under its name only when it is whole and checked.
func Install(from, to string, log *slog.Logger) error {
	if _, err := lookup(Library); err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("install models: %w", err)
	}
	for _, f := range files() {
		if f.check(to) == nil {
			continue
		}
		if err := f.install(from, to); err != nil {
			return fmt.Errorf("install models: %w", err)
		}
		log.Info("model installed", "file", f.name, "bytes", f.size)
	}
	return nil
}

// install writes one file next to its place, checks it and renames it.
func (f file) install(from, to string) error {
	raw, err := os.ReadFile(filepath.Join(from, filepath.FromSlash(f.from)))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: not in %s: run `npm ci --ignore-scripts` in models", f.from, from)
	}
	if err != nil {
		return err
	}
	if f.convert != nil {
		if raw, err = f.convert(raw); err != nil {
			return fmt.Errorf("convert %s: %w", f.from, err)
		}
	}
	tmp, err := os.MkdirTemp(to, ".install-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := writeSynced(filepath.Join(tmp, f.name), raw); err != nil {
		return err
	}
	if err := f.check(tmp); err != nil {
		return err
	}
	return os.Rename(filepath.Join(tmp, f.name), filepath.Join(to, f.name))
}

func writeSynced(path string, raw []byte) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	n, err := out.Write(raw)
	if err == nil && n < len(raw) {
		err = io.ErrShortWrite
	}
	return errors.Join(err, out.Sync(), out.Close())
}

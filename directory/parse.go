package directory

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"earshot"
)

// maxFile bounds a file of the directory, in bytes.
const maxFile = 32 << 20

// LineError says where in a file something can't be used.
type LineError struct {
	File string
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

func (e *LineError) Unwrap() error { return e.Err }

// lines are where the entries stand, by kind and place in their list.
type lines map[earshot.DirectoryKind][]int

// ReadFile reads a directory from a .yaml, .yml or .csv file. What can't be used
// is a *[LineError].
func ReadFile(name string) (earshot.Directory, error) {
	var parse func(string, []byte) (earshot.Directory, lines, error)
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
		parse = parseYAML
	case ".csv":
		parse = parseCSV
	default:
		return earshot.Directory{}, fmt.Errorf("read directory: %s ends in neither .yaml nor .csv", name)
	}
	raw, err := readAll(name)
	if err != nil {
		return earshot.Directory{}, fmt.Errorf("read directory: %w", err)
	}
	d, at, err := parse(name, raw)
	if err != nil {
		return earshot.Directory{}, fmt.Errorf("read directory: %w", err)
	}
	if err := d.Check(); err != nil {
		return earshot.Directory{}, fmt.Errorf("read directory: %w", at.locate(name, err))
	}
	return d, nil
}

func readAll(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(raw) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB", name, maxFile>>20)
	}
	return raw, err
}

// locate adds the line to an error of [earshot.Directory.Check].
func (l lines) locate(file string, err error) error {
	if e, ok := errors.AsType[*earshot.DirectoryError](err); ok && e.Index < len(l[e.Kind]) {
		return &LineError{file, l[e.Kind][e.Index], err}
	}
	return err
}

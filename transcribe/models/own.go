package models

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Sums is the file of a folder with speech models of its own: their SHA-256,
// as sha256sum prints them. Whatever it does not name is the built-in file.
const Sums = "SHA256SUMS"

// ErrOwn says that a folder with models of its own is not what its SHA256SUMS
// says.
var ErrOwn = errors.New("not as " + Sums + " says: copy the models again")

// resolve returns the entry of a file and the folder it is in.
func resolve(dir, name string) (file, string, error) {
	f, err := lookup(name)
	if err != nil {
		return file{}, "", err
	}
	own, err := readSums(dir)
	if err != nil || own == nil {
		return f, dir, err
	}
	if sum, ok := own[name]; ok {
		return file{name: name, sum: sum, own: true}, dir, nil
	}
	if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
		return f, dir, nil
	}
	builtIn, err := Find("")
	return f, builtIn, err
}

// readSums returns the SHA-256 of the models that are the folder's own, nil if
// it has none. An encoder is of no use without its decoder: without both, a
// misspelt name would have the built-in model take its place.
func readSums(dir string) (map[string]string, error) {
	path := filepath.Join(dir, Sums)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	sums := map[string]string{}
	for line := range bytes.Lines(raw) {
		sum, name, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		if b, err := hex.DecodeString(sum); err != nil || len(b) != 32 {
			return nil, fmt.Errorf("model %s: not a list as sha256sum prints it", path)
		}
		sums[strings.TrimLeft(name, " *")] = strings.ToLower(sum)
	}
	for _, name := range []string{Encoder, Decoder} {
		if sums[name] == "" {
			return nil, fmt.Errorf("model %s: it does not name %s", path, name)
		}
	}
	return sums, nil
}

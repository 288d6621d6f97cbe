package models

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ownFolder has two models of its own, which nobody can run.
func ownFolder(t *testing.T) string {
	t.Helper()
	dir, sums := t.TempDir(), ""
	for _, name := range []string{Encoder, Decoder} {
		raw := []byte("my " + name)
		sums += fmt.Sprintf("%X *%s\n", sha256.Sum256(raw), name)
		write(t, dir, name, raw)
	}
	write(t, dir, Sums, []byte(sums))
	return dir
}

func write(t *testing.T, dir, name string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOwnModelsAreRead(t *testing.T) {
	dir := ownFolder(t)
	if err := Verify(dir); err != nil {
		t.Fatal(err)
	}
	if raw, err := Read(dir, Encoder); err != nil || string(raw) != "my "+Encoder {
		t.Errorf("encoder %q, %v", raw, err)
	}
	want, err := Read(installed(t), VAD)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := Read(dir, VAD); err != nil || string(raw) != string(want) {
		t.Errorf("voice detection is not the built-in one: %v", err)
	}
	path, err := Path(dir, Library)
	if want, wantErr := Path(installed(t), Library); err != nil || wantErr != nil || path != want {
		t.Errorf("library %s, %v, want %s, %v", path, err, want, wantErr)
	}
}

func TestOwnModelsMustBeAsListed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(dir string)
		err    error
		want   string
	}{
		"changed": {func(dir string) { write(t, dir, Decoder, []byte("other")) }, ErrOwn, Decoder},
		"missing": {func(dir string) {
			if err := os.Remove(filepath.Join(dir, Encoder)); err != nil {
				t.Fatal(err)
			}
		}, ErrOwn, Encoder},
		"misspelt": {func(dir string) {
			write(t, dir, Sums, fmt.Appendf(nil, "%x  encoder_model.onnx\n", sha256.Sum256(nil)))
		}, nil, "does not name " + Encoder},
		"no list":      {func(dir string) { write(t, dir, Sums, []byte("encoder.onnx\n")) }, nil, "not a list"},
		"not our file": {func(dir string) { write(t, dir, VAD, []byte("other")) }, ErrDamaged, Sums},
	} {
		dir := ownFolder(t)
		c.change(dir)
		err := Verify(dir)
		if err == nil || c.err != nil && !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Package models knows the files of the built-in speech engine: where they
// come from, where they are, and that they are whole. A folder may have speech
// models of its own, see [Sums]. A file is used only
// after its SHA-256 is found right, because ONNX Runtime may end the process
// on a damaged one.
package models

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// The names of the files in a models folder.
const (
	Encoder = "encoder.onnx"
	Decoder = "decoder.onnx"
	Tokens  = "tokens.txt"
	VAD     = "silero_vad_v6.onnx"
	Library = "libonnxruntime.so"
)

// ErrMissing says that a file or the whole folder is not there.
var ErrMissing = errors.New("missing: run `make setup`")

// ErrDamaged says that a file does not have the expected size or checksum, which
// is so for a model of another kind, too.
var ErrDamaged = errors.New("damaged: run `make setup`, or, if it is no model of ours, list it in " + Sums)

// file is one file of the folder and where Install takes it from.
type file struct {
	name string
	// from is the path below node_modules.
	from string
	size int64
	// sum is the SHA-256 of the installed file.
	sum string
	// convert makes the installed file of the package's; nil copies it.
	convert func([]byte) ([]byte, error)
	// own says that it is none of ours: its size is not known, and `make setup`
	// does not bring it back.
	own bool
}

// files returns the table for this processor architecture.
func files() []file {
	const moonshine = "@moonshine-ai/moonshine-js/dist/"
	list := []file{
		{
			name: Encoder, from: moonshine + "model/tiny/quantized/encoder_model.onnx", size: 7937661,
			sum: "c6fc4b7bc5af75c0591fd157a1f3829b533d18e9769a888fd95a62e470dd4f4a",
		},
		{
			name: Decoder, from: moonshine + "model/tiny/quantized/decoder_model_merged.onnx", size: 20243286,
			sum: "eed87831c3a6103534aae7d47a5d485025c659a1323901513961c39fe8a1a367",
		},
		{
			name: Tokens, from: moonshine + "moonshine.min.js", size: 242918,
			sum:     "0f97b4337921e6e7e9b4620fc73338ee570aecd3c16038bc23870a887e995045",
			convert: extractTokens,
		},
		{
			name: VAD, from: "@ricky0123/vad-web/dist/silero_vad_v6.onnx", size: 2327524,
			sum: "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
		},
	}
	switch runtime.GOARCH {
	case "amd64":
		list = append(list, file{
			name: Library, from: "sherpa-onnx-linux-x64/libonnxruntime.so", size: 27026609,
			sum: "4b3607aebd1784b26b6f9b20e4bd974c7ab8287043e4d095cb7d2cb40b5e566e",
		})
	case "arm64":
		list = append(list, file{
			name: Library, from: "sherpa-onnx-linux-arm64/libonnxruntime.so", size: 34606912,
			sum: "cfc800d4438f15e8d9017521326776ca7117d8783cb847ccccc2fc61ac4d540f",
		})
	}
	return list
}

// lookup returns the entry of a name, or an error on an architecture that has
// no such file.
func lookup(name string) (file, error) {
	for _, f := range files() {
		if f.name == name {
			return f, nil
		}
	}
	return file{}, fmt.Errorf("model %s: none for %s/%s", name, runtime.GOOS, runtime.GOARCH)
}

// Verify checks every file of dir and names all that are missing or damaged.
// The errors are ErrMissing, ErrDamaged and ErrOwn.
func Verify(dir string) error {
	if _, err := lookup(Library); err != nil {
		return err
	}
	if _, err := readSums(dir); err != nil {
		return err
	}
	var all []error
	for _, f := range files() {
		f, at, err := resolve(dir, f.name)
		if err == nil {
			err = f.check(at)
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

// check says what is wrong with the installed file.
func (f file) check(dir string) error {
	path := filepath.Join(dir, f.name)
	in, err := os.Open(path)
	if err != nil {
		return f.openError(path, err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return fmt.Errorf("model %s: %w", path, err)
	}
	if err := f.checkSize(path, info.Size()); err != nil {
		return err
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, in); err != nil {
		return fmt.Errorf("model %s: %w", path, err)
	}
	return f.checkSum(path, hash.Sum(nil))
}

func (f file) checkSize(path string, size int64) error {
	if size != f.size && !f.own {
		return fmt.Errorf("model %s: %d bytes instead of %d: %w", path, size, f.size, ErrDamaged)
	}
	return nil
}

func (f file) checkSum(path string, sum []byte) error {
	got := hex.EncodeToString(sum)
	switch {
	case got == f.sum:
		return nil
	case f.own:
		return fmt.Errorf("model %s: SHA-256 %s: %w", path, got, ErrOwn)
	}
	return fmt.Errorf("model %s: SHA-256 %s instead of %s: %w", path, got, f.sum, ErrDamaged)
}

// Read returns the content of a file of dir after checking it. What is
// returned is what was checked.
func Read(dir, name string) ([]byte, error) {
	f, dir, err := resolve(dir, name)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, name)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, f.openError(path, err)
	}
	if err := f.checkSize(path, int64(len(raw))); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	if err := f.checkSum(path, sum[:]); err != nil {
		return nil, err
	}
	return raw, nil
}

// Path returns the path of a file of dir after checking it, for what can only
// be loaded by name.
func Path(dir, name string) (string, error) {
	f, dir, err := resolve(dir, name)
	if err != nil {
		return "", err
	}
	if err := f.check(dir); err != nil {
		return "", err
	}
	return filepath.Abs(filepath.Join(dir, name))
}

func (f file) openError(path string, err error) error {
	switch {
	case !errors.Is(err, fs.ErrNotExist):
	case f.own:
		return fmt.Errorf("model %s: missing: %w", path, ErrOwn)
	default:
		return fmt.Errorf("model %s: %w", path, ErrMissing)
	}
	return fmt.Errorf("model %s: %w", path, err)
}

// Package onnx is the only one that sees ONNX Runtime: it loads the library,
// makes sessions of one thread each and runs them. Whoever calls it has
// checked the library and the models before, because the library may end the
// process on a damaged one; see package models.
package onnx

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// environment is ONNX Runtime's own: there can be one per process, so there
// is one here, and it lives as long as the process.
var environment struct { //nolint:gochecknoglobals // the library's state is one per process
	sync.Mutex
	library string
}

// Load loads the shared library at path. A further call with the same file
// does nothing; one with another file is an error. It is safe for concurrent
// use.
func Load(path string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("load ONNX Runtime: %w", err)
	}
	environment.Lock()
	defer environment.Unlock()
	switch environment.library {
	case path:
		return nil
	case "":
	default:
		return fmt.Errorf("load ONNX Runtime from %s: already loaded from %s", path, environment.library)
	}
	ort.SetSharedLibraryPath(path)
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		return fmt.Errorf("load ONNX Runtime: %w", err)
	}
	environment.library = path
	return nil
}

// Version returns the version of the loaded library.
func Version() string { return ort.GetVersion() }

// Session is one loaded model. Run may be called from many goroutines at a
// time; each call computes on its caller's thread.
type Session struct {
	session         *ort.DynamicAdvancedSession
	inputs, outputs int
}

// NewSession loads a model that has these inputs and outputs. [Load] comes
// first.
func NewSession(model []byte, inputs, outputs []string) (*Session, error) {
	if !ort.IsInitialized() {
		return nil, errors.New("new ONNX session: ONNX Runtime is not loaded")
	}
	options, err := singleThread()
	if err != nil {
		return nil, fmt.Errorf("new ONNX session: %w", err)
	}
	defer options.Destroy() //nolint:errcheck // it only frees
	s, err := ort.NewDynamicAdvancedSessionWithONNXData(model, inputs, outputs, options)
	if err != nil {
		return nil, fmt.Errorf("new ONNX session: %w", err)
	}
	return &Session{session: s, inputs: len(inputs), outputs: len(outputs)}, nil
}

// singleThread makes options by which a run uses its caller's thread alone:
// with two threads a run takes two to three times as long on a busy machine.
func singleThread() (*ort.SessionOptions, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		options.SetIntraOpNumThreads(1),
		options.SetInterOpNumThreads(1),
		options.SetExecutionMode(ort.ExecutionModeSequential),
		options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
	)
	if err != nil {
		return nil, errors.Join(err, options.Destroy())
	}
	return options, nil
}

// Run computes the outputs of the inputs. An output that is the zero Value is
// made by Run and belongs to the caller; any other is written in place.
func (s *Session) Run(inputs, outputs []Value) error {
	if len(inputs) != s.inputs || len(outputs) != s.outputs {
		return fmt.Errorf("run ONNX session: %d inputs and %d outputs instead of %d and %d",
			len(inputs), len(outputs), s.inputs, s.outputs)
	}
	in, out := make([]ort.Value, len(inputs)), make([]ort.Value, len(outputs))
	for i, v := range inputs {
		in[i] = v.value
	}
	for i, v := range outputs {
		out[i] = v.value
	}
	if err := s.session.Run(in, out); err != nil {
		return fmt.Errorf("run ONNX session: %w", err)
	}
	for i := range outputs {
		outputs[i].value = out[i]
	}
	return nil
}

// Close frees the model. No Run may be under way or follow.
func (s *Session) Close() error { return s.session.Destroy() }

package onnx

import (
	"errors"
	"fmt"

	ort "github.com/yalue/onnxruntime_go"
)

// Signature is what a model takes and gives.
type Signature struct {
	Inputs, Outputs []Port
}

// Port is one input or output of a model.
type Port struct {
	Name string
	// Shape has -1 for each dimension that is not fixed.
	Shape []int64
}

// Input returns the input of a name.
func (s Signature) Input(name string) (Port, bool) { return port(s.Inputs, name) }

// Output returns the output of a name.
func (s Signature) Output(name string) (Port, bool) { return port(s.Outputs, name) }

func port(list []Port, name string) (Port, bool) {
	for _, p := range list {
		if p.Name == name {
			return p, true
		}
	}
	return Port{}, false
}

// Inspect returns what a model takes and gives. It takes about as long as
// [NewSession], since the model is loaded for it. [Load] comes first.
func Inspect(model []byte) (Signature, error) {
	if !ort.IsInitialized() {
		return Signature{}, errors.New("inspect ONNX model: ONNX Runtime is not loaded")
	}
	in, out, err := ort.GetInputOutputInfoWithONNXData(model)
	if err != nil {
		return Signature{}, fmt.Errorf("inspect ONNX model: %w", err)
	}
	return Signature{Inputs: ports(in), Outputs: ports(out)}, nil
}

func ports(list []ort.InputOutputInfo) []Port {
	out := make([]Port, len(list))
	for i, info := range list {
		out[i] = Port{Name: info.Name, Shape: info.Dimensions}
	}
	return out
}

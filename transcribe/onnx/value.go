package onnx

import (
	"fmt"

	ort "github.com/yalue/onnxruntime_go"
)

// Value is a tensor. It holds memory of ONNX Runtime until Release; copies of
// a Value are the same tensor.
type Value struct{ value ort.Value }

// Element is a type a tensor may be made of.
type Element interface{ float32 | int64 | bool }

// NewValue makes a tensor over data, which it uses in place and which must
// have at least as many elements as the shape. A shape of no dimensions is a
// scalar, whose value is copied.
func NewValue[T Element](data []T, shape ...int64) (Value, error) {
	if len(shape) == 0 {
		v, err := ort.NewScalar(data[0])
		if err != nil {
			return Value{}, fmt.Errorf("new scalar: %w", err)
		}
		return Value{v}, nil
	}
	v, err := ort.NewTensor(shape, data)
	if err != nil {
		return Value{}, fmt.Errorf("new tensor: %w", err)
	}
	return Value{v}, nil
}

// Floats returns the elements of a float tensor, nil of any other. The slice
// is the tensor's own and good until Release.
func (v Value) Floats() []float32 {
	if t, ok := v.value.(*ort.Tensor[float32]); ok {
		return t.GetData()
	}
	return nil
}

// Shape returns the dimensions.
func (v Value) Shape() []int64 {
	if v.value == nil {
		return nil
	}
	return v.value.GetShape()
}

// Release frees the tensor. Releasing the zero Value does nothing.
func (v *Value) Release() {
	if v.value != nil {
		_ = v.value.Destroy() // never fails
		v.value = nil
	}
}

// ReleaseAll frees the tensors of a slice.
func ReleaseAll(values []Value) {
	for i := range values {
		values[i].Release()
	}
}

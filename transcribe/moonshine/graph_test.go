package moonshine

import (
	"encoding/binary"
	"math"
)

// The models of the tests are written here, field by field of ONNX's protocol
// buffers, in sizes of which no model is at hand.

// message is a protocol buffer.
type message []byte

// The element types of tensors.
const (
	float32Type = 1
	int64Type   = 7
	boolType    = 9
)

func (m message) number(field int, v int64) message {
	m = binary.AppendUvarint(m, uint64(field)<<3)
	return binary.AppendUvarint(m, uint64(v))
}

func (m message) bytes(field int, v []byte) message {
	m = binary.AppendUvarint(m, uint64(field)<<3|2)
	m = binary.AppendUvarint(m, uint64(len(v)))
	return append(m, v...)
}

func (m message) text(field int, v string) message { return m.bytes(field, []byte(v)) }

// graph is a GraphProto.
type graph struct{ message }

func newGraph() *graph { return &graph{message(nil).text(2, "test")} }

func (g *graph) node(op, input, output string, more ...string) {
	n := message(nil).text(1, input)
	for _, in := range more {
		n = n.text(1, in)
	}
	g.message = g.bytes(1, n.text(2, output).text(4, op))
}

func (g *graph) input(name string, element int64, dims ...int64) {
	g.message = g.bytes(11, value(name, element, dims))
}

func (g *graph) output(name string, element int64, dims ...int64) {
	g.message = g.bytes(12, value(name, element, dims))
}

// value is a ValueInfoProto; a dimension below 0 is not fixed.
func value(name string, element int64, dims []int64) message {
	var shape message
	for i, d := range dims {
		dim := message(nil).number(1, d)
		if d < 0 {
			dim = message(nil).text(2, name+string(rune('a'+i)))
		}
		shape = shape.bytes(1, dim)
	}
	tensor := message(nil).number(1, element).bytes(2, shape)
	return message(nil).text(1, name).bytes(2, message(nil).bytes(1, tensor))
}

func (g *graph) floats(name string, data []float32, dims ...int64) {
	var raw []byte
	for _, f := range data {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
	}
	g.initializer(name, float32Type, raw, dims)
}

func (g *graph) ints(name string, data ...int64) {
	var raw []byte
	for _, n := range data {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(n))
	}
	g.initializer(name, int64Type, raw, []int64{int64(len(data))})
}

func (g *graph) initializer(name string, element int64, raw []byte, dims []int64) {
	var tensor message
	for _, d := range dims {
		tensor = tensor.number(1, d)
	}
	g.message = g.bytes(5, tensor.number(2, element).text(8, name).bytes(9, raw))
}

// model is the ModelProto of the graph.
func (g *graph) model() []byte {
	return message(nil).number(1, 8).bytes(7, g.message).bytes(8, message(nil).number(2, 13))
}

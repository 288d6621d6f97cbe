package record

import (
	"sort"

	"earshot"
)

// blockRecords is how many records share one entry of the index: 4 s of 20 ms
// packets, about 40 kB.
const blockRecords = 200

// block is a run of records in a segment file.
type block struct {
	segment  int
	offset   int64
	size     int32
	records  int32
	min, max earshot.Position // of the audio in it
	// reach is the end of the audio in this block and all before it; from is
	// the begin of the audio in this one and all after it. Both never fall from
	// one block to the next, so that a search by position can halve.
	reach, from earshot.Position
}

// index finds records by position. Late packets stand where they arrived; the
// spans of blocks overlap then.
type index struct {
	blocks []block
	start  earshot.Position
	end    earshot.Position
	// packets counts the records.
	packets int64
}

// add enters a record that was appended at offset.
func (x *index) add(segment int, offset int64, size int, p *Packet) {
	x.packets++
	x.start, x.end = min(x.start, p.Position), max(x.end, p.End())
	b := x.last()
	if b == nil || b.segment != segment || b.records == blockRecords || b.offset+int64(b.size) != offset {
		x.blocks = append(x.blocks, block{
			segment: segment, offset: offset,
			min: p.Position, max: p.End(), reach: x.end, from: p.Position,
		})
		b = x.last()
	}
	b.size += int32(size)
	b.records++
	b.min, b.max = min(b.min, p.Position), max(b.max, p.End())
	b.reach = x.end
	for i := len(x.blocks) - 1; i >= 0 && (x.blocks[i].from > p.Position); i-- {
		x.blocks[i].from = p.Position
	}
}

func (x *index) last() *block {
	if len(x.blocks) == 0 {
		return nil
	}
	return &x.blocks[len(x.blocks)-1]
}

// find appends the blocks that may hold packets between two positions.
func (x *index) find(dst []block, from, to earshot.Position) []block {
	i := sort.Search(len(x.blocks), func(i int) bool { return x.blocks[i].reach >= from })
	for ; i < len(x.blocks) && x.blocks[i].from < to; i++ {
		if b := x.blocks[i]; b.min < to && b.max >= from {
			dst = append(dst, b)
		}
	}
	return dst
}

package main

import (
	"bytes"
	"testing"
)

// A message with two elements of field 1, one of them empty, among fields of every wire type.
var body = []byte{
	0x0a, 3, 'a', 'b', 'c', // field 1
	0x10, 0x96, 0x01, // field 2, varint
	0x12, 2, 0x0a, 0x00, // field 2, bytes that look like field 1
	0x19, 1, 2, 3, 4, 5, 6, 7, 8, // field 3, fixed64
	0x25, 1, 2, 3, 4, // field 4, fixed32
	0x0a, 0, // field 1, empty
}

func framed(bodies ...[]byte) []byte {
	var stream []byte
	for _, each := range bodies {
		stream = append(stream, 0, 0, 0, byte(len(each)>>8), byte(len(each)))
		stream = append(stream, each...)
	}
	return stream
}

func TestElementsAreCountedHoweverTheBytesAreCut(t *testing.T) {
	stream := framed(body, nil, body)
	for size := 1; size <= len(stream); size++ {
		s := splitter{field: 1, keep: true}
		ends := 0
		for at := 0; at < len(stream); at += size {
			ended, err := s.feed(stream[at:min(at+size, len(stream))])
			if err != nil {
				t.Fatal(err)
			}
			if ended {
				ends++
			}
		}
		if s.count != 4 || s.messages != 3 || ends == 0 {
			t.Fatalf("cut to %d: %d elements in %d messages", size, s.count, s.messages)
		}
		if !bytes.Equal(s.elements[0], []byte("abc")) || len(s.elements[1]) != 0 {
			t.Fatalf("cut to %d: elements %q", size, s.elements)
		}
	}
}

func TestAMessageOfAnotherShapeIsRefused(t *testing.T) {
	for name, wrong := range map[string][]byte{
		"an element longer than its message": {0x0a, 9, 'a'},
		"a field without a number":           {0x00, 0x01},
		"a group":                            {0x0b},
		"a tag without a value":              {0x08},
		"a varint without an end":            bytes.Repeat([]byte{0xff}, 12),
	} {
		s := splitter{field: 1}
		if _, err := s.feed(framed(wrong)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

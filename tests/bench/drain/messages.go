package main

import "errors"

var errWire = errors.New("what came is not a protobuf message")

// splitter follows a stream of gRPC messages as its bytes come, and counts the elements of one field of each, without
// keeping any of them.
type splitter struct {
	field uint64
	keep  bool // hand over the elements' bytes as well

	head     [5]byte
	headSeen int
	left     int // bytes of the message that are still to come
	skip     int // bytes of the field's value that are still to come

	varint   uint64
	shift    uint
	tag      uint64 // the tag whose varint comes next; 0 where a tag comes next
	element  []byte
	counting bool

	count    int
	messages int
	elements [][]byte
}

const (
	wireVarint = 0
	wireFixed8 = 1
	wireLength = 2
	wireFixed4 = 5
)

// feed takes in what came next. It answers whether a message ended in it.
func (s *splitter) feed(data []byte) (bool, error) {
	ended := false
	for len(data) > 0 {
		if s.headSeen < len(s.head) {
			data = s.readHead(data)
			if s.head[0] != 0 {
				return ended, errors.New("a compressed message came, though none was asked for")
			}
			if s.headSeen < len(s.head) || s.left > 0 {
				continue
			}
		} else {
			taken, err := s.readBody(data)
			if err != nil {
				return ended, err
			}
			data = data[taken:]
		}
		if s.left == 0 {
			if s.skip != 0 || s.tag != 0 || s.shift != 0 {
				return ended, errWire
			}
			s.headSeen, ended = 0, true
			s.messages++
		}
	}
	return ended, nil
}

func (s *splitter) readHead(data []byte) []byte {
	n := copy(s.head[s.headSeen:], data)
	s.headSeen += n
	if s.headSeen == len(s.head) {
		s.left = int(s.head[1])<<24 | int(s.head[2])<<16 | int(s.head[3])<<8 | int(s.head[4])
	}
	return data[n:]
}

// readBody reads a part of a message, at most to its end, and answers how much.
func (s *splitter) readBody(data []byte) (int, error) {
	part := data[:min(len(data), s.left)]
	for at := 0; at < len(part); {
		if s.skip > 0 {
			n := min(s.skip, len(part)-at)
			if s.counting && s.keep {
				s.element = append(s.element, part[at:at+n]...)
			}
			s.skip -= n
			at += n
			s.endElement()
			continue
		}
		if s.shift > 63 {
			return at, errWire
		}
		octet := part[at]
		at++
		s.varint |= uint64(octet&0x7f) << s.shift
		s.shift += 7
		if octet < 0x80 {
			if err := s.took(s.varint); err != nil {
				return at, err
			}
			s.varint, s.shift = 0, 0
		}
	}
	s.left -= len(part)
	return len(part), nil
}

// took takes in a varint: a tag, or what one announced.
func (s *splitter) took(number uint64) error {
	if s.tag == 0 {
		if number>>3 == 0 {
			return errWire
		}
		switch number & 7 {
		case wireVarint, wireLength:
			s.tag = number
		case wireFixed8:
			s.skip = 8
		case wireFixed4:
			s.skip = 4
		default:
			return errWire
		}
		return nil
	}
	if s.tag&7 == wireLength {
		if number > uint64(s.left) {
			return errWire
		}
		s.skip, s.counting = int(number), s.tag>>3 == s.field
		s.tag = 0
		s.endElement()
		return nil
	}
	s.tag = 0
	return nil
}

func (s *splitter) endElement() {
	if s.skip > 0 || !s.counting {
		return
	}
	s.count++
	s.counting = false
	if s.keep {
		s.elements = append(s.elements, s.element)
		s.element = nil
	}
}

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	streamWindow     = 8 << 20
	connectionWindow = 256 << 20
	frameBytes       = 16 << 10
	bufferBytes      = 256 << 10
)

// receiver is what a stream is for: it is told of what comes, by the connection's reader alone.
type receiver interface {
	data(at int64, part []byte) error
	ended(at int64, status int, message string) error
}

type openStream struct {
	receiver receiver
	unacked  uint32
	status   int
	message  string
}

// outgoing is a request that waits until the server has room for it.
type outgoing struct {
	receiver receiver
	method   string
	body     []byte
	last     bool
}

// connection is the least of a gRPC client: one reader that does all the work itself, so that what is measured is the
// server. HTTP/2's framing and header compression are the library's.
type connection struct {
	socket  net.Conn
	reader  *bufio.Reader
	framer  *http2.Framer
	address string

	mu      sync.Mutex // of all below
	writer  *bufio.Writer
	encoder *hpack.Encoder
	block   bytes.Buffer
	streams map[uint32]*openStream
	nextID  uint32
	room    int64 // bytes that the server still takes on this connection
	waiting []outgoing
	unacked uint32
	limit   uint32 // streams that the server allows at a time
	closed  bool

	settled chan struct{} // closed when the server's settings are known
	ended   chan struct{} // closed when the reader has ended
	err     error         // why it ended; nil where it was told to
}

func dial(address string) (*connection, error) {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &connection{
		socket:  socket,
		reader:  bufio.NewReaderSize(socket, bufferBytes),
		writer:  bufio.NewWriterSize(socket, bufferBytes),
		address: address,
		streams: map[uint32]*openStream{},
		nextID:  1,
		room:    65535,
		limit:   1<<32 - 1,
		settled: make(chan struct{}),
		ended:   make(chan struct{}),
	}
	c.framer = http2.NewFramer(c.writer, c.reader)
	c.framer.SetReuseFrames()
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.encoder = hpack.NewEncoder(&c.block)
	if err := c.greet(); err != nil {
		return nil, err
	}
	go func() {
		c.err = c.read()
		close(c.ended)
	}()
	select {
	case <-c.settled:
		return c, nil
	case <-c.ended:
		return nil, fmt.Errorf("%s: %w", address, c.err)
	}
}

func (c *connection) greet() error {
	c.writer.WriteString(http2.ClientPreface)
	c.framer.WriteSettings(
		http2.Setting{ID: http2.SettingEnablePush, Val: 0},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: streamWindow},
	)
	c.framer.WriteWindowUpdate(0, connectionWindow)
	return c.writer.Flush()
}

// start sends a request; `last` says that no other follows on its stream. flush must follow before long.
func (c *connection) start(request outgoing) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	if len(c.waiting) > 0 || c.room < int64(len(request.body)+5) {
		c.waiting = append(c.waiting, request)
		return nil
	}
	return c.write(request)
}

func (c *connection) write(request outgoing) error {
	if uint32(len(c.streams)) >= c.limit {
		return fmt.Errorf("%s allows %d streams at a time on a connection", c.address, c.limit)
	}
	c.block.Reset()
	for _, field := range [...][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", request.method}, {":authority", c.address},
		{"content-type", "application/grpc"}, {"user-agent", "drain"}, {"te", "trailers"},
	} {
		c.encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	id := c.nextID
	c.nextID += 2
	c.streams[id] = &openStream{receiver: request.receiver}
	header := http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block.Bytes(), EndHeaders: true}
	if err := c.framer.WriteHeaders(header); err != nil {
		return err
	}
	size := len(request.body)
	c.room -= int64(size + 5)
	rest := append([]byte{0, byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}, request.body...)
	for len(rest) > frameBytes {
		if err := c.framer.WriteData(id, false, rest[:frameBytes]); err != nil {
			return err
		}
		rest = rest[frameBytes:]
	}
	return c.framer.WriteData(id, request.last, rest)
}

func (c *connection) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writer.Flush()
}

func (c *connection) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.socket.Close()
}

func (c *connection) read() error {
	for {
		frame, err := c.framer.ReadFrame()
		if err == nil {
			err = c.take(frame)
		}
		if err == nil && c.reader.Buffered() == 0 {
			err = c.flush()
		}
		if err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.closed {
				return nil
			}
			return err
		}
	}
}

func (c *connection) take(frame http2.Frame) error {
	switch frame := frame.(type) {
	case *http2.DataFrame:
		return c.takeData(frame)
	case *http2.MetaHeadersFrame:
		return c.takeHeaders(frame)
	case *http2.SettingsFrame:
		return c.takeSettings(frame)
	case *http2.WindowUpdateFrame:
		return c.takeRoom(frame)
	case *http2.PingFrame:
		if !frame.IsAck() {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.framer.WritePing(true, frame.Data)
		}
	case *http2.RSTStreamFrame:
		return fmt.Errorf("a stream was reset: %v", frame.ErrCode)
	case *http2.GoAwayFrame:
		return fmt.Errorf("the server went away: %v %s", frame.ErrCode, frame.DebugData())
	}
	return nil
}

func (c *connection) takeData(frame *http2.DataFrame) error {
	at := time.Now().UnixNano()
	stream, err := c.acknowledge(frame)
	if err != nil {
		return err
	}
	return stream.receiver.data(at, frame.Data())
}

// acknowledge gives the server as much room again as it used, not at each frame but at each quarter of a window.
func (c *connection) acknowledge(frame *http2.DataFrame) (*openStream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stream := c.streams[frame.StreamID]
	if stream == nil {
		return nil, fmt.Errorf("data came for stream %d, which is not open", frame.StreamID)
	}
	c.unacked += frame.Length
	stream.unacked += frame.Length
	if c.unacked > connectionWindow/4 {
		if err := c.framer.WriteWindowUpdate(0, c.unacked); err != nil {
			return nil, err
		}
		c.unacked = 0
	}
	if stream.unacked > streamWindow/4 {
		if err := c.framer.WriteWindowUpdate(frame.StreamID, stream.unacked); err != nil {
			return nil, err
		}
		stream.unacked = 0
	}
	return stream, nil
}

func (c *connection) takeHeaders(frame *http2.MetaHeadersFrame) error {
	at := time.Now().UnixNano()
	c.mu.Lock()
	stream := c.streams[frame.StreamID]
	if frame.StreamEnded() {
		delete(c.streams, frame.StreamID)
	}
	c.mu.Unlock()
	if stream == nil || !frame.StreamEnded() {
		return nil
	}
	status, message := -1, ""
	for _, field := range frame.Fields {
		switch field.Name {
		case "grpc-status":
			if number, err := strconv.Atoi(field.Value); err == nil {
				status = number
			}
		case "grpc-message":
			message = field.Value
		}
	}
	return stream.receiver.ended(at, status, message)
}

func (c *connection) takeSettings(frame *http2.SettingsFrame) error {
	if frame.IsAck() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if value, ok := frame.Value(http2.SettingMaxConcurrentStreams); ok {
		c.limit = value
	}
	select {
	case <-c.settled:
	default:
		close(c.settled)
	}
	return errors.Join(c.framer.WriteSettingsAck(), c.writer.Flush())
}

func (c *connection) takeRoom(frame *http2.WindowUpdateFrame) error {
	if frame.StreamID != 0 {
		return nil // a request is smaller than a stream's first window
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.room += int64(frame.Increment)
	for len(c.waiting) > 0 && c.room >= int64(len(c.waiting[0].body)+5) {
		if err := c.write(c.waiting[0]); err != nil {
			return err
		}
		c.waiting = c.waiting[1:]
	}
	return nil
}

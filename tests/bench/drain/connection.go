package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"sync"

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

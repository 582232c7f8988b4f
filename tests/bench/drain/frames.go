package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/net/http2"
)

// read takes in frames until the connection ends.
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
		return nil // a stream needs none: see bodyBytes
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

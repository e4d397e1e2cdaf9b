// Package wire is the viop.v1 protocol: what a browser and the server say to
// each other over one WebSocket. It is pure: bytes in, structs out, and back.
//
// schema/viop.v1.json is the source of truth. There is one struct per message,
// and the tests hold structs and schema together both ways: names, required
// fields, words and limits. The client's TypeScript types are generated from
// the same schema, and both sides decode the same corpus (testdata/README.md).
//
// A frame is one JSON object {"t","id","seq","ack","d"}. How the parts are
// meant:
//
//   - id is chosen by the sender of a command. A command with an id is answered
//     by exactly one frame with that id: its own answer, result or error. A
//     command without one is carried out in silence.
//   - seq numbers what must not be lost, from 1, in each direction for itself.
//     A receiver ignores a number it has seen. welcome, resumed, speakers and bye
//     carry none. welcome starts both numberings anew; resumed goes on with
//     them, except that a fresh page counts its own from 1.
//   - ack is the last seq received, on any frame.
//
// How frames are read, beyond the schema: names are exact ("T" is not "t"),
// unknown fields are ignored, an unknown type is an *UnknownTypeError and not
// the end, null is never a value, whole numbers are written as such (1, not 1.0)
// and stay below 2^53 (RFC 7493 §2.2), lengths count code points.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
)

const (
	// Subprotocol is what both sides name in Sec-WebSocket-Protocol.
	Subprotocol = "viop.v1"
	// Version is the one in hello.versions and welcome.version.
	Version = 1
	// MaxFrame bounds a frame in bytes. The largest is the offer of a full
	// room: some 30 sections of 2 KiB.
	MaxFrame = 256 << 10
)

// ClientMessage is what a browser may say; the set is closed.
type ClientMessage interface {
	// Type is the frame's "t".
	Type() string
	client()
}

// ServerMessage is what the server may say; the set is closed.
type ServerMessage interface {
	// Type is the frame's "t".
	Type() string
	server()
}

// ClientFrame is one frame from a browser. Msg holds the struct itself, never
// a pointer.
type ClientFrame struct {
	ID  string
	Seq int64
	Ack int64
	Msg ClientMessage
}

// ServerFrame is one frame from the server. Msg holds the struct itself, never
// a pointer.
type ServerFrame struct {
	ID  string
	Seq int64
	Ack int64
	Msg ServerMessage
}

// Decode reads a client's frame. Whatever the error, the frame holds as much
// of the envelope as was understood, so that the answer can carry its id.
//
// Errors: ErrTooLarge, ErrNotJSON, *FieldError, *UnknownTypeError.
func Decode(b []byte) (ClientFrame, error) {
	e, err := openEnvelope(b)
	f := ClientFrame{ID: e.ID, Seq: e.Seq, Ack: e.Ack}
	if err != nil {
		return f, err
	}
	for _, m := range clientMessages() {
		if m.Type() == e.T {
			f.Msg, err = readMessage(m, e.D)
			return f, err
		}
	}
	return f, &UnknownTypeError{ID: e.ID, Type: clip(e.T)}
}

// DecodeServer reads a server's frame, as a load generator or a test does.
// Errors are those of Decode.
func DecodeServer(b []byte) (ServerFrame, error) {
	e, err := openEnvelope(b)
	f := ServerFrame{ID: e.ID, Seq: e.Seq, Ack: e.Ack}
	if err != nil {
		return f, err
	}
	for _, m := range serverMessages() {
		if m.Type() == e.T {
			f.Msg, err = readMessage(m, e.D)
			return f, err
		}
	}
	return f, &UnknownTypeError{ID: e.ID, Type: clip(e.T)}
}

// Append adds a server's frame to b. It checks no limits: the server keeps
// them, and tests decode what it sends.
func Append(b []byte, f ServerFrame) ([]byte, error) {
	if f.Msg == nil {
		return b, errNoMessage
	}
	return appendEnvelope(b, sealed{f.Msg.Type(), f.ID, f.Seq, f.Ack, f.Msg})
}

// AppendClient adds a client's frame to b, as a load generator or a test does.
func AppendClient(b []byte, f ClientFrame) ([]byte, error) {
	if f.Msg == nil {
		return b, errNoMessage
	}
	return appendEnvelope(b, sealed{f.Msg.Type(), f.ID, f.Seq, f.Ack, f.Msg})
}

var errNoMessage = errors.New("the frame has no message")

// sealed is a frame on its way out.
type sealed struct {
	T   string `json:"t"`
	ID  string `json:"id,omitempty"`
	Seq int64  `json:"seq,omitempty"`
	Ack int64  `json:"ack,omitempty"`
	D   any    `json:"d"`
}

func appendEnvelope(b []byte, s sealed) ([]byte, error) {
	buf := bytes.NewBuffer(b)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false) // SDP and names are not HTML; the page never treats them as such
	if err := enc.Encode(s); err != nil {
		return b, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

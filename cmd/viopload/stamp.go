package main

import "encoding/binary"

// stamp is the end of every payload. The server rewrites what stands at the
// beginning (the VP8 descriptor, whose length may change), so the stamp is
// read from behind.
type stamp struct {
	room, person int
	video        bool
	keyframe     bool   // the first packet of one
	number       uint32 // of this person's packets of this kind, from 0
	at           int64  // when it was sent, by the process's clock
}

const (
	stampBytes = 24
	stampMagic = 0x76696f70 // "viop"

	flagVideo    = 1
	flagKeyframe = 2
)

// put writes the stamp into the last bytes of payload, which must hold it.
func (s stamp) put(payload []byte) {
	b := payload[len(payload)-stampBytes:]
	var flags uint16
	if s.video {
		flags |= flagVideo
	}
	if s.keyframe {
		flags |= flagKeyframe
	}
	binary.BigEndian.PutUint32(b, stampMagic)
	binary.BigEndian.PutUint16(b[4:], uint16(s.room))
	binary.BigEndian.PutUint16(b[6:], uint16(s.person))
	binary.BigEndian.PutUint16(b[8:], flags)
	binary.BigEndian.PutUint16(b[10:], 0)
	binary.BigEndian.PutUint32(b[12:], s.number)
	binary.BigEndian.PutUint64(b[16:], uint64(s.at))
}

// readStamp of a plain packet; false when there is none.
func readStamp(packet []byte) (stamp, bool) {
	if len(packet) < stampBytes {
		return stamp{}, false
	}
	b := packet[len(packet)-stampBytes:]
	if binary.BigEndian.Uint32(b) != stampMagic {
		return stamp{}, false
	}
	flags := binary.BigEndian.Uint16(b[8:])
	return stamp{
		room: int(binary.BigEndian.Uint16(b[4:])), person: int(binary.BigEndian.Uint16(b[6:])),
		video: flags&flagVideo != 0, keyframe: flags&flagKeyframe != 0,
		number: binary.BigEndian.Uint32(b[12:]), at: int64(binary.BigEndian.Uint64(b[16:])),
	}, true
}

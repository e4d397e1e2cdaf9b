package feedback

import (
	"encoding/binary"
	"slices"
)

// Recorder notes when packets came, by their transport wide numbers, and makes
// TWCC of it. Every number is told of once; where one comes late, it and those
// after it are told once more, as libwebrtc does. The zero value has noted
// nothing.
type Recorder struct {
	begun     bool
	news      bool             // something came that has not been told
	media     uint32           // of the newest packet
	next, end uint64           // the first number to tell of, and the one after the highest
	came      [remembers]int64 // ticks, by number; of the last before end
	symbols   [remembers]uint8 // scratch of Append
	count     uint8            // of what was made
}

const (
	// remembers is how many numbers, more than browsers send in half a second.
	// What comes later is not told.
	remembers = 1024
	// numbersFrom is where numbers begin, far from zero: there may be earlier ones.
	numbersFrom = 1 << 32
	never       = -1
)

// Record the arrival of a stream's packet; nanoseconds.
func (r *Recorder) Record(media uint32, number uint16, at int64) {
	if !r.begun {
		r.begun, r.next = true, numbersFrom+uint64(number)
		r.end = r.next
		for i := range r.came {
			r.came[i] = never
		}
	}
	n := r.end + uint64(int64(int16(number-uint16(r.end))))
	if n+remembers <= r.end || n < r.end && r.came[n%remembers] != never {
		return
	}
	if n >= r.end {
		for i := max(r.end, n+1-remembers); i < n; i++ {
			r.came[i%remembers] = never
		}
		r.end = n + 1
	}
	r.came[n%remembers] = at / tick
	r.next = max(min(r.next, n), r.end-remembers)
	r.media, r.news = media, true
}

// Append a TWCC of what has not been told, or of as much as one can tell; false
// when there is nothing more.
func (r *Recorder) Append(b []byte, sender uint32) ([]byte, bool) {
	first := r.next
	for r.news && first < r.end && r.came[first%remembers] == never {
		first++
	}
	if !r.news || first == r.end {
		return b, false
	}
	unit := r.came[first%remembers] / ticksPerUnit
	symbols := r.classify(unit * ticksPerUnit)
	begin := len(b)
	b = appendHeader(b, formatTWCC, typeTransport, 0)
	b = binary.BigEndian.AppendUint32(b, sender)
	b = binary.BigEndian.AppendUint32(b, r.media)
	b = binary.BigEndian.AppendUint16(b, uint16(r.next))
	b = binary.BigEndian.AppendUint16(b, uint16(len(symbols)))
	b = binary.BigEndian.AppendUint32(b, uint32(unit)<<8|uint32(r.count))
	b = appendChunks(b, symbols)
	b = r.appendDeltas(b, symbols, unit*ticksPerUnit)
	r.count++
	r.next += uint64(len(symbols))
	r.news = r.next < r.end
	return finish(b, begin), true
}

// classify what is told of in one packet: until it is full, or a time is too far
// from the one before it.
func (r *Recorder) classify(last int64) []uint8 {
	const full = MostBytes / 2 // what else is said goes along
	n := 0
	for size := arrivalsAt; n < int(r.end-r.next) && size+2*(n/7+1) < full; n++ {
		at := r.came[(r.next+uint64(n))%remembers]
		r.symbols[n] = notReceived
		if at == never {
			continue
		}
		switch d := at - last; {
		case d >= 0 && d < 256:
			r.symbols[n] = smallDelta
			size++
		case d == int64(int16(d)):
			r.symbols[n] = largeDelta
			size += 2
		default:
			return r.symbols[:n]
		}
		last = at
	}
	return r.symbols[:n]
}

func (r *Recorder) appendDeltas(b []byte, symbols []uint8, last int64) []byte {
	for i, s := range symbols {
		if s == notReceived {
			continue
		}
		at := r.came[(r.next+uint64(i))%remembers]
		if s == smallDelta {
			b = append(b, byte(at-last))
		} else {
			b = binary.BigEndian.AppendUint16(b, uint16(at-last))
		}
		last = at
	}
	return b
}

// appendChunks takes, each time, what says the most.
func appendChunks(b []byte, symbols []uint8) []byte {
	for len(symbols) > 0 {
		run := 1
		for run < len(symbols) && run < longest && symbols[run] == symbols[0] {
			run++
		}
		next := symbols[:min(len(symbols), 14)]
		large := slices.Contains(next, largeDelta)
		var c chunk
		switch {
		case run >= len(next) || large && run >= 7:
			c = chunk(symbols[0])<<13 | chunk(run)
		case large:
			c = vector | twoBits
			for i, s := range next[:min(len(next), 7)] {
				c |= chunk(s) << (12 - 2*i)
			}
		default:
			c = vector
			for i, s := range next {
				c |= chunk(s) << (13 - i)
			}
		}
		b = binary.BigEndian.AppendUint16(b, uint16(c))
		symbols = symbols[min(c.len(), len(symbols)):]
	}
	return b
}

package plane

// outbox holds a turn's sealed packets until they leave.
type outbox struct {
	arena   []byte
	used    int
	entries []entry
	lanes   []*Lane // with entries, in order of their first
	flushes uint64
	groups  []group // scratch of flush
}

// entry is one sealed packet.
type entry struct {
	at, size int32
	next     int32 // of its lane, plus one
	stream   *sealed
	join     int32 // of its group, plus one
}

// group is one message: entries of one size, the last may be shorter.
type group struct {
	first, last  int32 // entries, plus one
	segment      int32
	bytes, count int32
	closed       bool
	stream       *sealed // of the last
}

const (
	arenaSize   = 1 << 20
	mostEntries = 2048
	// Of one message: UDP_SEGMENT's limit, and what an IP packet holds.
	mostSegments = 60
	mostBytes    = 64000
)

// room for a packet of exactly so many bytes; nil when it is larger than any.
func (o *outbox) room(size int, c *Counts) []byte {
	if o.arena == nil {
		o.arena = make([]byte, arenaSize)
		o.entries = make([]entry, 0, mostEntries)
	}
	if size > maxDatagram {
		return nil
	}
	if len(o.arena)-o.used < size || len(o.entries) == mostEntries {
		o.flush(c)
	}
	return o.arena[o.used : o.used+size : o.used+size]
}

// put what was built in room.
func (o *outbox) put(l *Lane, s *sealed, size int) {
	o.entries = append(o.entries, entry{at: int32(o.used), size: int32(size), stream: s})
	o.used += size
	n := int32(len(o.entries))
	if l.first == 0 {
		l.first = n
		o.lanes = append(o.lanes, l)
	} else {
		o.entries[l.last-1].next = n
	}
	l.last = n
}

// flush sends everything, a lane's packets of each stream in their order.
func (o *outbox) flush(c *Counts) {
	if len(o.lanes) == 0 {
		return
	}
	o.flushes++
	for _, l := range o.lanes {
		if l.aim.socket == nil {
			o.detour(l, c)
		} else {
			o.merge(l)
			l.aim.socket.send(o, l, c)
		}
		l.first, l.last = 0, 0
	}
	for _, l := range o.lanes {
		if l.aim.socket != nil {
			l.aim.socket.flush(c)
		}
	}
	clear(o.lanes)
	o.lanes, o.entries, o.used = o.lanes[:0], o.entries[:0], 0
}

// detour sends one by one.
func (o *outbox) detour(l *Lane, c *Counts) {
	for n := l.first; n != 0; n = o.entries[n-1].next {
		c.Messages++
		c.Calls++
		if _, err := l.aim.detour.Write(o.bytes(&o.entries[n-1])); err != nil {
			c.Unsent++
		}
	}
}

func (o *outbox) bytes(e *entry) []byte { return o.arena[e.at : e.at+e.size] }

// merge a lane's packets into groups. A packet joins a group of its size, or
// ends its own stream's with a shorter one, but never overtakes its stream.
func (o *outbox) merge(l *Lane) {
	o.groups = o.groups[:0]
	for n := l.first; n != 0; n = o.entries[n-1].next {
		e := &o.entries[n-1]
		e.join = 0
		g := o.group(e)
		if g < 0 || !l.aim.socket.merges() {
			g = len(o.groups)
			o.groups = append(o.groups, group{first: n, segment: e.size})
		} else {
			o.entries[o.groups[g].last-1].join = n
		}
		at := &o.groups[g]
		at.last, at.stream = n, e.stream
		at.bytes += e.size
		at.count++
		at.closed = e.size < at.segment
		e.stream.flush, e.stream.message = o.flushes, int32(g)
	}
}

// group a packet may join, or -1.
func (o *outbox) group(e *entry) int {
	from := 0
	if e.stream.flush == o.flushes {
		from = int(e.stream.message)
	}
	for i := len(o.groups) - 1; i >= from; i-- {
		g := &o.groups[i]
		if g.closed || g.count == mostSegments || g.bytes+e.size > mostBytes {
			continue
		}
		if g.segment == e.size || g.segment > e.size && g.stream == e.stream {
			return i
		}
	}
	return -1
}

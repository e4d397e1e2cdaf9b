package redisstore

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// link is one hash of a chain.
type link [sha256.Size]byte

func (l link) String() string { return hex.EncodeToString(l[:]) }

// genesis is the hash before the first entry of a stream. It names the stream,
// so that a whole log cannot be moved to another session or epoch.
func genesis(s stream) link {
	return sha256.Sum256([]byte("viop.evidence/1\x00" + string(s.session) + "\x00" +
		string(s.kind) + "\x00" + strconv.Itoa(s.epoch)))
}

// next is the hash of an entry that follows prev: sha256 of the 32 bytes of
// prev and the bytes of the entry as stored.
func (l link) next(entry string) link {
	b := make([]byte, 0, len(l)+len(entry))
	return sha256.Sum256(append(append(b, l[:]...), entry...))
}

// chain numbers the entries of a stream. It belongs to one goroutine at a time.
type chain struct {
	seq  int // of the last entry
	head link
}

func newChain(s stream) chain { return chain{seq: s.kind.firstSeq() - 1, head: genesis(s)} }

// add takes the next number and hash for what make writes for that number.
func (c *chain) add(k kind, make func(seq int) (string, error)) (item, error) {
	entry, err := make(c.seq + 1)
	if err != nil {
		return item{}, err
	}
	before := c.head
	c.seq, c.head = c.seq+1, before.next(entry)
	return item{Kind: k, Seq: c.seq, Entry: entry, Hash: c.head.String(), Before: before.String()}, nil
}

// seqOf reads the number of a head as the key heads keeps it: "<seq> <hash>".
func seqOf(head string) int {
	number, _, _ := strings.Cut(head, " ")
	seq, _ := strconv.Atoi(number)
	return seq
}

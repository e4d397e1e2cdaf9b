//go:build linux

// Command impair is a bad line between two network namespaces, for tests on
// machines whose kernel has no netem: it joins them by TUN devices and delays,
// drops, shapes or filters the IP packets between. Needs root.
//
// Lines on its standard input change the line while it runs: "delay=80ms
// jitter=20ms loss=0.05 rate=300000 moved=1000 noudp". What is not named is off.
// Rate is of the way from the second to the first, in bit/s. Moved is what a
// translator (NAT) that forgets does: packets of UDP leave the first from ports
// so much higher than before, and what comes to the old ones is lost.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// line is what the line does to packets; immutable.
type line struct {
	delay, jitter time.Duration
	loss, rate    float64
	moved         uint16
	noUDP         bool
}

func parse(text string) (line, error) {
	var l line
	var errs []error
	for _, word := range strings.Fields(text) {
		key, value, _ := strings.Cut(word, "=")
		var err error
		switch key {
		case "delay":
			l.delay, err = time.ParseDuration(value)
		case "jitter":
			l.jitter, err = time.ParseDuration(value)
		case "loss":
			l.loss, err = strconv.ParseFloat(value, 64)
		case "rate":
			l.rate, err = strconv.ParseFloat(value, 64)
		case "moved":
			var by uint64
			by, err = strconv.ParseUint(value, 10, 16)
			l.moved = uint16(by)
		case "noudp":
			l.noUDP = true
		default:
			err = fmt.Errorf("%q is not known", word)
		}
		errs = append(errs, err)
	}
	return l, errors.Join(errs...)
}

// tun opens a device, "namespace,device" or ",device" of this namespace. The
// thread stays there and ends with its goroutine.
func tun(spec string) (*os.File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened)
	go func() {
		runtime.LockOSThread()
		f, err := enter(spec)
		done <- opened{f, err}
	}()
	o := <-done
	return o.file, o.err
}

func enter(spec string) (*os.File, error) {
	namespace, device, _ := strings.Cut(spec, ",")
	if namespace == "" {
		return attach(device)
	}
	ns, err := unix.Open("/run/netns/"+namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("namespace %s: %w", namespace, err)
	}
	defer func() { _ = unix.Close(ns) }()
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("enter %s: %w", namespace, err)
	}
	return attach(device)
}

func attach(device string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open tun: %w", err)
	}
	request, err := unix.NewIfreq(device)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return nil, fmt.Errorf("attach to %s: %w", device, err)
	}
	return os.NewFile(uintptr(fd), device), nil // not blocking, so Go's poller has it
}

const (
	queueMost = 200 * time.Millisecond
	protoUDP  = 17
)

type packet struct {
	at time.Time
	b  []byte
}

// translator gives UDP packets other ports outside than they have inside.
type translator struct{ inside sync.Map } // ports seen there

// out moves the source port of a packet on its way out.
func (t *translator) out(p []byte, by uint16) bool {
	if udp := datagram(p); udp != nil {
		port := binary.BigEndian.Uint16(udp)
		t.inside.Store(port, true)
		move(udp, udp[0:2], port+by)
	}
	return true
}

// in moves the destination port back; false when nobody is there any more.
func (t *translator) in(p []byte, by uint16) bool {
	udp := datagram(p)
	if udp == nil {
		return true
	}
	port := binary.BigEndian.Uint16(udp[2:]) - by
	if _, known := t.inside.Load(port); !known {
		return false
	}
	move(udp, udp[2:4], port)
	return true
}

// datagram is what a whole IPv4 packet of UDP carries, from its header on;
// else nil.
func datagram(p []byte) []byte {
	const fragment = 0x3fff // offset, or more to come
	if len(p) < 28 || p[0]>>4 != 4 || p[9] != protoUDP || binary.BigEndian.Uint16(p[6:])&fragment != 0 {
		return nil
	}
	if size := int(p[0]&0x0f) * 4; len(p) >= size+8 {
		return p[size:]
	}
	return nil
}

// move writes a port, and its difference into the checksum (RFC 1624 §3).
func move(udp, port []byte, to uint16) {
	was := binary.BigEndian.Uint16(port)
	binary.BigEndian.PutUint16(port, to)
	if sum := binary.BigEndian.Uint16(udp[6:]); sum != 0 {
		n := uint32(^sum) + uint32(^was) + uint32(to)
		n = n>>16 + n&0xffff
		n = n>>16 + n&0xffff
		if sum = ^uint16(n); sum == 0 {
			sum = 0xffff // 0 is none (RFC 768)
		}
		binary.BigEndian.PutUint16(udp[6:], sum)
	}
}

// way is one of the two directions: what it does to each packet beside the
// line, false when it is lost, and whether it is the one with a rate.
type way struct {
	from, to  *os.File
	translate func(p []byte, by uint16) bool
	shaped    bool
}

// carry packets one way until the device is gone.
func (w way) carry(now *atomic.Pointer[line]) error {
	queue := make(chan packet, 4096)
	go func() {
		for p := range queue {
			<-time.After(time.Until(p.at))
			_, _ = w.to.Write(p.b)
		}
	}()
	defer close(queue)
	var free, last time.Time
	buffer := make([]byte, 2048)
	for {
		n, err := w.from.Read(buffer)
		if err != nil {
			return err
		}
		l := now.Load()
		udp := n > 9 && buffer[0]>>4 == 4 && buffer[9] == protoUDP
		if l.noUDP && udp || rand.Float64() < l.loss || !w.translate(buffer[:n], l.moved) {
			continue
		}
		at := time.Now()
		if w.shaped && l.rate > 0 {
			if free.Before(at) {
				free = at
			}
			if free.Sub(at) > queueMost {
				continue
			}
			free = free.Add(time.Duration(float64(n*8) / l.rate * float64(time.Second)))
			at = free
		}
		at = at.Add(l.delay + time.Duration((rand.Float64()*2-1)*float64(l.jitter)))
		if at.Before(last) {
			at = last // a line does not change the order
		}
		last = at
		select {
		case queue <- packet{at, append([]byte(nil), buffer[:n]...)}:
		default:
		}
	}
}

func run(args []string, orders io.Reader, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("usage: impair namespaceA,tunA namespaceB,tunB")
	}
	a, err := tun(args[0])
	if err != nil {
		return err
	}
	b, err := tun(args[1])
	if err != nil {
		return err
	}
	var now atomic.Pointer[line]
	now.Store(&line{})
	failed := make(chan error, 2)
	var nat translator
	go func() { failed <- way{from: a, to: b, translate: nat.out}.carry(&now) }()
	go func() { failed <- way{from: b, to: a, translate: nat.in, shaped: true}.carry(&now) }()
	_, _ = fmt.Fprintln(out, "ready")
	lines := bufio.NewScanner(orders)
	for lines.Scan() {
		l, err := parse(lines.Text())
		if err != nil {
			return err
		}
		now.Store(&l)
		_, _ = fmt.Fprintln(out, "ready")
	}
	select {
	case err := <-failed:
		return err
	default:
		return lines.Err() // who gave the orders is gone
	}
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "impair:", err)
		os.Exit(1)
	}
}

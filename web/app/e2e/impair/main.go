//go:build linux

// Command impair is a bad line between two network namespaces, for tests on
// machines whose kernel has no netem: it joins them by TUN devices and delays,
// drops, shapes or filters the IP packets between. Needs root.
//
// Lines on its standard input change the line while it runs: "delay=80ms
// jitter=20ms loss=0.05 rate=300000 noudp". What is not named is off. Rate is
// of the way from the second to the first, in bit/s.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// line is what the line does to packets; immutable.
type line struct {
	delay, jitter time.Duration
	loss, rate    float64
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

// carry packets one way until the device is gone.
func carry(from, to *os.File, now *atomic.Pointer[line], shaped bool) error {
	queue := make(chan packet, 4096)
	go func() {
		for p := range queue {
			<-time.After(time.Until(p.at))
			_, _ = to.Write(p.b)
		}
	}()
	defer close(queue)
	var free, last time.Time
	buffer := make([]byte, 2048)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return err
		}
		l := now.Load()
		udp := n > 9 && buffer[0]>>4 == 4 && buffer[9] == protoUDP
		if l.noUDP && udp || rand.Float64() < l.loss {
			continue
		}
		at := time.Now()
		if shaped && l.rate > 0 {
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
	go func() { failed <- carry(a, b, &now, false) }()
	go func() { failed <- carry(b, a, &now, true) }()
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

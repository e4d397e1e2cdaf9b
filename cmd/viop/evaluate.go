package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"viop/rooms/attendance"
)

// maxCaseBytes bounds one document: a program of 1,000 patients over a
// quarter is about 100 MB.
const maxCaseBytes = 1 << 30

// evaluateCmd is the attendance contract on the command line
// (rooms/attendance/SPEC.md): the answer and nothing else on standard output,
// or exit status 2 and one line that names the place.
type evaluateCmd struct {
	File string `arg:"" help:"A viop.attendance/1 document, - for standard input."`
}

func (c evaluateCmd) Run(s std) error {
	document, err := readAll(c.File, s.in)
	if err != nil {
		return err
	}
	input, err := attendance.Decode(document)
	if err != nil {
		fmt.Fprintln(s.err, err)
		return exitStatus(2)
	}
	return writeJSON(s.out, attendance.Evaluate(input))
}

func readAll(name string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	b, err := io.ReadAll(io.LimitReader(in, maxCaseBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(b) > maxCaseBytes {
		return nil, fmt.Errorf("read %s: larger than %d bytes", name, maxCaseBytes)
	}
	return b, nil
}

func writeJSON(w io.Writer, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

//go:build ignore

// This program copies the time zone database of the Go distribution that runs
// it, and notes which version that is.
package main

import (
	"crypto/sha256"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		log.Fatal(err)
	}
	from := filepath.Join(strings.TrimSpace(string(goroot)), "lib", "time")
	script := read(filepath.Join(from, "update.bash"))
	version := regexp.MustCompile(`(?m)^DATA=(\w+)$`).FindSubmatch(script)
	if version == nil {
		log.Fatal("update.bash does not say which DATA it is of")
	}
	zip := read(filepath.Join(from, "zoneinfo.zip"))
	write("zoneinfo.zip", zip)
	write("zoneinfo.version", fmt.Appendf(nil, "%s\n%x\n", version[1], sha256.Sum256(zip)))
}

func read(name string) []byte {
	content, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	return content
}

func write(name string, content []byte) {
	if err := os.WriteFile(name, content, 0o644); err != nil {
		log.Fatal(err)
	}
}

package attendance

import (
	"archive/zip"
	_ "embed"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"
)

//go:generate go run zones_generate.go

// zoneinfo is the IANA time zone database, compiled, as the Go distribution
// has it. The data are in the public domain.
//
//go:embed zoneinfo.zip
var zoneinfo string

// zoneinfoVersion is two lines: the version, and the SHA-256 of zoneinfo.
//
//go:embed zoneinfo.version
var zoneinfoVersion string

// ZoneDataVersion is the version of the time zone database that LoadZone, and
// so Evaluate, answers by: "2025c".
func ZoneDataVersion() string {
	version, _, _ := strings.Cut(zoneinfoVersion, "\n")
	return version
}

// LoadZone finds a zone by its IANA name, in the database that this package
// brings along. time.LoadLocation would ask the machine first: its database
// may be another version, and its files may bear names that IANA does not know.
func LoadZone(name string) (*time.Location, error) {
	data, err := fs.ReadFile(zones(), name)
	if err != nil {
		return nil, fmt.Errorf("%q is not the IANA name of a zone", name)
	}
	return time.LoadLocationFromTZData(name, data)
}

// zones is the directory of zoneinfo, read once.
var zones = sync.OnceValue(func() *zip.Reader {
	directory, err := zip.NewReader(strings.NewReader(zoneinfo), int64(len(zoneinfo)))
	if err != nil {
		panic("attendance: the embedded zoneinfo.zip is none: " + err.Error())
	}
	return directory
})

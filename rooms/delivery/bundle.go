package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"viop/rooms/export"
	"viop/rooms/export/fhir"
)

// target is how a FHIR server knows us.
func (d Destination) target() fhir.Target {
	return fhir.Target{System: d.System, PatientSystem: d.PatientSystem}
}

// Archive writes the tables of records and weeks. What a says about the span
// and the destination is the extract's.
func (e *Extract) Archive(ctx context.Context, out io.Writer, a export.Archive) (export.Manifest, error) {
	a.From, a.To, a.Destination, a.Basis = e.span.From, e.span.To, string(e.to.ID), string(e.to.Basis)
	return a.Write(ctx, out, e.Rows(ctx), e.WeekRows(ctx))
}

// Bundle writes the records and weeks as one transaction of FHIR R4: posted to a
// server, it makes or updates the resources, once. No two of its entries are
// about the same one.
func (e *Extract) Bundle(ctx context.Context, out io.Writer) error {
	target := e.to.target()
	empty := target.Bundle()
	meta, err := json.Marshal(empty.Meta)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, `{"resourceType":%q,"meta":%s,"type":%q,"entry":[`, empty.ResourceType, meta, empty.Type); err != nil {
		return err
	}
	comma := ""
	write := func(items ...export.Item) error {
		for _, entry := range target.Bundle(items...).Entry {
			text, err := json.Marshal(entry)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(out, "%s\n%s", comma, text); err != nil {
				return err
			}
			comma = ","
		}
		return nil
	}
	for items, err := range e.Sessions(ctx) {
		if err != nil {
			return err
		}
		if err := write(items...); err != nil {
			return err
		}
	}
	for item, err := range e.WeekItems(ctx) {
		if err != nil {
			return err
		}
		if err := write(item); err != nil {
			return err
		}
	}
	_, err = io.WriteString(out, "\n]}\n")
	return err
}

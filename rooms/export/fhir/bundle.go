package fhir

import "viop/rooms/export"

// Bundle is what items say, as one transaction. Of a resource that several of
// them are about, the last is written: a transaction may not name one twice.
func (t Target) Bundle(items ...export.Item) Bundle {
	b := Bundle{ResourceType: "Bundle", Meta: protected(), Type: "transaction"}
	place := map[string]int{} // by fullUrl
	for _, i := range items {
		for _, e := range t.entries(i) {
			if at, there := place[e.FullURL]; there {
				b.Entry[at] = e
				continue
			}
			place[e.FullURL] = len(b.Entry)
			b.Entry = append(b.Entry, e)
		}
		if text := i.At.String(); text > b.Timestamp {
			b.Timestamp = text
		}
	}
	return b
}

func (t Target) entries(i export.Item) []Entry {
	switch {
	case i.Record != nil:
		e := t.Encounter(*i.Record)
		return append([]Entry{put("Encounter", e.Identifier[0], e)}, putTasks(t.recordTasks(i))...)
	case i.Signature != nil:
		var entries []Entry
		for _, r := range i.Signature.Records {
			p := t.Provenance(*i.Signature, r)
			entries = append(entries, create("Provenance", p.Meta.Tag[0], p))
			entries = append(entries, putTasks([]Task{t.signedTask(*i.Signature, r)})...)
		}
		return entries
	case i.Week != nil:
		o := t.Observation(*i.Week, i.At)
		return append([]Entry{put("Observation", o.Identifier[0], o)}, putTasks(t.weekTasks(*i.Week, i.At))...)
	case i.Authorization != nil:
		return putTasks([]Task{t.authorizationTask(*i.Authorization, i.At)})
	}
	return nil
}

func putTasks(tasks []Task) []Entry {
	var entries []Entry
	for _, task := range tasks {
		entries = append(entries, put("Task", task.Identifier[0], task))
	}
	return entries
}

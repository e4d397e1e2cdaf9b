package fhir

import (
	"viop/rooms/attendance"
	"viop/rooms/export"
	"viop/rooms/records"
)

// A Task has the name of what it is about and of what is to be done, so that
// what closes it finds it. One is only closed by what followed from the same
// thing; one that never was is not made to be closed, but where that cannot be
// known (recordTasks).

// task about something; open ones are requested, the others completed.
func (t Target) task(id, code, text string, open bool, at attendance.Instant) Task {
	task := Task{
		ResourceType: "Task", Meta: protected(), Extension: []Extension{t.notice()},
		Identifier: []Identifier{t.identifier(taskSystem, id+"/"+code)},
		Status:     "completed", Intent: "order", Description: text, LastModified: at.String(),
	}
	if open {
		task.Status = "requested"
	}
	concept := t.code(code, "")
	task.Code = &concept
	return task
}

// recordTasks are those of a record: somebody waited and was never let in;
// nobody has signed.
func (t Target) recordTasks(i export.Item) []Task {
	r := *i.Record
	subject, focus := t.patient(r.Person, r.External, r.Name), t.named("Encounter", recordSystem, r.RecordID)
	var tasks []Task
	add := func(task Task) {
		task.For, task.Focus = &subject, &focus
		tasks = append(tasks, task)
	}
	waited := r.Status == attendance.StatusLobbyOnly
	// It may have been so before: a later reading closes what may be open.
	if waited || i.Type == export.RecordAmended || i.Type == export.RecordWithdrawn {
		add(t.task(r.RecordID, "lobby-only", "Somebody was in the lobby and was never admitted: decide what that was.", waited, i.At))
	}
	gone := r.Status == export.StatusWithdrawn
	add(t.task(r.RecordID, "unsigned", "The record waits for a signature.", !gone && r.State != attendance.StateSigned, i.At))
	return tasks
}

// signedTask closes the one for a signature.
func (t Target) signedTask(s export.Signature, r export.SignedRecord) Task {
	task := t.task(r.RecordID, "unsigned", "The record waits for a signature.", false, s.At)
	subject, focus := t.patient(r.Person, r.External, r.Name), t.named("Encounter", recordSystem, r.RecordID)
	task.For, task.Focus = &subject, &focus
	return task
}

// weekTasks are those of a week: its minimum is or may be missed.
func (t Target) weekTasks(w export.Week, at attendance.Instant) []Task {
	if !short(w.Verdict) && !short(w.Previous) {
		return nil
	}
	task := t.task(weekID(w), "shortfall", "The minimum of the week is missed, or may be.", short(w.Verdict), at)
	subject, focus := t.patient(w.Person, w.External, w.Name), t.named("Observation", weekSystem, weekID(w))
	task.For, task.Focus = &subject, &focus
	return []Task{task}
}

func short(v attendance.Verdict) bool {
	switch v {
	case attendance.VerdictNotMet, attendance.VerdictCannotMeet, attendance.VerdictAtRisk:
		return true
	}
	return false
}

// authorizationTask is of one that runs out.
func (t Target) authorizationTask(a export.Authorization, at attendance.Instant) Task {
	task := t.task(a.ID, "authorization", "An authorization is used up, or soon will be.", a.Status != records.AuthorizationRecovered, at)
	subject := t.patient(a.Person, a.External, a.Name)
	focus := t.named("", authorizationSystem, a.ID)
	task.For, task.Focus = &subject, &focus
	return task
}

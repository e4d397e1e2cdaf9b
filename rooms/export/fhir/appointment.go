package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"viop/rooms/attendance"
)

// appointment refers to one by the scheduling system's own name for it.
func (t Target) appointment(ref string) Reference {
	if literal.MatchString(ref) {
		return Reference{Reference: ref}
	}
	return t.named("Appointment", appointmentSystem, ref)
}

// literal is a reference that a server can follow (R4, Reference.reference).
var literal = regexp.MustCompile(`^(https?://[^\s]+/)?Appointment/[A-Za-z0-9.-]{1,64}$`)

// AppointmentID is the logical id of the appointment that a record names; ok
// is false when it names none, or one that cannot be read by id.
func AppointmentID(ref string) (id string, ok bool) {
	if !literal.MatchString(ref) {
		return "", false
	}
	return ref[lastSlash(ref)+1:], true
}

func lastSlash(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '/' {
			return i
		}
	}
	return -1
}

// Of an appointment: what it becomes.
const (
	appointmentBooked    = "booked"
	appointmentArrived   = "arrived"
	appointmentFulfilled = "fulfilled"
	appointmentNoShow    = "noshow"
	appointmentCancelled = "cancelled"
)

// AppointmentStatus is what an appointment becomes by the status of its
// record, and the code of a reason if it is cancelled. ok is false when it
// stays as it is: what is no record of ours is not ours to say anything of.
// Somebody who only waited has arrived, and is never a no-show.
func AppointmentStatus(s attendance.Status) (status, reason string, ok bool) {
	switch s {
	case attendance.StatusAttended, attendance.StatusPresentUncredited, attendance.StatusRemoved:
		return appointmentFulfilled, "", true
	case attendance.StatusLobbyOnly:
		return appointmentArrived, "", true
	case attendance.StatusNoShow:
		return appointmentNoShow, "", true
	case attendance.StatusExcused:
		return appointmentCancelled, "pat", true
	case attendance.StatusCancelled:
		return appointmentCancelled, "prov", true
	case attendance.StatusScheduled:
		return appointmentBooked, "", true
	}
	return "", "", false
}

const cancellationReason = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"

// UpdateAppointment is an appointment, as the server has it, with the status
// that belongs to the record's. The scheduling system owns everything else in
// it: that stays, byte for byte. changed is false when nothing is to be
// written.
func UpdateAppointment(appointment []byte, s attendance.Status) (updated []byte, changed bool, err error) {
	status, reason, ok := AppointmentStatus(s)
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(appointment, &fields); err != nil {
		return nil, false, fmt.Errorf("the appointment is no JSON object: %w", err)
	}
	var is struct {
		ResourceType      string `json:"resourceType"`
		Status            string `json:"status"`
		CancelationReason any    `json:"cancelationReason"`
	}
	if err := json.Unmarshal(appointment, &is); err != nil {
		return nil, false, fmt.Errorf("appointment: %w", err)
	}
	if is.ResourceType != "Appointment" {
		return nil, false, errors.New("this is no Appointment")
	}
	keepsReason := status == appointmentCancelled && is.CancelationReason != nil
	if !ok || is.Status == status && (is.CancelationReason == nil) == (reason == "") {
		return appointment, false, nil
	}
	set := func(name string, value any) {
		if err == nil {
			fields[name], err = json.Marshal(value)
		}
	}
	set("status", status)
	switch {
	case keepsReason: // theirs is better
	case reason != "":
		set("cancelationReason", CodeableConcept{Coding: []Coding{{System: cancellationReason, Code: reason}}})
	default:
		delete(fields, "cancelationReason") // invariant app-4: of cancelled ones only
	}
	if err != nil {
		return nil, false, err
	}
	var b bytes.Buffer
	as := json.NewEncoder(&b)
	as.SetEscapeHTML(false) // what they wrote stays
	if err := as.Encode(fields); err != nil {
		return nil, false, err
	}
	return bytes.TrimSpace(b.Bytes()), true, nil
}

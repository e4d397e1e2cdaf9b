package delivery

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"viop/rooms/export"
	"viop/rooms/schedule"
	"viop/rooms/schedule/form"
)

// ID names a destination.
type ID string

// Destination is somebody outside who may be told about attendance: the body
// of PUT /v1/destinations/{id}. Its secrets are kept apart (Secrets).
type Destination struct {
	ID   ID   `json:"id,omitempty"` // of the path, when the body leaves it out
	Kind Kind `json:"kind"`
	// Title is what staff call it.
	Title string `json:"title,omitempty"`
	// Basis is why they may be told. "" is a destination that is being set up:
	// nothing leaves.
	Basis Basis `json:"basis,omitempty"`
	// Names allows people's names to go there, besides their ids.
	Names bool `json:"names,omitempty"`
	// Subjects of tokens that may fetch as this destination; the one that is
	// called like it always may.
	Subjects []string `json:"subjects,omitempty"`
	// Enabled: something is brought there, and it may fetch. What happens in
	// the meantime is brought afterwards.
	Enabled bool `json:"enabled"`

	// Where things are brought to: of a webhook, or the base of a FHIR server.
	URL string `json:"url,omitempty"`
	// AllowPrivate lets the URL lead to a private or local address, and speak
	// http: for a system in the same house.
	AllowPrivate bool `json:"allow_private,omitempty"`
	// Types are the types of export.Item that are brought; none means all.
	Types []string `json:"types,omitempty"`
	// Start is where in the feed a new destination begins. It has no meaning
	// once there is one.
	Start Start `json:"start"`

	// Signature is how messages of a webhook are signed; "" is HMAC.
	Signature Signature `json:"signature,omitempty"`

	// Of a FHIR server.
	OAuth *OAuth `json:"oauth,omitempty"`
	// System is the URI under which our identifiers and codes are known there;
	// "" is export/fhir's own.
	System string `json:"system,omitempty"`
	// PatientSystem is the system of that identifier of a person by which the
	// server knows them (schedule.Person); "" is our own ids.
	PatientSystem string `json:"patient_system,omitempty"`
}

// Kind says how a destination gets at things.
type Kind string

const (
	Pull    Kind = "pull"    // it fetches, or somebody downloads for it
	Webhook Kind = "webhook" // Standard Webhooks are sent to it
	FHIR    Kind = "fhir"    // resources are written to its server
)

// Pushed reports whether things are brought to destinations of the kind.
func (k Kind) Pushed() bool { return k == Webhook || k == FHIR }

// Basis in law on which records that identify a patient may be disclosed
// (42 CFR part 2, subparts C to E).
type Basis string

const (
	Internal        Basis = "internal"         // §2.12(c)(3): within the program
	QSOA            Basis = "qsoa"             // §2.12(c)(4): a qualified service organization
	ConsentTPO      Basis = "consent_tpo"      // §2.31(a)(4): treatment, payment and operations
	ConsentSpecific Basis = "consent_specific" // §2.31: to this recipient
	Emergency       Basis = "emergency"        // §2.51
	Court           Basis = "court"            // §2.61 and following
)

func bases() []Basis {
	return []Basis{Internal, QSOA, ConsentTPO, ConsentSpecific, Emergency, Court}
}

// Signature says how a webhook's messages are signed.
type Signature string

const (
	HMAC    Signature = "hmac"    // v1: HMAC-SHA256 with a secret that both sides hold
	Ed25519 Signature = "ed25519" // v1a: with a key that only we hold
)

// Start is a place in the feed.
type Start string

const (
	AtEnd       Start = "end"       // only what is told from now on
	AtBeginning Start = "beginning" // everything that was ever told
)

// OAuth is how we get a token for a FHIR server: client credentials (RFC 6749 §4.4).
type OAuth struct {
	TokenURL string `json:"token_url"`
	ClientID string `json:"client_id"`
	// ClientSecret is only ever written: left out, the one that is kept stays.
	ClientSecret string `json:"client_secret,omitempty"`
	Scope        string `json:"scope,omitempty"`
}

// Limits of a document.
const (
	maxTitle    = 80
	maxSubjects = 32
	maxTypes    = 32
	maxURL      = 2048
	maxSecret   = 1024
)

// Read reads and checks a document. Its error is *form.ErrSyntax or
// form.Problems.
func Read(text []byte) (Destination, error) {
	d := Destination{Enabled: true, Start: AtEnd}
	if err := form.Read(text, &d); err != nil {
		return Destination{}, err
	}
	return d, d.Check()
}

// Check returns everything that is wrong as form.Problems, or nil.
func (d Destination) Check() error {
	var p form.Problems
	if d.ID != "" {
		schedule.CheckID(&p, "/id", string(d.ID))
	}
	word(&p, "/kind", d.Kind, Pull, Webhook, FHIR)
	schedule.CheckLine(&p, "/title", d.Title, maxTitle)
	if d.Basis != "" {
		word(&p, "/basis", d.Basis, bases()...)
	}
	word(&p, "/start", d.Start, AtEnd, AtBeginning)
	if len(d.Subjects) > maxSubjects {
		p.Add("/subjects", "At most %d.", maxSubjects)
	}
	for i, subject := range d.Subjects {
		schedule.CheckID(&p, "/subjects/"+strconv.Itoa(i), subject)
	}
	if len(d.Types) > maxTypes {
		p.Add("/types", "At most %d.", maxTypes)
	}
	for i, t := range d.Types {
		if !slices.Contains(export.Types(), export.Type(t)) {
			p.Add("/types/"+strconv.Itoa(i), "There is no such type.")
		}
	}
	d.checkTarget(&p)
	return p.Err()
}

// checkTarget looks at what only some kinds have.
func (d Destination) checkTarget(p *form.Problems) {
	misplaced := func(at string, there bool) {
		if there {
			p.Add(at, "A destination of the kind %s has none.", d.Kind)
		}
	}
	if d.Kind.Pushed() {
		d.checkURL(p, "/url", d.URL)
	} else {
		misplaced("/url", d.URL != "")
		misplaced("/types", len(d.Types) > 0)
	}
	if d.Kind == Webhook {
		if d.Signature != "" {
			word(p, "/signature", d.Signature, HMAC, Ed25519)
		}
	} else {
		misplaced("/signature", d.Signature != "")
	}
	if d.Kind != FHIR {
		misplaced("/oauth", d.OAuth != nil)
		misplaced("/system", d.System != "")
		misplaced("/patient_system", d.PatientSystem != "")
		return
	}
	schedule.CheckLine(p, "/system", d.System, maxURL)
	if d.System != "" && (!isURI(d.System) || strings.HasSuffix(d.System, "/")) {
		p.Add("/system", "This must be a URI without a slash at its end, such as https://iop.example.org.")
	}
	schedule.CheckLine(p, "/patient_system", d.PatientSystem, maxURL)
	if o := d.OAuth; o != nil {
		d.checkURL(p, "/oauth/token_url", o.TokenURL)
		schedule.CheckLine(p, "/oauth/client_id", o.ClientID, 256)
		schedule.CheckLine(p, "/oauth/client_secret", o.ClientSecret, maxSecret)
		schedule.CheckLine(p, "/oauth/scope", o.Scope, 256)
		if o.ClientID == "" {
			p.Add("/oauth/client_id", "This must not be empty.")
		}
	}
}

// checkURL wants https without a user in it. Where it leads is looked at when
// it is dialled: a name may lead elsewhere tomorrow.
func (d Destination) checkURL(p *form.Problems, at, text string) {
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		p.Add(at, "This is longer than %d characters.", maxURL)
	case err != nil || u.Host == "" || u.Opaque != "":
		p.Add(at, "This must be a URL, such as https://scheduling.example.org/hooks.")
	case u.Scheme != "https" && (u.Scheme != "http" || !d.AllowPrivate):
		p.Add(at, "This must begin with https://; http:// is for private addresses, which have to be allowed.")
	case u.User != nil:
		p.Add(at, "Names and passwords do not belong into a URL.")
	case u.Fragment != "":
		p.Add(at, "A fragment is not sent, so it must not be here.")
	}
}

func isURI(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.IsAbs()
}

// word wants one of a closed set.
func word[T ~string](p *form.Problems, at string, is T, set ...T) {
	if slices.Contains(set, is) {
		return
	}
	words := make([]string, len(set))
	for i, one := range set {
		words[i] = string(one)
	}
	p.Add(at, "This must be one of %s.", strings.Join(words, ", "))
}

// Public is the destination without what is only ever written.
func (d Destination) Public() Destination {
	if d.OAuth != nil {
		public := *d.OAuth
		public.ClientSecret = ""
		d.OAuth = &public
	}
	return d
}

// Wants reports whether an item of the type is brought there.
func (d Destination) Wants(kind string) bool {
	return len(d.Types) == 0 || slices.Contains(d.Types, kind)
}

// sameHost reports whether two URLs lead to the same place, so that a secret
// that was given for one may be sent to the other.
func sameHost(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	return errX == nil && errY == nil && x.Scheme == y.Scheme && strings.EqualFold(x.Host, y.Host)
}

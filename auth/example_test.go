package auth_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"viop/auth"
)

// An invite is minted with the shared secret; when its link is opened, the
// token becomes a Grant.
func Example() {
	now := func() time.Time { return time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC) }
	secrets, err := auth.ParseSecrets("2026-03:ZXhhbXBsZSBleGFtcGxlIGV4YW1wbGUgZXhhbXBsZSE=")
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := auth.Config{Secrets: secrets}
	minter, err := auth.NewMinter(cfg, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := minter.Join(auth.JoinToken{
		Subject: "p-7f3a", Session: "s-0412", Role: auth.Patient, Name: "Ada L.",
		ID: "invite-1", Expires: now().Add(8 * time.Hour),
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	verifier, err := auth.New(context.Background(), cfg, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer verifier.Close()
	grant, err := verifier.VerifyJoin(context.Background(), token)
	fmt.Println(grant.Subject(), "may be", grant.Role(), "in", grant.Session(), err)
	fmt.Println(grant) // never the name

	_, err = verifier.VerifyAPI(context.Background(), token)
	fmt.Println(errors.Is(err, auth.ErrAudience))
	// Output:
	// p-7f3a may be patient in s-0412 <nil>
	// grant(invite-1)
	// true
}

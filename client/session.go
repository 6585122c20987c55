package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// logout ends a session on the server and forgets it here, the second even where the first cannot be done.
func logout(ctx context.Context, m *machine, args []string) error {
	words, err := parse(flag.NewFlagSet("logout", flag.ContinueOnError), args, 1)
	if err != nil {
		return err
	}
	server, err := serverNamed(m, first(words))
	if err != nil {
		return err
	}
	kept, err := openStore(m)
	if err != nil {
		return err
	}
	unlock, err := kept.lock(ctx, server)
	if err != nil {
		return err
	}
	defer unlock()
	current, problem := kept.get(server)
	if problem == nil && current == nil {
		fmt.Fprintf(m.stdout, "There is no session with %s\n", server)
		return nil
	}
	if current != nil && !current.Ended {
		problem = current.revoke(ctx)
	}
	if err := kept.remove(server); err != nil {
		return fmt.Errorf("the session cannot be forgotten: %w", err)
	}
	if problem != nil {
		return fmt.Errorf("the session is forgotten here, but %s could not be told: %w; its token may be good until %s",
			server, problem, expiry(current))
	}
	fmt.Fprintf(m.stdout, "Signed out of %s\n", server)
	return nil
}

func expiry(s *session) string {
	if s == nil {
		return "its end"
	}
	return s.Expires.Local().Format(time.RFC1123)
}

// revoke ends the session at the server (RFC 7009): by its refresh token all of it, else the access token alone.
func (s *session) revoke(ctx context.Context) error {
	form := url.Values{"client_id": {clientID}, "token": {string(s.Refresh)}, "token_type_hint": {"refresh_token"}}
	if s.Refresh == "" {
		form.Set("token", string(s.Access))
		form.Set("token_type_hint", "access_token")
	}
	return post(ctx, s.Server, "/auth/revoke", form, nil)
}

// who is the answer of /auth/whoami.
type who struct {
	Kind    string   `json:"kind"`
	ID      string   `json:"id"`
	Groups  []string `json:"groups"`
	Tenant  string   `json:"tenant"`
	Expires any      `json:"expires"`
}

func (w *who) words() string { return printable(w.Kind+" "+w.ID, 200) }

func askWho(ctx context.Context, s *session) (*who, error) {
	header := http.Header{"Authorization": {"Bearer " + string(s.Access)}}
	got, err := request(ctx, http.MethodGet, s.Server+"/auth/whoami", nil, header)
	if err != nil {
		return nil, err
	}
	if got.status == http.StatusUnauthorized {
		return nil, errors.New("the server does not take the token any more; run: client login " + s.Server)
	}
	if got.status != http.StatusOK {
		return nil, unexpected(s.Server+"/auth/whoami", got)
	}
	said := new(who)
	if err := json.Unmarshal(got.body, said); err != nil || said.ID == "" {
		return nil, fmt.Errorf("%s/auth/whoami gave no answer that can be read", s.Server)
	}
	return said, nil
}

// whoami asks the server, with a token that is renewed where that is due.
func whoami(ctx context.Context, m *machine, args []string) error {
	words, err := parse(flag.NewFlagSet("whoami", flag.ContinueOnError), args, 1)
	if err != nil {
		return err
	}
	server, err := serverNamed(m, first(words))
	if err != nil {
		return err
	}
	kept, err := openStore(m)
	if err != nil {
		return err
	}
	current, err := renew(ctx, m, kept, server, false)
	if err != nil {
		return err
	}
	if current == nil {
		return fmt.Errorf("there is no session with %s; run: client login %[1]s", server)
	}
	said, err := askWho(ctx, current)
	if err != nil {
		return err
	}
	fmt.Fprintf(m.stdout, "%s at %s\n", said.words(), server)
	if len(said.Groups) > 0 {
		fmt.Fprintf(m.stdout, "groups: %s\n", printable(strings.Join(said.Groups, ", "), 2000))
	}
	if said.Tenant != "" {
		fmt.Fprintf(m.stdout, "tenant: %s\n", printable(said.Tenant, 100))
	}
	fmt.Fprintf(m.stdout, "token until %s\n", expiry(current))
	return nil
}

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os/exec"
	"runtime"
	"time"
)

// login signs in, and keeps the session in the place of the one there was.
func login(ctx context.Context, m *machine, args []string) error {
	flags := flag.NewFlagSet("login", flag.ContinueOnError)
	ci := flags.Bool("ci", false, "")
	open := flags.Bool("open", false, "")
	tokenEnv := flags.String("token-env", "", "")
	tokenFile := flags.String("token-file", "", "")
	audience := flags.String("audience", "", "")
	words, err := parse(flags, args, 1)
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
	made := &session{Server: server}
	if *ci || *tokenEnv != "" || *tokenFile != "" {
		if made.Source, err = findSource(m, *tokenEnv, *tokenFile, *audience, server); err != nil {
			return err
		}
		err = made.exchange(ctx, m)
	} else {
		err = made.confirm(ctx, m, *open)
	}
	if err != nil {
		return err
	}
	unlock, err := kept.lock(ctx, server)
	if err != nil {
		return err
	}
	err = kept.put(made)
	unlock()
	if err != nil {
		return err
	}
	fmt.Fprintf(m.stdout, "Signed in to %s%s; the session is kept in %s\n", server, name(ctx, made), kept.path(server))
	if setting := m.goauthSetting(); m.env("GOAUTH") != setting && !goKnows(ctx, setting) {
		fmt.Fprintf(m.stdout, "Let go use it:\n  %s\n", line("GOAUTH", setting))
	}
	return nil
}

// name tells who signed in, where the server says so: the sign-in stands without.
func name(ctx context.Context, made *session) string {
	who, err := askWho(ctx, made)
	if err != nil {
		return ""
	}
	return " as " + who.words()
}

func goKnows(ctx context.Context, setting string) bool {
	out, err := exec.CommandContext(ctx, "go", "env", "GOAUTH").Output()
	return err == nil && string(out) == setting+"\n"
}

// device is the answer of the device authorization endpoint (RFC 8628, section 3.2). Times are seconds.
type device struct {
	Code      secret `json:"device_code"`
	UserCode  string `json:"user_code"`
	Address   string `json:"verification_uri"`
	Complete  string `json:"verification_uri_complete"`
	ExpiresIn int64  `json:"expires_in"`
	Interval  int64  `json:"interval"`
}

// confirm gets tokens by the device flow: a person confirms a code in a browser (RFC 8628).
func (s *session) confirm(ctx context.Context, m *machine, open bool) error {
	var given device
	if err := post(ctx, s.Server, "/auth/device", url.Values{"client_id": {clientID}}, &given); err != nil {
		return err
	}
	if given.Code == "" || given.UserCode == "" || !isPage(given.Address) || given.ExpiresIn <= 0 {
		return fmt.Errorf("the answer of %s/auth/device has no code or no address; is that a modstead?", s.Server)
	}
	fmt.Fprintf(m.stderr, "Open %s\nand confirm the code %s\n", printable(given.Address, 300), printable(given.UserCode, 40))
	if open {
		page := given.Address
		if isPage(given.Complete) {
			page = given.Complete
		}
		if err := openPage(page); err != nil {
			fmt.Fprintf(m.stderr, "(no browser could be opened: %v)\n", err)
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(min(given.ExpiresIn, 3600))*time.Second, errLate)
	defer cancel()
	interval := time.Duration(min(max(given.Interval, 0), 60)) * time.Second
	if given.Interval <= 0 {
		interval = 5 * time.Second
	}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-m.after(interval):
		}
		got, err := ask(ctx, s.Server, url.Values{"grant_type": {grantDevice}, "device_code": {string(given.Code)}})
		if err == nil {
			s.taken(got, m.now())
			return nil
		}
		var refused *refusal
		var passing failure
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.As(err, &passing):
			// RFC 8628, section 3.5: on a time-out ask less often.
			interval = min(2*interval, time.Minute)
			fmt.Fprintf(m.stderr, "(%v; asking again)\n", err)
		case !errors.As(err, &refused):
			return err
		case refused.Code == "authorization_pending":
		case refused.Code == "slow_down":
			interval += 5 * time.Second
		case refused.Code == "expired_token":
			return errLate
		case refused.Code == "access_denied":
			return errors.New("the sign-in was refused in the browser")
		default:
			return err
		}
	}
}

var errLate = errors.New("nobody confirmed the code in time; run login again")

// isPage tells whether a browser may be sent to an address: a server names it, and not every scheme is a page.
func isPage(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.User == nil && u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()))
}

// openPage starts the browser of the desktop. The address is one argument, and no shell sees it.
func openPage(page string) error {
	var opener *exec.Cmd
	switch runtime.GOOS {
	case "darwin":
		opener = exec.Command("open", page)
	case "windows":
		opener = exec.Command("rundll32", "url.dll,FileProtocolHandler", page)
	default:
		opener = exec.Command("xdg-open", page)
	}
	if err := opener.Start(); err != nil {
		return err
	}
	go opener.Wait()
	return nil
}

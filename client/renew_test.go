package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const block = "\n\nAuthorization: Bearer " + access + "\n\n"

func status(line string) *strings.Reader { return strings.NewReader(line + "\nContent-Length: 0\n\n") }

func TestGoauthFromTheCache(t *testing.T) {
	p := newPlace(t)
	p.session(3600)
	p.server.Close()
	want := p.server.URL + block
	if out := p.ok("goauth"); out != want {
		t.Errorf("%q", out)
	}
	for address, there := range map[string]bool{
		p.server.URL + "/corp.example/lib/@v/list": true,
		p.server.URL:                 true,
		p.server.URL + ".evil.test/": false,
		p.server.URL + "1/x":         false,
		"https://other.example/":     false,
		"http" + strings.TrimPrefix(p.server.URL, "https") + "/x": false,
	} {
		p.stdin = status("HTTP/1.1 404 Not Found")
		if out := p.ok("goauth", address); (out == want) != there || (out == "") == there {
			t.Errorf("%s: %q", address, out)
		}
	}
}

func TestGoauthTakesTheLongestAddress(t *testing.T) {
	p := newPlace(t)
	kept := p.session(3600)
	tenant := &session{Server: p.server.URL + "/t/a", Access: "other-token", Obtained: p.clock, Expires: p.clock.Add(time.Hour)}
	if err := kept.put(tenant); err != nil {
		t.Fatal(err)
	}
	has(t, p.ok("goauth", p.server.URL+"/t/a/x/@v/list"), "/t/a\n\nAuthorization: Bearer other-token\n\n")
	if out := p.ok("goauth", p.server.URL+"/t/ab/x/@v/list"); out != p.server.URL+block {
		t.Errorf("%q", out)
	}
}

func TestOneRefreshForAll(t *testing.T) {
	p := newPlace(t)
	p.session(3600)
	p.clock = p.clock.Add(3590 * time.Second)
	p.answer = func(form map[string]string) (int, any) {
		if form["refresh_token"] != refresh {
			return 400, refused("invalid_grant")
		}
		time.Sleep(50 * time.Millisecond)
		next := given(3600)
		next["refresh_token"] = refresh + "2"
		return 200, next
	}
	var all sync.WaitGroup
	for range 32 {
		all.Add(1)
		go func() {
			defer all.Done()
			var out, said strings.Builder
			m := *p.machine
			m.stdout, m.stderr = &out, &said
			if code := run(context.Background(), &m, []string{"goauth"}); code != 0 || out.String() != p.server.URL+block {
				t.Errorf("%d %q %s", code, out.String(), said.String())
			}
		}()
	}
	all.Wait()
	if n := p.count("/auth/token refresh_token"); n != 1 {
		t.Errorf("%d refreshes", n)
	}
	kept, _ := openStore(p.machine)
	if one, err := kept.get(p.server.URL); err != nil || one.Refresh != refresh+"2" {
		t.Error("the next refresh token was not kept", err)
	}
}

func TestServerThatCannotRenew(t *testing.T) {
	p := newPlace(t)
	p.session(3600)
	p.answer = func(map[string]string) (int, any) { return 503, map[string]any{} }
	// Near its end the token is still good.
	p.clock = p.clock.Add(3590 * time.Second)
	has(t, p.ok("goauth"), access)
	p.clock = p.clock.Add(20 * time.Second)
	code, out, err := p.run("goauth")
	if code != 1 || out != "" {
		t.Errorf("%d %q", code, out)
	}
	has(t, err, "/auth/token answered 503")
	// Those that come right after that do not try again.
	before := p.count("/auth/token refresh_token")
	code, _, err = p.run("goauth")
	if code != 1 || p.count("/auth/token refresh_token") != before {
		t.Error("a server in trouble was asked again at once")
	}
	has(t, err, "answered 503")
	p.clock = p.clock.Add(pause)
	p.answer = func(map[string]string) (int, any) { return 200, given(3600) }
	has(t, p.ok("goauth"), access)
}

func TestSessionThatWasEnded(t *testing.T) {
	p := newPlace(t)
	p.session(3600)
	p.clock = p.clock.Add(2 * time.Hour)
	p.answer = func(map[string]string) (int, any) { return 400, refused("invalid_grant") }
	for range 3 {
		code, out, err := p.run("goauth")
		if code != 1 || out != "" {
			t.Errorf("%d %q", code, out)
		}
		has(t, err, "was ended; run: client login "+p.server.URL)
	}
	if n := p.count("/auth/token refresh_token"); n != 1 {
		t.Errorf("%d requests", n)
	}
	p.answer = func(map[string]string) (int, any) { return 200, given(3600) }
	p.ok("login", p.server.URL)
	has(t, p.ok("goauth"), access)
}

// A token that the server refuses before its end, as after a change of its keys, is renewed: once a minute, not for each
// answer that go passes on.
func TestRefusedToken(t *testing.T) {
	p := newPlace(t)
	p.session(3600)
	for _, row := range []struct {
		after time.Duration
		line  string
		count int
	}{
		{0, "HTTP/1.1 401 Unauthorized", 0},
		{2 * time.Minute, "HTTP/1.1 404 Not Found", 0},
		{0, "HTTP/2.0 403 Forbidden", 0},
		{0, "nonsense", 0},
		{0, "HTTP/2.0 401 Unauthorized", 1},
		{time.Second, "HTTP/2.0 401 Unauthorized", 1},
		{2 * time.Minute, "HTTP/1.1 401 Unauthorized", 2},
	} {
		p.clock = p.clock.Add(row.after)
		p.stdin = status(row.line)
		has(t, p.ok("goauth", p.server.URL+"/x/@v/list"), access)
		if n := p.count("/auth/token refresh_token"); n != row.count {
			t.Errorf("%s: %d refreshes", row.line, n)
		}
	}
}

func TestGoauthGivesUpInTime(t *testing.T) {
	p := newPlace(t)
	done := make(chan struct{})
	slow := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	defer slow.Close()
	defer close(done)
	client.Transport = slow.Client().Transport
	kept := p.session(3600)
	if err := kept.put(&session{Server: slow.URL, Refresh: refresh}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if code := run(ctx, p.machine, []string{"goauth"}); code != 0 {
		t.Error(p.err.String())
	}
	// What another session has is given all the same.
	if out := p.out.String(); out != p.server.URL+block {
		t.Errorf("%q", out)
	}
	has(t, p.err.String(), "did not answer in time")
}

// The answer to a refresh may be lost after the server has given the next token.
func TestLostAnswer(t *testing.T) {
	p := newPlace(t)
	p.session(3600)
	p.clock = p.clock.Add(2 * time.Hour)
	answers := []int{0, 200}
	p.answer = func(map[string]string) (int, any) {
		status := answers[0]
		answers = answers[1:]
		return status, given(3600)
	}
	has(t, p.ok("goauth"), access)
	if n := p.count("/auth/token refresh_token"); n != 2 {
		t.Errorf("%d requests", n)
	}
}

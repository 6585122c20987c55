package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// place is a machine of a test, with a server that speaks the protocols as far as they are needed.
type place struct {
	*machine
	t      *testing.T
	server *httptest.Server
	vars   map[string]string
	clock  time.Time
	out    bytes.Buffer
	err    bytes.Buffer
	waited []time.Duration

	mu sync.Mutex
	// asked counts the requests by path and grant.
	asked map[string]int
	// answer decides what the token endpoint gives.
	answer func(form map[string]string) (int, any)
	// bodies are those of other paths, in the place of the usual ones.
	bodies map[string]any
	last   *http.Request
	// closed lets nobody see the settings who has not signed in.
	closed bool
}

const (
	access  = "eyJhbGciOiJIUzUxMiJ9.eyJzdWIiOiJhbGljZSJ9.c2VjcmV0LWFjY2Vzcw"
	refresh = "msr_TheRefreshTokenThatNobodyMaySee"
	subject = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqb2IifQ.c2VjcmV0LXN1YmplY3Q"
)

func newPlace(t *testing.T) *place {
	p := &place{t: t, vars: map[string]string{"MODSTEAD_CLIENT_DIR": filepath.Join(t.TempDir(), "modstead")}, clock: time.Now(), asked: map[string]int{}}
	p.answer = func(map[string]string) (int, any) { return 200, given(3600) }
	p.server = httptest.NewTLSServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.server.Close)
	before := client.Transport
	client.Transport = p.server.Client().Transport
	t.Cleanup(func() { client.Transport = before })
	p.machine = &machine{
		env:    func(name string) string { return p.vars[name] },
		stdin:  strings.NewReader(""),
		stdout: &p.out,
		stderr: &p.err,
		now:    func() time.Time { return p.clock },
		after: func(d time.Duration) <-chan time.Time {
			p.waited = append(p.waited, d)
			return time.After(0)
		},
		self: "/opt/go bin/client",
	}
	return p
}

func given(seconds int) map[string]any {
	return map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": seconds, "refresh_token": refresh}
}

func refused(code string) map[string]any {
	return map[string]any{"error": code, "error_description": "words for " + code}
}

func (p *place) serve(res http.ResponseWriter, req *http.Request) {
	req.ParseForm()
	form := map[string]string{}
	for name := range req.PostForm {
		form[name] = req.PostForm.Get(name)
	}
	p.mu.Lock()
	p.asked[strings.TrimSuffix(req.URL.Path+" "+form["grant_type"], " ")]++
	p.last = req
	answer := p.answer
	p.mu.Unlock()
	status, body := 404, any(map[string]string{})
	switch req.URL.Path {
	case "/auth/device":
		status, body = 200, map[string]any{
			"device_code": "the-device-code", "user_code": "BCDF-GHJK", "verification_uri": p.server.URL + "/auth/device",
			"verification_uri_complete": p.server.URL + "/auth/device?user_code=BCDF-GHJK", "expires_in": 600, "interval": 3,
		}
	case "/auth/token":
		if status, body = answer(form); status == 0 {
			panic(http.ErrAbortHandler)
		}
	case "/auth/revoke":
		status = 200
	case "/auth/whoami":
		status, body = 200, map[string]any{"kind": "user", "id": "alice", "groups": []string{"team-a"}}
		if req.Header.Get("Authorization") != "Bearer "+access {
			status, body = 401, map[string]any{}
		}
	case "/away":
		http.Redirect(res, req, "https://elsewhere.example/", http.StatusTemporaryRedirect)
		return
	case "/id":
		status, body = 200, map[string]any{"value": subject}
	case "/settings":
		status = 200
		if p.closed && req.Header.Get("Authorization") != "Bearer "+access {
			status = 401
		}
		body = map[string]any{"settings": []setting{{"GOPROXY", p.server.URL}, {"GONOSUMDB", "corp.example"}}}
	}
	if other, ok := p.bodies[req.URL.Path]; ok {
		body = other
	}
	res.Header().Set("Content-Type", "application/json")
	res.WriteHeader(status)
	json.NewEncoder(res).Encode(body)
}

// run runs a command line, and checks that no secret was printed but by goauth.
func (p *place) run(args ...string) (code int, out, err string) {
	p.t.Helper()
	p.out.Reset()
	p.err.Reset()
	code = run(context.Background(), p.machine, args)
	out, err = p.out.String(), p.err.String()
	for _, one := range []string{access, refresh, subject, "the-device-code"} {
		if strings.Contains(err, one) || args[0] != "goauth" && strings.Contains(out, one) {
			p.t.Errorf("client %s printed a secret:\n%s%s", strings.Join(args, " "), out, err)
		}
	}
	return code, out, err
}

// ok runs a command line that must succeed.
func (p *place) ok(args ...string) string {
	p.t.Helper()
	code, out, err := p.run(args...)
	if code != 0 {
		p.t.Fatalf("client %s: %d\n%s", strings.Join(args, " "), code, err)
	}
	return out
}

// session keeps one with tokens that end after so many seconds, from now.
func (p *place) session(seconds int) *store {
	p.t.Helper()
	kept, err := openStore(p.machine)
	if err != nil {
		p.t.Fatal(err)
	}
	one := &session{Server: p.server.URL, Access: access, Refresh: refresh, Obtained: p.clock, Expires: p.clock.Add(time.Duration(seconds) * time.Second)}
	if err := kept.put(one); err != nil {
		p.t.Fatal(err)
	}
	return kept
}

func (p *place) count(what string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[what]
}

func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDeviceFlow(t *testing.T) {
	p := newPlace(t)
	steps := []string{"authorization_pending", "slow_down", "authorization_pending"}
	p.answer = func(form map[string]string) (int, any) {
		if form["device_code"] != "the-device-code" || form["client_id"] != clientID || form["grant_type"] != grantDevice {
			return 400, refused("invalid_request")
		}
		if len(steps) > 0 {
			step := steps[0]
			steps = steps[1:]
			return 400, refused(step)
		}
		return 200, given(86400)
	}
	out := p.ok("login", p.server.URL+"/")
	has(t, out, "Signed in to "+p.server.URL+" as user alice", `go env -w "GOAUTH=netrc;\"/opt/go bin/client\" goauth"`)
	has(t, p.err.String(), "Open "+p.server.URL+"/auth/device\n", "confirm the code BCDF-GHJK")
	if len(p.waited) != 4 || p.waited[1] != 3*time.Second || p.waited[3] != 8*time.Second {
		t.Errorf("waited %v", p.waited)
	}
	has(t, p.ok("whoami"), "user alice at ", "groups: team-a")
	folder := p.vars["MODSTEAD_CLIENT_DIR"]
	if info, _ := os.Stat(folder); info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v", info.Mode())
	}
	files, _ := filepath.Glob(filepath.Join(folder, "*.json"))
	if len(files) != 1 {
		t.Fatal(files)
	}
	if info, _ := os.Stat(files[0]); info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v", info.Mode())
	}
}

func TestDeviceFlowEnds(t *testing.T) {
	for code, words := range map[string]string{
		"access_denied":   "refused in the browser",
		"expired_token":   "nobody confirmed",
		"invalid_client":  "the server said: words for invalid_client",
		"\x1b[31m\ninjec": "words for ?[31m injec",
	} {
		p := newPlace(t)
		p.answer = func(map[string]string) (int, any) { return 400, refused(code) }
		got, _, err := p.run("login", p.server.URL)
		if got != 1 || p.count("/auth/token "+grantDevice) != 1 {
			t.Errorf("%q: code %d", code, got)
		}
		has(t, err, words)
	}
}

func TestTokensThatAreNone(t *testing.T) {
	for _, bad := range []map[string]any{
		{},
		{"access_token": "a\r\nX: y", "token_type": "Bearer", "expires_in": 10},
		{"access_token": access, "token_type": "mac", "expires_in": 10},
		{"access_token": access, "token_type": "Bearer", "expires_in": -1},
		{"access_token": strings.Repeat("a", 20<<10), "token_type": "Bearer", "expires_in": 10},
	} {
		p := newPlace(t)
		p.answer = func(map[string]string) (int, any) { return 200, bad }
		code, _, err := p.run("login", p.server.URL)
		if code != 1 {
			t.Errorf("%v was taken", bad)
		}
		has(t, err, "gave no token that can be used")
	}
}

func TestJobs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	os.WriteFile(file, []byte(subject+"\n"), 0o600)
	for _, row := range []struct {
		args []string
		vars map[string]string
		err  string
	}{
		{[]string{"--ci"}, map[string]string{"MODSTEAD_ID_TOKEN": subject}, ""},
		{[]string{"--ci", "--token-env", "OTHER"}, map[string]string{"OTHER": subject}, ""},
		{[]string{"--ci", "--token-file", file}, nil, ""},
		{[]string{"--ci"}, map[string]string{githubAddress: "SERVER/id?api=1", githubToken: "runner-pass"}, ""},
		{[]string{"--ci"}, nil, "id-token: write"},
		{[]string{"--ci", "--token-env", "OTHER"}, nil, "the variable OTHER is empty"},
		{[]string{"--ci", "--token-env", "OTHER"}, map[string]string{"OTHER": "no token"}, "no JSON Web Token"},
		{[]string{"--ci", "--token-file", file + "x"}, nil, "cannot be read"},
		{[]string{"--ci"}, map[string]string{githubAddress: "http://evil.example/id", githubToken: "runner-pass"}, "no https address"},
		{[]string{"--ci"}, map[string]string{githubAddress: "SERVER/away", githubToken: "runner-pass"}, "follow no redirects"},
	} {
		p := newPlace(t)
		for name, value := range row.vars {
			p.vars[name] = strings.ReplaceAll(value, "SERVER", p.server.URL)
		}
		p.answer = func(form map[string]string) (int, any) {
			if form["subject_token"] != subject || form["subject_token_type"] != "urn:ietf:params:oauth:token-type:jwt" {
				return 400, refused("invalid_grant")
			}
			return 200, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300}
		}
		code, _, err := p.run(append(append([]string{"login"}, row.args...), p.server.URL)...)
		if (code == 0) != (row.err == "") {
			t.Errorf("%v %v: %d %s", row.args, row.vars, code, err)
		}
		has(t, err, row.err)
		if strings.Contains(err, "runner-pass") {
			t.Error("a secret was printed")
		}
	}
}

// The token of a job is asked for again when the access token ends: it has no refresh token.
func TestJobGoesOn(t *testing.T) {
	p := newPlace(t)
	p.vars[githubAddress], p.vars[githubToken] = p.server.URL+"/id?a=b", "runner-pass"
	p.answer = func(map[string]string) (int, any) {
		return 200, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300}
	}
	p.ok("login", "--ci", p.server.URL)
	p.clock = p.clock.Add(299 * time.Second)
	has(t, p.ok("goauth"), access)
	if n := p.count("/auth/token " + grantExchange); n != 2 {
		t.Errorf("%d exchanges", n)
	}
	if n := p.count("/id"); n != 2 {
		t.Errorf("GitHub was asked %d times", n)
	}
}

func TestLogout(t *testing.T) {
	p := newPlace(t)
	kept := p.session(1000)
	has(t, p.ok("logout"), "Signed out of")
	if p.last.PostForm.Get("token") != refresh {
		t.Error("the refresh token was not revoked")
	}
	if one, err := kept.get(p.server.URL); one != nil || err != nil {
		t.Error("the session is still there", err)
	}
	has(t, p.ok("logout", p.server.URL), "There is no session")

	p.session(1000)
	p.server.Close()
	code, _, err := p.run("logout")
	if one, _ := kept.get(p.server.URL); code != 1 || one != nil {
		t.Error("a server that is down kept the session")
	}
	has(t, err, "forgotten here, but", "could not be told")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	p := newPlace(t)
	code, _, err := p.run("env", p.server.URL+"/away")
	if code != 1 {
		t.Error(code)
	}
	has(t, err, "answered 404")
	if _, err := request(t.Context(), "GET", p.server.URL+"/away", nil, nil); err == nil {
		t.Error("a redirect was followed")
	} else {
		has(t, err.Error(), "leads to https://elsewhere.example", "follow no redirects")
	}
}

func TestEnv(t *testing.T) {
	p := newPlace(t)
	out := p.ok("env", p.server.URL)
	has(t, out, "go env -w GOPROXY="+p.server.URL+"\n", "go env -w GONOSUMDB=corp.example\n", `go env -w "GOAUTH=netrc;\"/opt/go bin/client\" goauth"`)
}

func TestEnvOfThoseWhoHaveSignedIn(t *testing.T) {
	p := newPlace(t)
	p.closed = true
	code, _, err := p.run("env", p.server.URL)
	if code != 1 {
		t.Error(code)
	}
	has(t, err, "run: client login "+p.server.URL)
	p.session(3600)
	has(t, p.ok("env"), "go env -w GOPROXY="+p.server.URL+"\n")
}

func TestUsage(t *testing.T) {
	p := newPlace(t)
	for _, args := range [][]string{{"nothing"}, {"login", "a", "b"}, {"login", "--nothing"}, {"goauth", "a", "b"}, {"whoami", "x", "--y"}} {
		if code, _, _ := p.run(args...); code != 2 {
			t.Errorf("%v: %d", args, code)
		}
	}
	has(t, p.ok("help"), "client login")
	has(t, p.ok("version"), "client ")
}

// What no rule is for is told with its claims, so that somebody can write one.
func TestJobThatNoRuleIsFor(t *testing.T) {
	p := newPlace(t)
	p.vars[defaultEnv] = subject
	p.answer = func(map[string]string) (int, any) {
		said := refused("invalid_grant")
		said["claims"] = map[string]any{"ref": "main\x1b[2J", "project_path": "corp/app"}
		return 400, said
	}
	code, _, err := p.run("login", "--ci", p.server.URL)
	if code != 1 {
		t.Error(code)
	}
	has(t, err, "words for invalid_grant\n  project_path: corp/app\n  ref: main?[2J\n")
}

func TestBusyServerWhileWaiting(t *testing.T) {
	p := newPlace(t)
	busy := 2
	p.answer = func(map[string]string) (int, any) {
		if busy--; busy >= 0 {
			return 429, refused("temporarily_unavailable")
		}
		return 200, given(60)
	}
	p.ok("login", p.server.URL)
	if len(p.waited) != 3 || p.waited[2] != 12*time.Second {
		t.Errorf("waited %v", p.waited)
	}
}

func TestPagesThatAreNone(t *testing.T) {
	for _, page := range []string{"javascript:alert(1)", "file:///etc/passwd", "http://go.corp.example/", "https://u:p@go.corp.example/", "https://", "-x", ""} {
		p := newPlace(t)
		p.bodies = map[string]any{"/auth/device": map[string]any{
			"device_code": "the-device-code", "user_code": "BCDF-GHJK", "verification_uri": page, "expires_in": 600,
		}}
		code, _, err := p.run("login", p.server.URL)
		if code != 1 {
			t.Errorf("%q was taken", page)
		}
		has(t, err, "has no code or no address")
		if isPage(page) {
			t.Errorf("a browser would be sent to %q", page)
		}
	}
}

func TestSettingsThatAreNotTaken(t *testing.T) {
	for _, bad := range []setting{{"GOFLAGS", "-toolexec=/bin/evil"}, {"GONOSUMDB", "a\nGOFLAGS=x"}, {"GOSUMDB", "$(evil)"}, {"GOAUTH", "evil"}} {
		p := newPlace(t)
		p.bodies = map[string]any{"/settings": map[string]any{"settings": []setting{{"GOPROXY", p.server.URL}, bad}}}
		code, out, err := p.run("env", "--write", p.server.URL)
		if code != 1 || out != "" {
			t.Errorf("%v: %d %q", bad, code, out)
		}
		has(t, err, "not taken from servers")
	}
}

func TestLongBodies(t *testing.T) {
	p := newPlace(t)
	p.bodies = map[string]any{"/settings": strings.Repeat("x", largestBody)}
	code, _, err := p.run("env", p.server.URL)
	if code != 1 {
		t.Error(code)
	}
	has(t, err, "is too long")
}

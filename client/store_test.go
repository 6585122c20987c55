package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"https://Go.Corp.Example/":     "https://go.corp.example",
		"go.corp.example":              "https://go.corp.example",
		"https://go.corp.example:443":  "https://go.corp.example",
		"https://go.corp.example:8443": "https://go.corp.example:8443",
		"https://go.corp.example/p/a/": "https://go.corp.example/p/a",
		"http://127.0.0.1:6637":        "http://127.0.0.1:6637",
		"http://[::1]:6637/":           "http://[::1]:6637",
		"http://localhost:80":          "http://localhost",
		"http://go.corp.example":       "",
		"http://localhost.evil.test":   "",
		"ftp://go.corp.example":        "",
		"https://u:p@go.corp.example":  "",
		"https://go.corp.example?x=1":  "",
		"https://go.corp.example#x":    "",
		"https://":                     "",
		"https://%zz":                  "",
	} {
		got, err := parseAddress(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", text, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "u:p") {
			t.Error("a password is in", err)
		}
	}
	if fileName("https://a.example/b") == fileName("https://a.example_b") {
		t.Error("two addresses have one file")
	}
}

func TestFilesOfOthers(t *testing.T) {
	p := newPlace(t)
	kept := p.session(3600)
	path := kept.path(p.server.URL)
	if code, _, _ := p.run("goauth"); code != 0 {
		t.Fatal("the session is not there")
	}
	fails := func(what, words string) {
		t.Helper()
		code, out, err := p.run("goauth")
		if code != 1 || out != "" {
			t.Errorf("%s: %d %q", what, code, out)
		}
		has(t, err, words)
	}
	os.Chmod(path, 0o640)
	fails("a file that a group reads", "other users may read or write it")
	os.Chmod(path, 0o600)
	os.Chmod(kept.folder, 0o755)
	fails("a folder that others read", "run: chmod 700 "+kept.folder)
	os.Chmod(kept.folder, 0o700)

	bytes, _ := os.ReadFile(path)
	other := strings.Replace(string(bytes), p.server.URL, "https://evil.example", 1)
	os.WriteFile(path, []byte(other), 0o600)
	fails("another server", "belongs to another server")
	os.WriteFile(path, []byte("{"), 0o600)
	fails("no JSON", "cannot be read; remove it")
	os.Remove(path)
	os.WriteFile(kept.folder+"/elsewhere", bytes, 0o600)
	os.Symlink(kept.folder+"/elsewhere", path)
	fails("a link", "not a plain file")
}

func TestOnlyWholeFiles(t *testing.T) {
	p := newPlace(t)
	kept := p.session(3600)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 200 {
			one := &session{Server: p.server.URL, Access: access, Obtained: p.clock, Expires: p.clock.Add(time.Hour)}
			if err := kept.put(one); err != nil {
				t.Error(err)
			}
		}
	}()
	for {
		select {
		case <-done:
			return
		default:
			if one, err := kept.get(p.server.URL); err != nil || one == nil || one.Access != access {
				t.Fatal(one, err)
			}
		}
	}
}

func TestSecretsAreNotFormatted(t *testing.T) {
	one := session{Access: access, Refresh: refresh}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(format, one) + fmt.Sprintf(format, one.Access); strings.Contains(text, "msr_") || strings.Contains(text, "eyJ") {
			t.Errorf("%s: %s", format, text)
		}
	}
}

func TestSumsAndPatterns(t *testing.T) {
	if got := hashGoMod([]byte("module x\n")); got != "h1:bKYNTh+vo5+F34HHOy4dca0+SoibMve/ocX8Qhd4v5Y=" {
		t.Error(got)
	}
	sums, err := parseSums("a.example/x v1.0.0 h1:abc=\na.example/x v1.0.0/go.mod h1:def=\n")
	if err != nil || len(sums) != 2 || sums[1].key() != "a.example/x@v1.0.0/go.mod" || sums[0].module() != "a.example/x" {
		t.Error(sums, err)
	}
	for _, bad := range []string{"", "a b", "-x v1.0.0 h1:abc=", "a.example/x latest h1:abc="} {
		if _, err := parseSums(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for pattern, want := range map[string]bool{"corp.example": true, "*.example/a": true, "corp": false, "corp.example/b": false, "corp.example/a/b/c/d": false, "": false, "x, corp.*": true} {
		if matches(pattern, "corp.example/a/b") != want {
			t.Error(pattern)
		}
	}
}

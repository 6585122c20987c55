package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"path"
	"strings"
)

// parseAddress reads the address of a server as in GOPROXY, and gives it in one spelling: no slash at the end, letters of
// the host in lower case, no port where it is the usual one.
func parseAddress(text string) (string, error) {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		// Not the text itself: it may hold a password.
		return "", errors.New("the address of the server cannot be read; write it like https://go.corp.example")
	}
	if u.User != nil {
		return "", errors.New("the address has a user or password in it; leave that out: sign-in is what takes its place")
	}
	if u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return "", errors.New("the address has a ? or # in it; write it like https://go.corp.example")
	}
	host := strings.ToLower(u.Hostname())
	if u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(host)) {
		return "", fmt.Errorf("%s://%s: tokens are sent over https only; write https://%s", u.Scheme, u.Host, u.Host)
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && port != map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		host += ":" + port
	}
	below := strings.TrimSuffix(path.Clean("/"+u.EscapedPath()), "/")
	return u.Scheme + "://" + host + below, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// fileName is a name for what is kept of a server: readable, and different for different addresses.
func fileName(server string) string {
	sum := sha256.Sum256([]byte(server))
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, server[strings.Index(server, "://")+3:])
	return name[:min(len(name), 60)] + "-" + hex.EncodeToString(sum[:6])
}

// serverNamed finds the server that a command is about: the one of the command line, the only one there is a session
// with, or the first of GOPROXY.
func serverNamed(m *machine, text string) (string, error) {
	if text != "" {
		return parseAddress(text)
	}
	if kept, err := openStore(m); err == nil {
		if sessions, _ := kept.all(); len(sessions) == 1 {
			return sessions[0].Server, nil
		}
	}
	return serverOfGo(m)
}

func serverOfGo(m *machine) (string, error) {
	list := m.env("GOPROXY")
	if list == "" {
		if out, err := exec.Command("go", "env", "GOPROXY").Output(); err == nil {
			list = string(out)
		}
	}
	for _, entry := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == '|' }) {
		entry = strings.TrimSpace(entry)
		if entry == "direct" || entry == "off" || strings.Contains(entry, "proxy.golang.org") {
			continue
		}
		if server, err := parseAddress(entry); err == nil {
			return server, nil
		}
	}
	return "", errUsage{"which server? Write its address behind the command, like https://go.corp.example"}
}

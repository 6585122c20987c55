package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
)

// setting is one variable of go, as a server names it.
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// showEnv prints the go env lines that a machine needs for a server, or runs them.
func showEnv(ctx context.Context, m *machine, args []string) error {
	flags := flag.NewFlagSet("env", flag.ContinueOnError)
	write := flags.Bool("write", false, "")
	words, err := parse(flags, args, 1)
	if err != nil {
		return err
	}
	server, err := serverNamed(m, first(words))
	if err != nil {
		return err
	}
	settings, err := settingsOf(ctx, server, credentials(ctx, m, server))
	if err != nil {
		return err
	}
	settings = append(settings, setting{"GOAUTH", m.goauthSetting()})
	for _, one := range settings {
		fmt.Fprintln(m.stdout, line(one.Name, one.Value))
		if !*write {
			continue
		}
		if out, err := exec.CommandContext(ctx, "go", "env", "-w", one.Name+"="+one.Value).CombinedOutput(); err != nil {
			return fmt.Errorf("go could not be told: %s", printable(string(out), 300))
		}
	}
	if settings[0].Value != server {
		fmt.Fprintf(m.stderr, "The server calls itself %s: sign in to that address, for go gives credentials to no other\n", printable(settings[0].Value, 200))
	}
	return nil
}

// credentials are those of the session with a server, where there is one: not every server needs them for its settings.
func credentials(ctx context.Context, m *machine, server string) http.Header {
	kept, err := openStore(m)
	if err != nil {
		return nil
	}
	current, err := renew(ctx, m, kept, server, false)
	if err != nil || current == nil {
		return nil
	}
	return http.Header{"Authorization": {"Bearer " + string(current.Access)}}
}

// settingsOf asks a server what go needs for it: GOPROXY first.
func settingsOf(ctx context.Context, server string, header http.Header) ([]setting, error) {
	got, err := request(ctx, http.MethodGet, server+"/settings", nil, header)
	if err != nil {
		return nil, err
	}
	var given struct {
		Settings []setting `json:"settings"`
	}
	if got.status == http.StatusUnauthorized {
		return nil, errors.New("the server tells that only those who have signed in; run: client login " + server)
	}
	if got.status != http.StatusOK {
		return nil, unexpected(server+"/settings", got)
	}
	if err := json.Unmarshal(got.body, &given); err != nil || len(given.Settings) == 0 || given.Settings[0].Name != "GOPROXY" {
		return nil, fmt.Errorf("%s/settings gave no answer that can be read", server)
	}
	for _, one := range given.Settings {
		// A server may say nothing of what go runs, such as GOFLAGS.
		if !known[one.Name] || !plain.MatchString(one.Value) {
			return nil, errors.New("the server names a setting that is not taken from servers: " + printable(one.Name, 40))
		}
	}
	return given.Settings, nil
}

var (
	known = map[string]bool{"GOPROXY": true, "GOSUMDB": true, "GONOSUMDB": true}
	plain = regexp.MustCompile(`^[\w:/.,=@%+|*?\[\]^ -]*$`)
	bare  = regexp.MustCompile(`^[\w:/.,=@%+-]+$`)
)

// line is a command that sets a variable of go, as sh, cmd and PowerShell take it alike.
func line(name, value string) string {
	text := name + "=" + value
	if !bare.MatchString(text) {
		escape := strings.NewReplacer(`"`, `\"`, `\`, `\\`, `$`, `\$`, "`", "\\`")
		if runtime.GOOS == "windows" {
			escape = strings.NewReplacer(`"`, `\"`)
		}
		text = `"` + escape.Replace(text) + `"`
	}
	return "go env -w " + text
}

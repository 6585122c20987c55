// Client signs this machine in to a modstead and gives its credentials to go.
//
//	client login https://go.corp.example
//	go env -w "GOAUTH=netrc;client goauth"
//
// It is one package that needs the standard library only. modstead serves it as a module below the name of its own
// host, with the module line of go.mod rewritten to that, so that no package of it may import another.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

const usage = `client signs in to a modstead and gives its credentials to go.

  client login [--open] [URL]      sign in: shows a code to confirm in a browser
  client login --ci [URL]          sign in as a CI job, with the token that the CI system gives it
  client logout [URL]              end the session, and forget it
  client whoami [URL]              who the server says you are
  client env [--write] [URL]       the go env lines for this machine; --write runs them
  client verify [FOLDER]           compare go.sum with the checksum database, by asking it anew
  client goauth                    for go: go env -w "GOAUTH=netrc;client goauth"
  client version

URL is the address of the server as in GOPROXY. It can be left out where GOPROXY names it, or where there is one session.
Sessions are files in the folder modstead of the user's configuration, which only that user can read.
`

// A machine is what a command knows of the process it runs in: tests give another.
type machine struct {
	env    func(string) string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	now    func() time.Time
	after  func(time.Duration) <-chan time.Time
	// path of this program.
	self string
}

// A command gives an error in words that tell what to do next.
type command func(ctx context.Context, m *machine, args []string) error

var commands = map[string]command{
	"login":  login,
	"logout": logout,
	"whoami": whoami,
	"env":    showEnv,
	"verify": verify,
	"goauth": goauth,
	"version": func(_ context.Context, m *machine, _ []string) error {
		_, err := fmt.Fprintln(m.stdout, "client", version())
		return err
	},
}

// errUsage is for a command line that cannot be understood.
type errUsage struct{ problem string }

func (e errUsage) Error() string { return e.problem }

func main() {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	m := &machine{env: os.Getenv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, now: time.Now, after: time.After, self: self}
	os.Exit(run(ctx, m, os.Args[1:]))
}

// run gives the exit code: 0 done, 1 failed, 2 wrong usage.
func run(ctx context.Context, m *machine, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		fmt.Fprint(m.stdout, usage)
		return 0
	}
	do, ok := commands[args[0]]
	if !ok {
		fmt.Fprintf(m.stderr, "client: there is no command %q; client help lists them\n", args[0])
		return 2
	}
	err := do(ctx, m, args[1:])
	var wrong errUsage
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(m.stdout, usage)
		return 0
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(m.stderr, "client %s: stopped\n", args[0])
		return 1
	}
	fmt.Fprintf(m.stderr, "client %s: %v\n", args[0], err)
	if errors.As(err, &wrong) {
		return 2
	}
	return 1
}

// parse reads flags wherever they stand, and gives what is left: at most `most` words.
func parse(flags *flag.FlagSet, args []string, most int) ([]string, error) {
	flags.SetOutput(io.Discard)
	var words []string
	for {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, errUsage{err.Error() + "; client help shows the usage"}
		}
		if flags.NArg() == 0 {
			break
		}
		words = append(words, flags.Arg(0))
		args = flags.Args()[1:]
	}
	if len(words) > most {
		return nil, errUsage{fmt.Sprintf("%q is one word too many; client help shows the usage", words[most])}
	}
	return words, nil
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// version is that of the module this was built from.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}

// goauthSetting is what GOAUTH has to be for go to find this program: without its folder where PATH leads to it. The
// credentials of ~/.netrc, which go takes by default, stay what they are.
func (m *machine) goauthSetting() string {
	name := strings.TrimSuffix(filepath.Base(m.self), ".exe")
	for _, folder := range filepath.SplitList(m.env("PATH")) {
		found, err := os.Stat(filepath.Join(folder, filepath.Base(m.self)))
		if err != nil || found.IsDir() {
			continue
		}
		// The first of that name is the one that go would run.
		if self, err := os.Stat(m.self); err == nil && os.SameFile(self, found) && !strings.ContainsAny(name, " \t;'\"") {
			return "netrc;" + name + " goauth"
		}
		break
	}
	path := m.self
	if strings.ContainsAny(path, " \t") {
		path = `"` + path + `"`
	}
	return "netrc;" + path + " goauth"
}

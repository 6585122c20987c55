package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// A secret is never printed: whatever formats it, in an error or a debug line, gets its name instead.
type secret string

func (secret) String() string   { return "(secret)" }
func (secret) GoString() string { return "(secret)" }

// A session is what is kept of one server.
type session struct {
	Server string `json:"server"`
	// Access is the token that requests carry, from Obtained until Expires.
	Access   secret    `json:"access_token,omitempty"`
	Obtained time.Time `json:"obtained"`
	Expires  time.Time `json:"expires"`
	// Refresh gets the next one, once: the server gives another with it.
	Refresh secret `json:"refresh_token,omitempty"`
	// Source is where a CI job gets the token that it exchanges.
	Source *source `json:"source,omitempty"`
	// Tried is when renewing failed last, and Trouble why.
	Tried   time.Time `json:"tried"`
	Trouble string    `json:"trouble,omitempty"`
	// Ended tells that the server has ended the session: only a new sign-in helps.
	Ended bool `json:"ended,omitempty"`
}

// valid tells whether the access token has not ended. What was obtained in the future was so by another clock.
func (s *session) valid(now time.Time) bool {
	return s.Access != "" && now.Before(s.Expires) && !now.Before(s.Obtained.Add(-time.Minute))
}

// fresh tells whether it is not even near its end.
func (s *session) fresh(now time.Time) bool {
	margin := min(s.Expires.Sub(s.Obtained)/10, 10*time.Minute)
	return s.valid(now) && now.Before(s.Expires.Add(-margin))
}

// A store is the folder with the sessions, one file each, which nobody else can read.
type store struct{ folder string }

// openStore finds the folder and makes it. It refuses one that others can read or write.
func openStore(m *machine) (*store, error) {
	folder := m.env("MODSTEAD_CLIENT_DIR")
	if folder == "" {
		base := m.env("XDG_CONFIG_HOME")
		if base == "" {
			var err error
			if base, err = os.UserConfigDir(); err != nil {
				return nil, fmt.Errorf("there is no folder for sessions: %w; set XDG_CONFIG_HOME", err)
			}
		}
		folder = filepath.Join(base, "modstead")
	}
	if !filepath.IsAbs(folder) {
		return nil, fmt.Errorf("the folder for sessions, %s, is not an absolute path", folder)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("the folder for sessions cannot be made: %w", err)
	}
	found, err := os.Stat(folder)
	if err != nil {
		return nil, fmt.Errorf("the folder for sessions cannot be read: %w", err)
	}
	if problem := exposed(found); problem != "" {
		return nil, fmt.Errorf("%s: %s; run: chmod 700 %[1]s", folder, problem)
	}
	return &store{folder}, nil
}

func (s *store) path(server string) string { return filepath.Join(s.folder, fileName(server)+".json") }

// largest is how long a file of ours is at most, in bytes.
const largest = 64 << 10

// get reads the session with a server; nil where there is none.
func (s *store) get(server string) (*session, error) {
	return read(s.path(server))
}

func read(path string) (*session, error) {
	// A link could lead to a file of somebody else.
	found, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !found.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a plain file; remove it, and sign in again", path)
	}
	if problem := exposed(found); problem != "" {
		return nil, fmt.Errorf("%s: %s, so that its tokens may be known to them; remove it, and sign in again", path, problem)
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	// What was opened is what was looked at.
	if opened, err := file.Stat(); err != nil || !os.SameFile(found, opened) {
		if err == nil {
			return read(path)
		}
		return nil, err
	}
	bytes, err := io.ReadAll(io.LimitReader(file, largest))
	if err != nil {
		return nil, err
	}
	kept := new(session)
	if err := json.Unmarshal(bytes, kept); err != nil {
		return nil, fmt.Errorf("%s cannot be read; remove it, and sign in again", path)
	}
	// What a file says where to send its tokens must be the address it was made for.
	if server, err := parseAddress(kept.Server); err != nil || server != kept.Server || fileName(server)+".json" != filepath.Base(path) {
		return nil, fmt.Errorf("%s belongs to another server than its name says; remove it, and sign in again", path)
	}
	return kept, nil
}

// put writes a session whole or not at all. Whoever calls it holds the lock.
func (s *store) put(kept *session) error {
	bytes, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(s.folder, ".session-*")
	if err != nil {
		return fmt.Errorf("the session cannot be kept: %w", err)
	}
	_, err = file.Write(append(bytes, '\n'))
	err = errors.Join(err, file.Chmod(0o600), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), s.path(kept.Server))
		// On Windows a file cannot be replaced while another process reads it, which takes no time.
		for tries := 0; err != nil && tries < 20; tries++ {
			time.Sleep(10 * time.Millisecond)
			err = os.Rename(file.Name(), s.path(kept.Server))
		}
	}
	if err != nil {
		os.Remove(file.Name())
		return fmt.Errorf("the session cannot be kept: %w", err)
	}
	return nil
}

func (s *store) remove(server string) error {
	err := os.Remove(s.path(server))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// all gives the sessions that can be read, and what is wrong with the others.
func (s *store) all() ([]*session, error) {
	paths, err := filepath.Glob(filepath.Join(quoteGlob(s.folder), "*.json"))
	if err != nil {
		return nil, err
	}
	sort.Strings(paths)
	var sessions []*session
	var problems []error
	for _, path := range paths {
		kept, err := read(path)
		if err != nil {
			problems = append(problems, err)
		} else if kept != nil {
			sessions = append(sessions, kept)
		}
	}
	return sessions, errors.Join(problems...)
}

func quoteGlob(path string) string {
	if filepath.Separator == '\\' {
		return path
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// lock waits until no other process works on the session with a server, and gives what ends that.
func (s *store) lock(ctx context.Context, server string) (func(), error) {
	file, err := os.OpenFile(filepath.Join(s.folder, fileName(server)+".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the session cannot be locked: %w", err)
	}
	for wait := 2 * time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		got, err := tryLock(file)
		if got {
			// The system lets go of the lock when the process ends, however it does.
			return func() { file.Close() }, nil
		}
		if err != nil {
			file.Close()
			return nil, fmt.Errorf("the session cannot be locked: %w", err)
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, errors.New("another process has been renewing the session for too long; try again")
		case <-time.After(wait):
		}
	}
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// patience is how long go waits for us at most. It runs this program once before its first request, and once more after
// every answer of 4xx.
const patience = 5 * time.Second

// goauth speaks the protocol of `go help goauth`: without an argument the credentials of all sessions, with an address
// those for it; go then sends the answer it got on standard input. It asks nobody but servers whose token is near its
// end, never a person, and says on standard error what it could not do, which `go -x` shows.
func goauth(ctx context.Context, m *machine, args []string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if len(args) > 1 {
		return errUsage{"go gives one address at most"}
	}
	kept, err := openStore(m)
	if err != nil {
		return err
	}
	sessions, problems := kept.all()
	refused := false
	if len(args) == 1 {
		sessions = about(sessions, args[0])
		refused = len(sessions) > 0 && unauthorized(m)
	}
	blocks, errs := make([]string, len(sessions)), make([]error, len(sessions)+1)
	errs[len(sessions)] = problems
	var renewing sync.WaitGroup
	for i, one := range sessions {
		// go sends credentials over https only, and so do we.
		if !strings.HasPrefix(one.Server, "https://") {
			continue
		}
		renewing.Add(1)
		go func() {
			defer renewing.Done()
			current := one
			if refused || !one.fresh(m.now()) {
				current, errs[i] = renew(ctx, m, kept, one.Server, refused)
			}
			if errs[i] == nil && current != nil && current.valid(m.now()) {
				blocks[i] = fmt.Sprintf("%s\n\nAuthorization: Bearer %s\n\n", current.Server, string(current.Access))
			}
		}()
	}
	renewing.Wait()
	out := strings.Join(blocks, "")
	problem := errors.Join(errs...)
	if out == "" {
		// go forgets what a failed command printed, so that it may fail only when that is nothing.
		return problem
	}
	if problem != nil {
		fmt.Fprintf(m.stderr, "client goauth: %v\n", problem)
	}
	_, err = m.stdout.Write([]byte(out))
	return err
}

// about picks the session for an address: that of the server whose address stands before it, whole elements of it.
func about(sessions []*session, address string) []*session {
	var best []*session
	for _, one := range sessions {
		if address != one.Server && !strings.HasPrefix(address, one.Server+"/") {
			continue
		}
		if len(best) == 0 || len(one.Server) > len(best[0].Server) {
			best = []*session{one}
		}
	}
	return best
}

// unauthorized reads the answer that go passes on. What cannot be read says nothing.
func unauthorized(m *machine) bool {
	if file, ok := m.stdin.(*os.File); ok {
		// A person who tries this command out is not waited for.
		if found, err := file.Stat(); err != nil || found.Mode()&os.ModeCharDevice != 0 {
			return false
		}
	}
	res, err := http.ReadResponse(bufio.NewReader(m.stdin), nil)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusUnauthorized
}

package main

import (
	"context"
	"errors"
	"net/url"
	"time"
)

// pause is for how long nobody tries again to renew a session after that failed: go starts many of us at once.
const pause = 5 * time.Second

// renew gives the session with a server with a token that is not near its end, or says why there is none. However many
// processes call it at once, one of them asks the server: the others find what it got.
//
// Where the server cannot be reached, a token that has not ended is still given. `refused` is for when the server has
// just refused the token: then it is renewed even before its end, once a minute.
func renew(ctx context.Context, m *machine, kept *store, server string, refused bool) (*session, error) {
	due := func(s *session) bool {
		return !s.fresh(m.now()) || refused && m.now().Sub(s.Obtained) > time.Minute
	}
	current, err := kept.get(server)
	if err != nil || current == nil || !due(current) {
		return current, err
	}
	if current.Ended {
		return nil, errors.New(ended(current))
	}
	unlock, err := kept.lock(ctx, server)
	if err != nil {
		return orStill(current, m.now(), err)
	}
	defer unlock()
	if current, err = kept.get(server); err != nil || current == nil || !due(current) {
		return current, err
	}
	if current.Ended {
		return nil, errors.New(ended(current))
	}
	if since := m.now().Sub(current.Tried); since >= 0 && since < pause {
		return orStill(current, m.now(), errors.New(current.Trouble))
	}
	if err = current.again(ctx, m); err == nil {
		return current, kept.put(current)
	}
	current.Tried, current.Trouble = m.now(), err.Error()
	var said *refusal
	if errors.As(err, &said) && said.Code == "invalid_grant" && current.Source == nil {
		current.Ended, current.Access, current.Refresh = true, "", ""
		err = errors.New(ended(current))
	}
	if problem := kept.put(current); problem != nil {
		return nil, problem
	}
	return orStill(current, m.now(), err)
}

// again gets the next token in the way this session was made.
func (s *session) again(ctx context.Context, m *machine) error {
	if s.Source != nil {
		return s.exchange(ctx, m)
	}
	if s.Refresh == "" {
		return errors.New("the session with " + s.Server + " is over; run: client login " + s.Server)
	}
	form := url.Values{"grant_type": {grantRefresh}, "refresh_token": {string(s.Refresh)}}
	left := requestTime
	if deadline, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(deadline))
	}
	half, cancel := context.WithTimeout(ctx, left/2)
	got, err := ask(half, s.Server, form)
	cancel()
	// A server takes a refresh token once, and for some seconds again: later it would mean that somebody else has it.
	var passing failure
	if errors.As(err, &passing) && passing.lost && ctx.Err() == nil {
		got, err = ask(ctx, s.Server, form)
	}
	if err == nil {
		s.taken(got, m.now())
	}
	return err
}

func ended(s *session) string {
	return "the session with " + s.Server + " was ended; run: client login " + s.Server
}

// orStill gives a token that is still good in spite of the error.
func orStill(s *session, now time.Time, err error) (*session, error) {
	if s.valid(now) {
		return s, nil
	}
	return nil, err
}

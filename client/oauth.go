package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// clientID is how this program names itself to servers (RFC 6749, section 2.2). It has no secret.
const clientID = "modstead"

// Grants of the token endpoint.
const (
	grantDevice   = "urn:ietf:params:oauth:grant-type:device_code"
	grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	grantRefresh  = "refresh_token"
)

// Deadlines of one request, and the longest body that is read, in bytes.
const (
	requestTime = 20 * time.Second
	largestBody = 256 << 10
)

// client follows no redirects: what it sends is for the server that was named, and for nobody else.
var client = &http.Client{
	Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 15 * time.Second,
		ForceAttemptHTTP2:     true,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// A refusal is an error of a server in its own words (RFC 6749, section 5.2).
type refusal struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
	// Claims of a token that is genuine and that no rule is for: they say what a rule could be about.
	Claims map[string]any `json:"claims"`
	status int
}

func (r *refusal) Error() string {
	said := r.Description
	if said == "" {
		said = r.Code
	}
	said = "the server said: " + printable(said, 300)
	for _, name := range slices.Sorted(maps.Keys(r.Claims)) {
		said += "\n  " + printable(fmt.Sprintf("%s: %v", name, r.Claims[name]), 200)
	}
	return said
}

// A failure is one that may pass: of the network, or of a server that cannot answer now.
type failure struct {
	error
	// lost tells that the server may have done what it was asked for, and its answer did not come.
	lost bool
}

func (f failure) Unwrap() error { return f.error }

// An answer is what a server sent.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// request sends one request and reads its answer. Its errors hold nothing of what was sent.
func request(ctx context.Context, method, address string, form url.Values, header http.Header) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, errors.New("the address cannot be asked")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	req.Header.Set("User-Agent", "modstead-client/"+version())
	res, err := client.Do(req)
	if err != nil {
		return nil, reachFailure(ctx, req.URL.Host, err)
	}
	defer res.Body.Close()
	bytes, err := io.ReadAll(io.LimitReader(res.Body, largestBody+1))
	if err != nil {
		return nil, reachFailure(ctx, req.URL.Host, err)
	}
	if len(bytes) > largestBody {
		return nil, fmt.Errorf("the answer of %s is too long", req.URL.Host)
	}
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		to := "elsewhere"
		if where, err := res.Location(); err == nil {
			to = "to " + printable(where.Scheme+"://"+where.Host, 100)
		}
		return nil, fmt.Errorf("%s leads %s, and credentials follow no redirects; if that is the server, write its address", req.URL.Host, to)
	}
	return &answer{res.StatusCode, res.Header, bytes}, nil
}

func reachFailure(ctx context.Context, host string, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, context.Canceled) {
		return cause
	}
	// The error of the client has the whole address in it, with its query.
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var unknown *tls.CertificateVerificationError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%s: %w; trust its authority in this system, or name a file with it in SSL_CERT_FILE", host, err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return failure{fmt.Errorf("%s did not answer in time", host), true}
	}
	var dialling *net.OpError
	never := errors.As(err, &dialling) && dialling.Op == "dial"
	return failure{fmt.Errorf("%s cannot be reached: %w", host, err), !never}
}

// post sends a form to an endpoint below the address of a server and reads the JSON of the answer into `into`.
func post(ctx context.Context, server, path string, form url.Values, into any) error {
	got, err := request(ctx, http.MethodPost, server+path, form, nil)
	if err != nil {
		return err
	}
	if got.status == http.StatusOK {
		if into == nil {
			return nil
		}
		if err := json.Unmarshal(got.body, into); err != nil {
			return fmt.Errorf("the answer of %s%s is no JSON; is that a modstead?", server, path)
		}
		return nil
	}
	refused := &refusal{status: got.status}
	if json.Unmarshal(got.body, refused) == nil && refused.Code != "" && got.status < 500 {
		if got.status == http.StatusTooManyRequests || refused.Code == "temporarily_unavailable" {
			return failure{refused, false}
		}
		return refused
	}
	return unexpected(server+path, got)
}

// unexpected is for an answer that the protocol has no name for.
func unexpected(address string, got *answer) error {
	said := fmt.Sprintf("%s answered %d", address, got.status)
	if strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
		said += ": " + printable(string(got.body), 300)
	}
	if got.status == http.StatusTooManyRequests || got.status >= 500 {
		return failure{errors.New(said), false}
	}
	if got.status == http.StatusNotFound {
		said += "; is that the address of a modstead with sign-in?"
	}
	return errors.New(said)
}

// tokens is the answer of the token endpoint (RFC 6749, section 5.1).
type tokens struct {
	Access    secret `json:"access_token"`
	Type      string `json:"token_type"`
	ExpiresIn int64  `json:"expires_in"`
	Refresh   secret `json:"refresh_token"`
}

// longest is the longest life of an access token that is believed, in seconds: a year.
const longest = 366 * 24 * 60 * 60

// ask gets tokens for a grant.
func ask(ctx context.Context, server string, form url.Values) (*tokens, error) {
	form.Set("client_id", clientID)
	got := new(tokens)
	if err := post(ctx, server, "/auth/token", form, got); err != nil {
		return nil, err
	}
	if !isToken(got.Access) || !strings.EqualFold(got.Type, "Bearer") || got.ExpiresIn <= 0 {
		return nil, fmt.Errorf("%s gave no token that can be used", server)
	}
	if got.Refresh != "" && !isToken(got.Refresh) {
		return nil, fmt.Errorf("%s gave no token that can be used", server)
	}
	got.ExpiresIn = min(got.ExpiresIn, longest)
	return got, nil
}

// isToken tells whether a token can stand in a header as it is (RFC 6750, section 2.1).
func isToken(text secret) bool {
	if text == "" || len(text) > 16<<10 {
		return false
	}
	return !strings.ContainsFunc(string(text), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~+/=", r))
	})
}

// taken puts what a server gave into a session.
func (s *session) taken(got *tokens, now time.Time) {
	s.Access, s.Obtained, s.Expires = got.Access, now, now.Add(time.Duration(got.ExpiresIn)*time.Second)
	// A server that does not rotate refresh tokens gives none the second time.
	if got.Refresh != "" {
		s.Refresh = got.Refresh
	}
	s.Tried, s.Trouble, s.Ended = time.Time{}, "", false
}

// printable is text of a server as a terminal may show it: one line of ASCII, cut.
func printable(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, text)
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}

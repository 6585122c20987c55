package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// A source is where a CI job gets the token that says which job it is. The token itself is never kept.
type source struct {
	// Kind is env, file or github.
	Kind string `json:"kind"`
	// Name of the variable, or path of the file.
	Name string `json:"name,omitempty"`
	// Audience that GitHub is asked for.
	Audience string `json:"audience,omitempty"`
}

// The variables of GitHub Actions, there where a workflow has the permission id-token: write.
const (
	githubAddress = "ACTIONS_ID_TOKEN_REQUEST_URL"
	githubToken   = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
	// defaultEnv is the variable that the examples of modstead let GitLab fill.
	defaultEnv = "MODSTEAD_ID_TOKEN"
)

// findSource takes what the command line names, else what the surroundings offer.
func findSource(m *machine, env, file, audience, server string) (*source, error) {
	if env != "" && file != "" {
		return nil, errUsage{"--token-env and --token-file exclude each other"}
	}
	if audience == "" {
		audience = server
	}
	switch {
	case file != "":
		path, err := filepath.Abs(file)
		return &source{Kind: "file", Name: path}, err
	case env != "":
		return &source{Kind: "env", Name: env}, nil
	case m.env(defaultEnv) != "":
		return &source{Kind: "env", Name: defaultEnv}, nil
	case m.env(githubAddress) != "":
		return &source{Kind: "github", Audience: audience}, nil
	}
	return nil, errors.New("no token of a CI job is here; GitLab: id_tokens with " + defaultEnv +
		"; GitHub Actions: permissions with id-token: write; Kubernetes: --token-file with a projected token")
}

// read gets the token anew: the one of before may have ended.
func (s *source) read(ctx context.Context, m *machine) (secret, error) {
	var text string
	var where string
	switch s.Kind {
	case "env":
		text, where = m.env(s.Name), "the variable "+s.Name
	case "file":
		where = "the file " + s.Name
		found, err := os.Stat(s.Name)
		if err != nil {
			return "", fmt.Errorf("%s cannot be read: %w", where, err)
		}
		if !found.Mode().IsRegular() || found.Size() > largest {
			return "", fmt.Errorf("%s is too long or no plain file", where)
		}
		bytes, err := os.ReadFile(s.Name)
		if err != nil {
			return "", fmt.Errorf("%s cannot be read: %w", where, err)
		}
		text = string(bytes)
	case "github":
		where = "what GitHub gave"
		var err error
		if text, err = askGithub(ctx, m, s.Audience); err != nil {
			return "", err
		}
	default:
		return "", errors.New("the session does not say where its token comes from; sign in again")
	}
	token := secret(strings.TrimSpace(text))
	if token == "" {
		return "", fmt.Errorf("%s is empty", where)
	}
	if strings.Count(string(token), ".") != 2 || !isToken(token) {
		return "", fmt.Errorf("%s is no JSON Web Token", where)
	}
	return token, nil
}

// askGithub gets the ID token of a job from the runner's own service.
func askGithub(ctx context.Context, m *machine, audience string) (string, error) {
	u, err := url.Parse(m.env(githubAddress))
	if err != nil || !isPage(u.String()) {
		return "", errors.New(githubAddress + " is no https address; the job needs permissions with id-token: write")
	}
	pass := secret(m.env(githubToken))
	if !isToken(pass) {
		return "", errors.New(githubToken + " is missing; the job needs permissions with id-token: write")
	}
	query := u.Query()
	query.Set("audience", audience)
	u.RawQuery = query.Encode()
	got, err := request(ctx, http.MethodGet, u.String(), nil, http.Header{"Authorization": {"Bearer " + string(pass)}})
	if err != nil {
		return "", err
	}
	if got.status != http.StatusOK {
		return "", fmt.Errorf("GitHub gave no ID token: status %d", got.status)
	}
	var given struct {
		Value string `json:"value"`
	}
	if err := json.Unmarshal(got.body, &given); err != nil {
		return "", errors.New("GitHub gave no ID token: the answer is no JSON")
	}
	return given.Value, nil
}

// exchange gets an access token for the token of the job (RFC 8693).
func (s *session) exchange(ctx context.Context, m *machine) error {
	token, err := s.Source.read(ctx, m)
	if err != nil {
		return err
	}
	got, err := ask(ctx, s.Server, url.Values{
		"grant_type":         {grantExchange},
		"subject_token":      {string(token)},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"},
	})
	if err == nil {
		s.taken(got, m.now())
	}
	return err
}

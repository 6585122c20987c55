package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A sum is one line of go.sum: the hash of a zip, or with Mod that of a go.mod alone.
type sum struct {
	at   string
	mod  bool
	hash string
}

// verify compares a go.sum with the checksum database. It lets go itself do that: in an empty module cache and without a
// go.sum it takes nothing for proven, so that it asks GOSUMDB for each version, checks the proof, and downloads it from
// GOPROXY again.
func verify(ctx context.Context, m *machine, args []string) error {
	words, err := parse(flag.NewFlagSet("verify", flag.ContinueOnError), args, 1)
	if err != nil {
		return err
	}
	file := filepath.Join(first(words), "go.sum")
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w; name the folder of a Go project", err)
	}
	sums, err := parseSums(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	database, unproven, err := goSumSettings(ctx)
	if err != nil {
		return err
	}
	found, problems, err := askGo(ctx, sums)
	if err != nil {
		return err
	}
	var proven, left, differ, unknown int
	for _, one := range sums {
		hash, ok := found[one.key()]
		switch {
		case !ok:
			unknown++
			fmt.Fprintf(m.stdout, "not compared  %s: %s\n", one.key(), printable(problems[one.at], 400))
		case hash != one.hash:
			differ++
			fmt.Fprintf(m.stdout, "DIFFERENT     %s\n  go.sum has        %s\n  now there is      %s\n", one.key(), one.hash, hash)
		case matches(unproven, one.module()):
			left++
		default:
			proven++
		}
	}
	fmt.Fprintf(m.stdout, "%d of %d lines agree with %s", proven, len(sums), database)
	if left > 0 {
		fmt.Fprintf(m.stdout, "; %d are left out of it by GONOSUMDB and agree with what GOPROXY serves", left)
	}
	fmt.Fprintln(m.stdout)
	switch {
	case differ > 0:
		return fmt.Errorf("%d lines differ: build nothing with them, and show this to who runs the server", differ)
	case unknown > 0:
		return fmt.Errorf("%d lines could not be compared", unknown)
	}
	return nil
}

func (s sum) key() string {
	if s.mod {
		return s.at + "/go.mod"
	}
	return s.at
}

func (s sum) module() string { return s.at[:strings.IndexByte(s.at, '@')] }

func parseSums(text string) ([]sum, error) {
	var sums []sum
	for number, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) != 3 || !strings.HasPrefix(words[1], "v") || strings.HasPrefix(words[0], "-") {
			return nil, fmt.Errorf("line %d is none of a go.sum", number+1)
		}
		version, mod := strings.CutSuffix(words[1], "/go.mod")
		sums = append(sums, sum{words[0] + "@" + version, mod, words[2]})
	}
	if len(sums) == 0 {
		return nil, errors.New("it has no lines")
	}
	return sums, nil
}

// goSumSettings gives the name of the database and the patterns that are left out of it.
func goSumSettings(ctx context.Context) (name string, unproven string, err error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOSUMDB", "GONOSUMDB").Output()
	if err != nil {
		return "", "", fmt.Errorf("go cannot be run: %w", err)
	}
	lines := strings.SplitN(string(out), "\n", 3)
	name, _, _ = strings.Cut(strings.TrimSpace(lines[0]), "+")
	if name == "off" || name == "" {
		return "", "", errors.New("GOSUMDB is off: there is no checksum database to compare with")
	}
	return strings.Fields(name)[0], strings.TrimSpace(lines[1]), nil
}

// askGo lets go download what the lines name into an empty cache, and gives the hashes by their keys; where one is
// missing, what go said of it by its version.
func askGo(ctx context.Context, sums []sum) (map[string]string, map[string]string, error) {
	folder, err := os.MkdirTemp("", "modstead-verify-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(folder)
	found, problems := map[string]string{}, map[string]string{}
	var zips, mods []string
	for _, one := range sums {
		if !one.mod {
			zips = append(zips, one.at)
		}
	}
	for _, one := range sums {
		if one.mod && !slices.Contains(zips, one.at) {
			mods = append(mods, one.at)
		}
	}
	for _, each := range []struct {
		command []string
		names   []string
	}{
		{[]string{"mod", "download", "-json"}, zips},
		{[]string{"list", "-m", "-e", "-json"}, mods},
	} {
		// Windows takes no longer command line than this leaves.
		for names := range slices.Chunk(each.names, 100) {
			if err := runGo(ctx, folder, append(each.command, names...), found, problems); err != nil {
				return nil, nil, err
			}
		}
	}
	return found, problems, nil
}

// told is what go prints of one version.
type told struct {
	Path, Version, Sum, GoModSum, GoMod string
	Error                               any
}

func runGo(ctx context.Context, folder string, args []string, found, problems map[string]string) error {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "GOMODCACHE="+filepath.Join(folder, "mod"), "GOFLAGS=-modcacherw", "GO111MODULE=on", "GOWORK=off")
	var said bytes.Buffer
	command.Stderr = &said
	// It fails where one version does, and says in its output which.
	out, failed := command.Output()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	seen := 0
	for {
		var one told
		if err := decoder.Decode(&one); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("what go said cannot be read: %w", err)
		}
		seen++
		at := one.Path + "@" + one.Version
		switch text := one.Error.(type) {
		case string:
			problems[at] = text
			continue
		case map[string]any:
			problems[at] = fmt.Sprint(text["Err"])
			continue
		}
		if one.Sum != "" {
			found[at] = one.Sum
		}
		if one.GoModSum == "" && one.GoMod != "" {
			if bytes, err := os.ReadFile(one.GoMod); err == nil {
				one.GoModSum = hashGoMod(bytes)
			}
		}
		if one.GoModSum != "" {
			found[at+"/go.mod"] = one.GoModSum
		}
	}
	if failed != nil && seen == 0 {
		lines := bufio.NewScanner(&said)
		lines.Scan()
		return fmt.Errorf("go %s: %s", args[0], printable(lines.Text(), 300))
	}
	return nil
}

// hashGoMod is the h1 of a go.mod, as in go.sum (golang.org/x/mod/sumdb/dirhash).
func hashGoMod(bytes []byte) string {
	line := fmt.Sprintf("%x  go.mod\n", sha256.Sum256(bytes))
	all := sha256.Sum256([]byte(line))
	return "h1:" + base64.StdEncoding.EncodeToString(all[:])
}

// matches tells whether a pattern of a list as in GONOSUMDB is for a module: it matches the first elements of its path.
func matches(patterns, module string) bool {
	for pattern := range strings.SplitSeq(patterns, ",") {
		if pattern = strings.TrimSpace(pattern); pattern == "" {
			continue
		}
		elements := strings.Split(module, "/")
		n := strings.Count(pattern, "/") + 1
		if n > len(elements) {
			continue
		}
		if ok, err := path.Match(pattern, strings.Join(elements[:n], "/")); ok && err == nil {
			return true
		}
	}
	return false
}

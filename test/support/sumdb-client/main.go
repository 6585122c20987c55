// Sumdb-client asks a checksum database as cmd/go does, with golang.org/x/mod's own client, and follows its log with
// golang.org/x/mod's own proofs. It is built and run by test/support/sumdb-client.ts, which gives the name of the
// database, its key and the number of workers.
//
// Each line of standard input is an order, and is answered by one line on standard output, "ok" or "error …":
//
//	lookups URL SIZE COUNT SEED FRESH   looks up COUNT random modules of the first SIZE, with a new client that has
//	                                    the head seen before, and its tiles too unless FRESH is 1; then proves that
//	                                    the log has grown, and a few of its records
//	lookup URL N                        looks up module N with such a client
//	forget                              forgets the head and the tiles
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	name, key := os.Args[1], os.Args[2]
	workers, err := strconv.Atoi(os.Args[3])
	if err != nil {
		panic(err)
	}
	machine := &machine{name: name, key: key, workers: workers, cache: map[string][]byte{}}
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		if err := machine.obey(strings.Fields(orders.Text())); err != nil {
			fmt.Printf("error %s\n", strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		fmt.Println("ok")
	}
}

// A machine is a developer's: what its clients keep outlives them.
type machine struct {
	name, key string
	workers   int

	mu     sync.Mutex
	latest []byte
	cache  map[string][]byte
	// head is the last one of which machine.follow has proven that it continues the one before.
	head tlog.Tree
}

func (m *machine) obey(order []string) error {
	if len(order) == 0 {
		return errors.New("no order")
	}
	numbers := make([]int64, 0, len(order))
	for _, word := range order[min(2, len(order)):] {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return err
		}
		numbers = append(numbers, n)
	}
	switch {
	case order[0] == "lookups" && len(numbers) == 4:
		if numbers[3] == 1 {
			m.cache = map[string][]byte{}
		}
		if err := m.lookUp(order[1], numbers[0], numbers[1], numbers[2]); err != nil {
			return err
		}
		return m.follow(order[1], numbers[2])
	case order[0] == "lookup" && len(numbers) == 1:
		ops := &ops{machine: m, url: order[1]}
		return ops.check(sumdb.NewClient(ops), numbers[0])
	case order[0] == "forget":
		m.latest, m.cache, m.head = nil, map[string][]byte{}, tlog.Tree{}
		return nil
	}
	return fmt.Errorf("unknown order %q", order)
}

func (m *machine) lookUp(url string, size, count, seed int64) error {
	ops := &ops{machine: m, url: url}
	client := sumdb.NewClient(ops)
	failures := make(chan error, m.workers)
	for worker := range m.workers {
		go func() {
			random := rand.New(rand.NewSource(seed*1000 + int64(worker)))
			for i := int64(worker); i < count; i += int64(m.workers) {
				if err := ops.check(client, random.Int63n(size)); err != nil {
					failures <- err
					return
				}
			}
			failures <- nil
		}()
	}
	var first error
	for range m.workers {
		if err := <-failures; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// follow proves that the latest head continues the last one, and that some records are in the log under it.
func (m *machine) follow(url string, seed int64) error {
	ops := &ops{machine: m, url: url}
	text, err := ops.ReadRemote("/latest")
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(m.key)
	if err != nil {
		return err
	}
	signed, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	tree, err := tlog.ParseTree([]byte(signed.Text))
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, tiles{ops})
	if m.head.N > 0 {
		proof, err := tlog.ProveTree(tree.N, m.head.N, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, m.head.N, m.head.Hash); err != nil {
			return fmt.Errorf("from %d to %d records: %w", m.head.N, tree.N, err)
		}
	}
	random := rand.New(rand.NewSource(seed))
	for range 3 {
		n := random.Int63n(tree.N)
		proof, err := tlog.ProveRecord(tree.N, n, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, tlog.RecordHash([]byte(record(n)))); err != nil {
			return fmt.Errorf("record %d of %d: %w", n, tree.N, err)
		}
	}
	m.head = tree
	return nil
}

// ops are the outside of one client of a machine, which asks the database at a URL.
type ops struct {
	*machine
	url string

	mu       sync.Mutex
	security string
}

func (o *ops) check(client *sumdb.Client, n int64) error {
	path, version := target(n)
	lines, err := client.Lookup(path, version)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		return fmt.Errorf("%s@%s: %w %s", path, version, err, o.security)
	}
	if want := strings.Split(strings.TrimSpace(record(n)), "\n")[:1]; !slices.Equal(lines, want) {
		return fmt.Errorf("%s@%s is %q and not %q", path, version, lines, want)
	}
	return nil
}

var web = &http.Client{
	Timeout:   time.Minute,
	Transport: &http.Transport{MaxIdleConnsPerHost: 64},
}

func (o *ops) ReadRemote(path string) ([]byte, error) {
	answer, err := web.Get(o.url + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s gave %s: %s", path, answer.Status, body)
	}
	return body, err
}

func (o *ops) ReadConfig(file string) ([]byte, error) {
	if file == "key" {
		return []byte(o.key), nil
	}
	o.machine.mu.Lock()
	defer o.machine.mu.Unlock()
	return o.latest, nil
}

func (o *ops) WriteConfig(file string, old, new []byte) error {
	o.machine.mu.Lock()
	defer o.machine.mu.Unlock()
	if !bytes.Equal(old, o.latest) {
		return sumdb.ErrWriteConflict
	}
	o.latest = new
	return nil
}

func (o *ops) ReadCache(file string) ([]byte, error) {
	o.machine.mu.Lock()
	defer o.machine.mu.Unlock()
	if data, ok := o.cache[file]; ok {
		return data, nil
	}
	return nil, os.ErrNotExist
}

// WriteCache keeps tiles only: every lookup is to be asked of the database.
func (o *ops) WriteCache(file string, data []byte) {
	if !strings.HasPrefix(file, o.name+"/tile/") {
		return
	}
	o.machine.mu.Lock()
	defer o.machine.mu.Unlock()
	o.cache[file] = data
}

func (o *ops) Log(string) {}

func (o *ops) SecurityError(message string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.security = message
}

// tiles reads them from the database, without a cache.
type tiles struct{ *ops }

func (tiles) Height() int { return 8 }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		data, err := t.ReadRemote("/" + tile.Path())
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// target and record say what the log has as number n; test/support/sumdb-client.ts says the same.
func target(n int64) (path, version string) {
	switch n % 4 {
	case 1:
		return fmt.Sprintf("corp.example/Upper/M%d", n), "v1.0.0-RC.1"
	case 2:
		return fmt.Sprintf("corp.example/m%d", n), "v3.0.0+incompatible"
	case 3:
		return fmt.Sprintf("corp.example/m%d/v2", n), "v2.0.1-0.20260102030405-0123456789ab"
	}
	return fmt.Sprintf("corp.example/m%d", n), "v1.0.0"
}

func record(n int64) string {
	path, version := target(n)
	return fmt.Sprintf("%s %s %s\n%s %s/go.mod %s\n", path, version, hash(n, "zip"), path, version, hash(n, "mod"))
}

func hash(n int64, kind string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", n, kind))
	return "h1:" + base64.StdEncoding.EncodeToString(sum[:])
}

// SPDX-License-Identifier: Apache-2.0

// ledger_check reads a log as the gateway publishes it, and packs of proofs, with what Go's checksum database is verified with:
// golang.org/x/mod/sumdb/note and tlog, as Debian packages them. Nothing in here hashes a tree or checks a signature by itself; it only
// finds the files, and knows the two formats those packages do not: cosignatures and .tlog-proof files.
//
//	ledger_check -key VKEY [-witness VKEY]... [-old CHECKPOINT] [-pack DIR]... [LOG]
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A text can be given many times.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

var keys note.Verifiers
var names []string // of the keys; each must have signed

func must(err error, what string) {
	if err != nil {
		fmt.Printf("WRONG %s: %v\n", what, err)
		os.Exit(1)
	}
}

func check(ok bool, format string, args ...interface{}) {
	if !ok {
		must(errors.New(fmt.Sprintf(format, args...)), "log")
	}
}

func read(path string) []byte {
	b, err := os.ReadFile(path)
	must(err, "file")
	return b
}

// A witness's key: signature type 4 of C2SP's tlog-cosignature.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (w *witness) Name() string    { return w.name }
func (w *witness) KeyHash() uint32 { return w.hash }
func (w *witness) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(w.key, append([]byte(head), msg...), sig[8:])
}

func newWitness(vkey string) (note.Verifier, error) {
	part := strings.SplitN(vkey, "+", 3)
	if len(part) != 3 {
		return nil, errors.New("no verifier key")
	}
	code, err := base64.StdEncoding.DecodeString(part[2])
	if err != nil || len(code) != 33 || code[0] != 4 {
		return nil, errors.New("no key of a witness")
	}
	sum := sha256.Sum256(append([]byte(part[0]+"\n"), code...))
	if hex.EncodeToString(sum[:4]) != part[1] {
		return nil, errors.New("the id does not fit the key")
	}
	return &witness{part[0], binary.BigEndian.Uint32(sum[:]), code[1:]}, nil
}

// A checkpoint: log, size, root.
func openCheckpoint(b []byte, what string) tlog.Tree {
	n, err := note.Open(b, keys)
	must(err, what)
	for _, name := range names {
		found := false
		for _, s := range n.Sigs {
			found = found || s.Name == name
		}
		check(found, "%s: %s has not signed", what, name)
	}
	line := strings.SplitN(n.Text, "\n", 4)
	check(len(line) == 4 && line[0] == names[0], "%s: it is of another log: %q", what, n.Text)
	size, err := strconv.ParseInt(line[1], 10, 64)
	must(err, what)
	root, err := tlog.ParseHash(line[2])
	must(err, what)
	return tlog.Tree{N: size, Hash: root}
}

// Tiles where C2SP's tlog-tiles puts them: as Go does, but the height is always 8 and not in the path, entries are called so.
type tiles struct{ dir string }

func (t tiles) Height() int                         { return 8 }
func (t tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range want {
		path := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		b, err := os.ReadFile(filepath.Join(t.dir, path))
		if errors.Is(err, os.ErrNotExist) && tile.W < 256 { // it is full by now
			b, err = os.ReadFile(filepath.Join(t.dir, strings.Split(path, ".p/")[0]))
		}
		if err != nil {
			return nil, err
		}
		if len(b) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", path, len(b))
		}
		all = append(all, b[:tile.W*tlog.HashSize])
	}
	return all, nil
}

func entryBundle(dir string, n, size int64) []byte {
	width := size - n*256
	if width > 256 {
		width = 256
	}
	tile := tlog.Tile{H: 8, L: -1, N: n, W: int(width)}
	path := "tile/entries/" + strings.TrimPrefix(tile.Path(), "tile/8/data/")
	b, err := os.ReadFile(filepath.Join(dir, path))
	must(err, "entries")
	return b
}

// All entries of the log.
func entries(dir string, size int64) [][]byte {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		b := entryBundle(dir, n, size)
		count := 0
		for ; len(b) > 0; count++ {
			check(len(b) >= 2, "bundle %d ends in the middle", n)
			length := int(binary.BigEndian.Uint16(b))
			check(len(b) >= 2+length, "bundle %d ends in the middle", n)
			all = append(all, b[2:2+length])
			b = b[2+length:]
		}
		check(count == 256 || int64(len(all)) == size, "bundle %d has %d entries", n, count)
	}
	check(int64(len(all)) == size, "there are %d entries", len(all))
	return all
}

// The root once more, from the entries alone.
func rebuild(all [][]byte) tlog.Hash {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(index []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range index {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i, e := range all {
		more, err := tlog.StoredHashes(int64(i), e, reader)
		must(err, "tree")
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(int64(len(all)), reader)
	must(err, "tree")
	return root
}

func checkLog(dir, old string) {
	tree := openCheckpoint(read(filepath.Join(dir, "checkpoint")), "checkpoint")
	fmt.Printf("ok checkpoint: %s, %d leaves\n", names[0], tree.N)
	all := entries(dir, tree.N)
	check(rebuild(all) == tree.Hash, "the entries do not make the checkpoint's root")
	fmt.Printf("ok entries: %d make the root\n", len(all))
	reader := tlog.TileHashReader(tree, tiles{dir})
	var index []int64
	for i := range all {
		index = append(index, tlog.StoredHashIndex(0, int64(i)))
	}
	for at := 0; at < len(index); at += 1024 {
		end := at + 1024
		if end > len(index) {
			end = len(index)
		}
		hashes, err := reader.ReadHashes(index[at:end])
		must(err, "tiles")
		for i, h := range hashes {
			check(h == tlog.RecordHash(all[at+i]), "entry %d is not what its tile says", at+i)
		}
	}
	fmt.Printf("ok tiles: every entry is in its tile, every tile under the root\n")
	step := int64(len(all)/1000 + 1) // proofs read all their tiles each time
	proofs := 0
	for i := int64(0); i < tree.N; i += step {
		p, err := tlog.ProveRecord(tree.N, i, reader)
		must(err, "inclusion")
		must(tlog.CheckRecord(p, tree.N, tree.Hash, i, tlog.RecordHash(all[i])), "inclusion")
		proofs++
	}
	fmt.Printf("ok inclusion: %d proofs\n", proofs)
	if old != "" {
		before := openCheckpoint(read(old), "old checkpoint")
		p, err := tlog.ProveTree(tree.N, before.N, reader)
		must(err, "consistency")
		must(tlog.CheckTree(p, tree.N, tree.Hash, before.N, before.Hash), "consistency")
		fmt.Printf("ok consistency: %d to %d, %d hashes\n", before.N, tree.N, len(p))
	}
}

func parseProof(b []byte) (index int64, p tlog.RecordProof, checkpoint []byte) {
	part := bytes.SplitN(b, []byte("\n\n"), 2)
	check(len(part) == 2, "the proof has no checkpoint")
	line := strings.Split(string(part[0]), "\n")
	check(line[0] == "c2sp.org/tlog-proof@v1", "the proof begins with %q", line[0])
	line = line[1:]
	if strings.HasPrefix(line[0], "extra ") {
		line = line[1:]
	}
	check(strings.HasPrefix(line[0], "index "), "the proof has no index")
	index, err := strconv.ParseInt(line[0][6:], 10, 64)
	must(err, "proof")
	for _, l := range line[1:] {
		h, err := tlog.ParseHash(l)
		must(err, "proof")
		p = append(p, h)
	}
	return index, p, part[1]
}

// An event of a pack: record and salt, commitment, entry, proof, checkpoint.
func checkEvent(dir string) {
	entry, record := read(filepath.Join(dir, "entry.bin")), read(filepath.Join(dir, "record.json"))
	salt, err := hex.DecodeString(strings.TrimSuffix(string(read(filepath.Join(dir, "salt.txt"))), "\n"))
	must(err, dir)
	commit := sha256.Sum256(append(append([]byte("wayleave record v1\n"), salt...), record...))
	check(len(entry) == 112 && bytes.Equal(commit[:], entry[48:80]), "%s: the entry does not commit to the record", dir)
	index, p, checkpoint := parseProof(read(filepath.Join(dir, "proof.tlog-proof")))
	tree := openCheckpoint(checkpoint, dir)
	must(tlog.CheckRecord(p, tree.N, tree.Hash, index, tlog.RecordHash(entry)), dir)
	var said struct {
		Notice struct {
			SHA256 *string `json:"sha256"`
		} `json:"privacy_notice"`
	}
	must(json.Unmarshal(record, &said), dir)
	if said.Notice.SHA256 != nil {
		sum := sha256.Sum256(read(filepath.Join(dir, "notice.txt")))
		check(hex.EncodeToString(sum[:]) == *said.Notice.SHA256, "%s: the notice is another one", dir)
	}
}

func checkPack(dir string) {
	openCheckpoint(read(filepath.Join(dir, "checkpoint.txt")), "checkpoint.txt")
	events, err := filepath.Glob(filepath.Join(dir, "events", "*"))
	must(err, dir)
	check(len(events) > 0, "%s has no events", dir)
	sort.Strings(events)
	for _, e := range events {
		checkEvent(e)
	}
	fmt.Printf("ok pack: %d events\n", len(events))
}

func main() {
	var witnesses, packs list
	key := flag.String("key", "", "the log's verifier key")
	old := flag.String("old", "", "a file with an earlier checkpoint")
	flag.Var(&witnesses, "witness", "a witness's verifier key")
	flag.Var(&packs, "pack", "a folder that was exported")
	flag.Parse()
	v, err := note.NewVerifier(*key)
	must(err, "key")
	known := []note.Verifier{v}
	for _, w := range witnesses {
		v, err := newWitness(w)
		must(err, "witness")
		known = append(known, v)
	}
	keys = note.VerifierList(known...)
	for _, v := range known {
		names = append(names, v.Name())
	}
	if flag.NArg() > 0 {
		checkLog(flag.Arg(0), *old)
	}
	for _, p := range packs {
		checkPack(p)
	}
}

// Package docs holds no code: its tests compare what the documentation says with the
// code, and check its links.
package docs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/config"
)

// row is one key of configuration.md.
type row struct{ key, values, byDefault, example, what string }

var keyRow = regexp.MustCompile("(?m)^\\| `([a-zA-Z_.]+)` \\| (.+) \\|$")

// rows are the keys that configuration.md has, in its order.
func rows(t *testing.T) []row {
	text, _, found := strings.Cut(read(t, "configuration.md"), "\n## On the kernel command line\n")
	if !found {
		t.Fatal("configuration.md: no section on the kernel command line")
	}
	var list []row
	for _, m := range keyRow.FindAllStringSubmatch(text, -1) {
		cells := strings.Split(m[2], " | ")
		if len(cells) != 4 {
			t.Fatalf("configuration.md: %s: %d cells, want 5: key, values, default, example, what", m[1], len(cells)+1)
		}
		list = append(list, row{m[1], cells[0], cells[1], cells[2], cells[3]})
	}
	return list
}

// Each key of the code has a row in configuration.md and an item in the man page, and
// each of those is a key of the code.
func TestKeys(t *testing.T) {
	var documented, manned []string
	for _, r := range rows(t) {
		documented = append(documented, r.key)
	}
	for _, m := range regexp.MustCompile(`(?m)^\.It Cm (\S+)$`).FindAllStringSubmatch(read(t, manPage), -1) {
		manned = append(manned, m[1])
	}
	code := config.KeyNames()
	compare(t, "configuration.md", documented, code)
	if !*update { // else TestManPageKeys is about to write it
		compare(t, manPage, manned, code)
	}
}

// compare holds the names that a document has to those of the code.
func compare(t *testing.T, where string, got, want []string) {
	t.Helper()
	for i, name := range got {
		if slices.Contains(got[:i], name) {
			t.Errorf("%s: %s is there twice", where, name)
		}
		if !slices.Contains(want, name) {
			t.Errorf("%s: %s, which the code does not have", where, name)
		}
	}
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("%s: no %s, which the code has", where, name)
		}
	}
}

// What stands as an example loads without a problem and changes the configuration; a
// default that is a value changes nothing.
func TestExamplesAndDefaults(t *testing.T) {
	for _, r := range rows(t) {
		code, literal := unquote(r.example)
		if !literal {
			t.Errorf("%s: the example %s is no TOML in `…`", r.key, r.example)
			continue
		}
		if same(load(t, r.key, table(r.key, code)), load(t, r.key, table(r.key, ""))) {
			t.Errorf("%s: the example %s changes nothing", r.key, code)
		}
		value, literal := unquote(r.byDefault)
		if !literal || strings.ContainsAny(r.byDefault, " ,") && !strings.HasPrefix(r.byDefault, "`[") {
			continue // it is told in words
		}
		_, last := split(r.key)
		if header, _ := split(r.key); header[:2] == "[[" || strings.HasPrefix(r.key, "peers.") || strings.Contains(r.key, ".route.") {
			continue // a table without the others is a problem
		}
		if !same(load(t, r.key, table(r.key, last+" = "+value)), load(t, r.key, table(r.key, ""))) {
			t.Errorf("%s: %s is not the default", r.key, value)
		}
	}
}

// unquote takes the `…` off a cell that is nothing else.
func unquote(cell string) (code string, ok bool) {
	code = strings.Trim(cell, "`")
	return code, len(cell) == len(code)+2 && !strings.Contains(code, "`")
}

// split parts a key into the header of its table and its own name.
func split(key string) (header, last string) {
	section, last, _ := strings.Cut(key, ".")
	switch section {
	case "network":
		return "[network.eth0]", strings.TrimPrefix(last, "IFACE.")
	case "mount", "service", "device":
		return "[[" + section + "]]", last
	}
	return "[" + section + "]", last
}

// rest is what an entry of a list of tables has to have: without it there is a problem.
var rest = map[string][]string{
	"[[mount]]":   {`source = "/dev/vdb"`, `target = "/data"`, `type = "ext4"`},
	"[[service]]": {`name = "other"`, `exec = ["/bin/other"]`},
	"[[device]]":  {`match = "ttyS1"`, `mode = "0600"`},
}

// table is a whole beaminit.toml for a line of it. One of distribution.tls comes with
// the two others, one of a list of tables with the rest of its entry: alone they are a
// problem.
func table(key, line string) string {
	header, last := split(key)
	switch {
	case rest[header] != nil && line == "" && slices.ContainsFunc(rest[header], func(l string) bool { return strings.HasPrefix(l, last+" ") }):
		return ""
	case header == "[distribution]" && strings.HasPrefix(line, "tls."):
		for _, k := range []string{"cert", "key", "ca"} {
			if !strings.HasPrefix(line, "tls."+k+" ") {
				line += "\ntls." + k + ` = "/data/tls/` + k + `.pem"`
			}
		}
	case header == "[peers]" && strings.Contains(line, "port ="):
		line += "\n[distribution]\nepmd = \"daemon\""
	}
	for _, l := range rest[header] {
		name, _, _ := strings.Cut(l, " ")
		if !strings.HasPrefix(line, name+" ") {
			line += "\n" + l
		}
	}
	return header + "\n" + line + "\n"
}

// load gives the configuration of a node whose beaminit.toml has this text.
func load(t *testing.T, key, toml string) *config.Config {
	t.Helper()
	c := config.Load("", func(path string) ([]byte, error) {
		switch path {
		case config.Path:
			return []byte(toml), nil
		case config.EtcHostnamePath:
			return []byte("bird\n"), nil
		case "/sys/class/net/eth0/address":
			return []byte("02:00:00:00:00:01\n"), nil
		case "/etc/board-id":
			return []byte("4711\n"), nil
		}
		return nil, fs.ErrNotExist
	})
	for _, p := range c.Problems {
		t.Errorf("%s: %s\n%s", key, p, toml)
	}
	return c
}

// same compares all that a configuration says.
func same(a, b *config.Config) bool {
	x, y := reflect.ValueOf(*a), reflect.ValueOf(*b)
	for i := range x.NumField() {
		f := x.Type().Field(i)
		if f.IsExported() && f.Name != "Notes" && f.Name != "Problems" &&
			fmt.Sprint(x.Field(i).Interface()) != fmt.Sprint(y.Field(i).Interface()) { // an empty list is no list
			return false
		}
	}
	return true
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// pages are the documents of the repository, by their paths from here.
func pages(t *testing.T) []string {
	list := []string{"../README.md", "../yocto-layer/README.md", "../yocto-layer/SECURITY.md", "../qemu/yocto/README.md"}
	here, err := filepath.Glob("*.md")
	if err != nil || len(here) == 0 {
		t.Fatal(here, err)
	}
	return append(list, here...)
}

var target = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// Every relative link leads to a file, and to a heading of it where it names one.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		for _, m := range target.FindAllStringSubmatch(withoutCode(read(t, page)), -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			to := page
			if path != "" {
				to = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: the link %s: %v", page, m[1], err)
			} else if anchor != "" && !anchors(read(t, to))[anchor] {
				t.Errorf("%s: the link %s: %s has no such heading", page, m[1], to)
			}
		}
	}
}

// Each page of docs is one click from the README.
func TestReadmeHasEveryPage(t *testing.T) {
	readme := read(t, "../README.md")
	for _, page := range pages(t) {
		if filepath.Dir(page) == "." && !strings.Contains(readme, "](docs/"+page) {
			t.Errorf("README.md has no link to docs/%s", page)
		}
	}
}

// The README is read before a decision to go on: it stays short.
func TestReadmeIsShort(t *testing.T) {
	if n := strings.Count(read(t, "../README.md"), "\n"); n > 200 {
		t.Errorf("README.md has %d lines, want at most 200", n)
	}
}

// The table of the house has every directory with a package that others can import, and
// no other. What is internal has one row.
func TestRooms(t *testing.T) {
	_, table, _ := strings.Cut(read(t, "contributing.md"), "\n## The house\n")
	table, _, _ = strings.Cut(table, "\n\nData runs one way")
	var rooms []string
	for _, line := range strings.Split(table, "\n") {
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		for _, m := range regexp.MustCompile("`([a-z/-]+)`").FindAllStringSubmatch(cell, -1) {
			rooms = append(rooms, m[1])
		}
	}
	list, err := exec.Command("go", "list", "-f", "{{.Dir}}", "../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dirs := []string{"qemu"} // another module
	for _, dir := range strings.Fields(string(list)) {
		dir, err = filepath.Rel(root, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range []string{"internal", "yocto-layer"} {
			if strings.HasPrefix(dir, one+"/") {
				dir = one
			}
		}
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	compare(t, "contributing.md", rooms, dirs)
}

// withoutCode leaves out what stands between lines of ```.
func withoutCode(text string) string {
	var b strings.Builder
	for i, part := range strings.Split("\n"+text, "\n```") {
		if i%2 == 0 {
			b.WriteString(part + "\n")
		}
	}
	return b.String()
}

// anchors are the headings of a page as GitHub names them: in lower case, without
// punctuation, with hyphens for blanks.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for _, line := range strings.Split(withoutCode(text), "\n") {
		title := strings.TrimLeft(line, "#")
		if level := len(line) - len(title); level == 0 || !strings.HasPrefix(title, " ") {
			continue
		}
		all[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(title))] = true
	}
	return all
}

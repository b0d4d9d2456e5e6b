package image

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestMakeOnce(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "sub", "out")
	made := 0
	build := func(tmp string) error {
		made++
		return os.WriteFile(tmp, []byte{byte('0' + made)}, 0o644)
	}
	broken := func(tmp string) error {
		os.WriteFile(tmp, []byte("half"), 0o644)
		os.Mkdir(tmp+".work", 0o755)
		return errors.New("broken")
	}
	steps := []struct {
		name  string
		sum   string
		first func() error
		build func(string) error
		made  int
		fails bool
		text  string
	}{
		{name: "nothing there", sum: "a", build: build, made: 1, text: "1"},
		{name: "the same again", sum: "a", build: build, made: 1, text: "1"},
		{name: "made from something else", sum: "b", build: build, made: 2, text: "2"},
		{name: "back again", sum: "a", build: build, made: 3, text: "3"},
		{name: "somebody removed it", sum: "a", first: func() error { return os.Remove(out) }, build: build, made: 4, text: "4"},
		{name: "a build that fails", sum: "c", build: broken, made: 4, fails: true, text: "4"},
		{name: "after one that failed", sum: "a", build: build, made: 5, text: "5"},
	}
	for _, s := range steps {
		if s.first != nil {
			if err := s.first(); err != nil {
				t.Fatal(err)
			}
		}
		said := 0
		before := made
		err := makeOnce(out, s.sum, "building", func(string) { said++ }, s.build)
		if (err != nil) != s.fails {
			t.Errorf("%s: error %v", s.name, err)
		}
		if made != s.made {
			t.Errorf("%s: built %d times by now, want %d", s.name, made, s.made)
		}
		if worked := made > before || s.fails; (said == 1) != worked {
			t.Errorf("%s: said %d lines", s.name, said)
		}
		if got, err := os.ReadFile(out); err != nil || string(got) != s.text {
			t.Errorf("%s: out has %q (%v), want %q", s.name, got, err, s.text)
		}
		if left, _ := filepath.Glob(out + ".tmp*"); len(left) > 0 {
			t.Errorf("%s: out.tmp was left", s.name)
		}
	}
}

func TestDigestSeesEveryChange(t *testing.T) {
	sumOf := func(change func(dir string) error) string {
		dir := t.TempDir()
		file := filepath.Join(dir, "file")
		err := errors.Join(os.WriteFile(file, []byte("text"), 0o644), os.Symlink("file", filepath.Join(dir, "link")), change(dir))
		if err != nil {
			t.Fatal(err)
		}
		d := newDigest()
		d.tree(dir)
		sum, err := d.sum()
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	same := sumOf(func(string) error { return nil })
	if again := sumOf(func(string) error { return nil }); again != same {
		t.Error("the same tree has two digests")
	}
	for name, change := range map[string]func(dir string) error{
		"content":     func(d string) error { return os.WriteFile(filepath.Join(d, "file"), []byte("Text"), 0o644) },
		"permissions": func(d string) error { return os.Chmod(filepath.Join(d, "file"), 0o755) },
		"a new file":  func(d string) error { return os.WriteFile(filepath.Join(d, "new"), nil, 0o644) },
		"a new dir":   func(d string) error { return os.Mkdir(filepath.Join(d, "new"), 0o755) },
		"a name":      func(d string) error { return os.Rename(filepath.Join(d, "file"), filepath.Join(d, "fill")) },
		"a link": func(d string) error {
			return errors.Join(os.Remove(filepath.Join(d, "link")), os.Symlink("other", filepath.Join(d, "link")))
		},
	} {
		if sumOf(change) == same {
			t.Errorf("the digest does not see a change of %s", name)
		}
	}
}

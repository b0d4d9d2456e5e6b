package boot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beaminit/beaminit/internal/nstest"
)

// TestEscape: the names of links are those that blkid(8) gives udev, of a file system that has
// the label; and what a [[mount]] makes of them is the label.
func TestEscape(t *testing.T) {
	image := filepath.Join(t.TempDir(), "image")
	for label, want := range map[string]string{
		"data":              "data",
		"my data":           `my\x20data`,
		`a/b\c`:             `a\x2fb\x5cc`,
		"#+-.:=@_09azAZ":    "#+-.:=@_09azAZ",
		"däta€":             "däta€",
		"\xff\xc3":          `\xff\xc3`,
		`"'$;~,`:            `\x22\x27\x24\x3b\x7e\x2c`,
		"\t\x7f!":           `\x09\x7f\x21`,
		`\x20`:              `\x5cx20`,
		"\xe2\x82 \xf0\x9f": `\xe2\x82\x20\xf0\x9f`,
	} {
		if got := escape(label); got != want {
			t.Errorf("%q: %s, want %s", label, got, want)
		}
		if got := tagOf(linkOf("LABEL=", label)); got != "LABEL="+label {
			t.Errorf("%q comes back as %q", label, got)
		}
		nstest.Must(t, os.WriteFile(image, make([]byte, 1<<20), 0o600))
		if out, err := exec.Command("/usr/sbin/mkfs.ext4", "-q", "-F", "-L", label, image).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		out, err := exec.Command("/usr/sbin/blkid", "-p", "-o", "udev", image).Output()
		if err != nil || !strings.Contains(string(out), "ID_FS_LABEL_ENC="+want+"\n") {
			t.Errorf("%q: blkid says %v\n%s", label, err, out)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("my data")
	f.Add("\xff\\x20")
	f.Fuzz(func(t *testing.T, label string) {
		name := escape(label)
		if strings.ContainsAny(name, "/ \n\x00") || tagOf(linkOf("LABEL=", label)) != "LABEL="+label {
			t.Errorf("%q: %q", label, name)
		}
	})
}

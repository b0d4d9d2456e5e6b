package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

func TestUnpackLinks(t *testing.T) {
	for to, good := range map[string]bool{
		"libx.so.1": true, "../priv/libx.so.1": true,
		"../../../../etc/passwd": false, "/etc/passwd": false,
	} {
		var text bytes.Buffer
		z := gzip.NewWriter(&text)
		w := tar.NewWriter(z)
		w.WriteHeader(&tar.Header{Name: "lib/x-1/priv/libx.so", Typeflag: tar.TypeSymlink, Linkname: to})
		w.Close()
		z.Close()
		dir := t.TempDir()
		file := filepath.Join(dir, "x.tar.gz")
		if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		err := unpack(file, filepath.Join(dir, "out"))
		got, _ := os.Readlink(filepath.Join(dir, "out/lib/x-1/priv/libx.so"))
		if good != (err == nil) || good != (got == to) {
			t.Errorf("a link to %s: error %v, unpacked as a link to %q", to, err, got)
		}
	}
}

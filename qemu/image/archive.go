package image

import (
	"io"
	"io/fs"
	"os"
)

// File is one file of an archive: a directory, a regular file, or a symbolic link
// whose Data is its target, by the type bits of Mode.
type File struct {
	Name string // without a leading slash
	Mode fs.FileMode
	Data []byte
}

// WriteInitramfs writes files as an initramfs that the kernel unpacks, together
// with the modules (and what they need) of k.
func WriteInitramfs(w io.Writer, files []File, k Kernel, names ...string) error {
	var entries []entry
	for _, f := range files {
		entries = append(entries, entry{name: f.Name, mode: f.Mode, data: f.Data})
	}
	more, err := modules(os.DirFS(k.Modules), k.Version, names)
	if err != nil {
		return err
	}
	return writeCPIO(w, append(entries, more...))
}

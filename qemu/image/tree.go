package image

import (
	"path/filepath"
	"strings"
)

// Demo lays out the demo release with this machine's ERTS in to, as it is in the lab's
// image. What has to be made for it is kept in dir.
func Demo(dir, to string, say func(string)) error {
	release, err := demoRelease("eclero", dir, say)
	if err != nil {
		return err
	}
	return copyRelease(release, to, erlangRoot)
}

// AddLibraries copies into root the libraries and loaders of this machine that the
// programs in release need, each to the place that it has here.
func AddLibraries(root, release string) error { return addLibraries(root, release, "") }

// addLibraries takes them from the directory sys, which is laid out as this machine is.
func addLibraries(root, release, sys string) error {
	libs, err := libraries(release, sys)
	if err != nil {
		return err
	}
	for _, lib := range libs {
		if err := copyFile(lib, filepath.Join(root, strings.TrimPrefix(lib, sys))); err != nil {
			return err
		}
	}
	return nil
}

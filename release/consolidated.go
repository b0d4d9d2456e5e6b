package release

import (
	"errors"
	"slices"
	"strings"
)

// FindConsolidated looks for the consolidated protocols of Elixir where the releases have
// them that erlinit knows, lib/APP/consolidated, and puts them in front of the code path.
// A mix release has them in its boot script. It is not part of Find, because a boot
// without them should not pay for it.
func (r *Release) FindConsolidated(fsys FS) {
	const dir = "/consolidated"
	var found []string
	names, _ := fsys.List(r.Root + "/lib")
	for _, name := range names {
		if path := r.Root + "/lib/" + name + dir; isDir(fsys, path) {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		return
	}
	slices.Sort(found)
	r.consolidated = found[0]
	r.why("-pa ", found[0], ": consolidated protocols")
	if len(found) > 1 {
		r.problem(errors.New("several directories of consolidated protocols (" + strings.Join(found, ", ") + "); want one; using the first"))
	}
}

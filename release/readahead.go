package release

import (
	"bytes"
	"strings"
)

// ReadAhead names every file that the start of the release reads, in the order in which
// it does: the programs of ERTS with their libraries, the boot script, and the modules
// that this has the VM load. With all false they are those of interactive mode: what is
// loaded later than that, nobody knows before it is called.
//
// The libraries are read here, to find out what they need in turn; for all else want is
// called.
func (r *Release) ReadAhead(fsys FS, all bool, want func(path string)) {
	l := r.loader(fsys)
	l.usual()
	for _, program := range [...]string{"erlexec", "beam.smp", "erl_child_setup"} {
		l.need(r.ERTSDir + "/bin/" + program)
	}
	boot, err := fsys.Read(r.Boot+".boot", 64*maxFile)
	if err != nil {
		return
	}
	for _, file := range loadOrder(boot, all) {
		if path := r.resolve(file, nil); path != "" {
			want(path + ".beam")
		}
	}
}

// loadOrder gives the modules that a boot script has the VM load, such as
// "$ROOT/lib/kernel-8.5.3/ebin/code", in that order; without all, those that it loads in
// interactive mode too. A module is looked for in each directory of the {path, …} before
// it. See codeDirs for the format.
func loadOrder(boot []byte, all bool) (files []string) {
	var dirs []string
	if !all {
		boot, _, _ = bytes.Cut(boot, []byte("kernel_load_completed"))
	}
	for at := range boot {
		rest := boot[at:]
		switch {
		case bytes.HasPrefix(rest, []byte("path\x6c")): // an atom, and a list behind it
			dirs = terms(rest[len("path\x6c"):])
		case bytes.HasPrefix(rest, []byte("primLoad\x6c")):
			files = append(files, placesOf(terms(rest[len("primLoad\x6c"):]), dirs)...)
		}
	}
	return files
}

// placesOf are where modules may lie, each in each directory of a release.
func placesOf(modules, dirs []string) (files []string) {
	for _, module := range modules {
		for _, dir := range dirs {
			if strings.HasPrefix(dir, "$") {
				files = append(files, dir+"/"+module)
			}
		}
	}
	return files
}

// terms reads the elements of a list, behind its tag (LIST_EXT of erl_ext_dist), as long
// as they are strings or atoms.
func terms(b []byte) (list []string) {
	const length = 4 // bytes, of the list
	for b = b[min(length, len(b)):]; len(b) > 3; {
		n, head := 0, 3
		switch b[0] {
		case 107, 100, 118: // STRING_EXT, ATOM_EXT, ATOM_UTF8_EXT
			n = int(b[1])<<8 | int(b[2])
		case 119: // SMALL_ATOM_UTF8_EXT
			n, head = int(b[1]), 2
		default:
			return list
		}
		if len(b) < head+n {
			return list
		}
		list, b = append(list, string(b[head:head+n])), b[head+n:]
	}
	return list
}

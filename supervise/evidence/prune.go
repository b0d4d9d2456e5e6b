package evidence

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// kept is what is left of one run.
type kept struct {
	run  string
	last int64 // when it was written, in ns since 1970
}

// maxFiles bounds how many files of a directory are looked at: its owner can make as
// many as it wants.
const maxFiles = 4096

// Prune removes what is left of the oldest runs, so that Keep are left. The run named
// is the latest whatever the clock said. Files of other names are let alone.
func (d *Dumps) Prune(latest string) error {
	dir, err := d.open()
	if err == nil {
		defer dir.Close()
		err = d.prune(dir, latest)
	}
	if err != nil && !files.Missing(err) {
		return errors.New("remove old crash dumps in " + d.Dir + ": " + err.Error())
	}
	return nil
}

func (d *Dumps) prune(dir *files.Dir, latest string) (err error) {
	runs, err := list(dir)
	for len(runs) > d.Keep {
		oldest := -1
		for i := range runs {
			if runs[i].run != latest && (oldest < 0 || runs[i].last < runs[oldest].last) {
				oldest = i
			}
		}
		if oldest < 0 {
			break
		}
		run := runs[oldest].run
		runs[oldest] = runs[len(runs)-1]
		runs = runs[:len(runs)-1]
		for _, name := range [...]string{dumpPrefix + run + dumpSuffix, outputPrefix + run + outputSuffix} {
			if e := dir.Remove(name); e != nil && !files.Missing(e) {
				err = e
			}
		}
	}
	return err
}

// list gives the runs that something is left of.
func list(dir *files.Dir) (runs []kept, err error) {
	names, err := dir.Names(maxFiles)
	for _, name := range names {
		var st unix.Stat_t
		if run, ok := runOf(name); ok && dir.Stat(name, &st) == nil {
			runs = add(runs, kept{run, unix.TimespecToNsec(st.Mtim)})
		}
	}
	return runs, err
}

func add(runs []kept, k kept) []kept {
	for i := range runs {
		if runs[i].run == k.run {
			runs[i].last = max(runs[i].last, k.last)
			return runs
		}
	}
	return append(runs, k)
}

// runOf is the run that a file is of, by its name.
func runOf(name string) (run string, ok bool) {
	for _, form := range [...][2]string{{dumpPrefix, dumpSuffix}, {outputPrefix, outputSuffix}} {
		if strings.HasPrefix(name, form[0]) && strings.HasSuffix(name, form[1]) && len(name) > len(form[0])+len(form[1]) {
			run = name[len(form[0]) : len(name)-len(form[1])]
			return run, isRun(run)
		}
	}
	return "", false
}

func isRun(s string) bool {
	if len(s) < 10 || len(s) > 20 || s[8] != '-' {
		return false
	}
	for i := 0; i < len(s); i++ {
		hex := s[i] >= '0' && s[i] <= '9' || i < 8 && s[i] >= 'a' && s[i] <= 'f'
		if i != 8 && !hex {
			return false
		}
	}
	return true
}

package evidence

import (
	"golang.org/x/sys/unix"

	"github.com/beaminit/beaminit/internal/files"
)

// Move brings what was kept in the directory From, in memory, to where dumps are kept now.
// It is data alone, as a Job is.
type Move struct {
	From string
	To   Dumps
}

// Do does it, and gives what failed. Like all in such a directory, a file may be anything by
// now: it is taken where it is a regular file, of root's or the release's user and of no
// other name.
func (m Move) Do() (problems []string) {
	from, err := files.OpenDir(m.From, files.Rule{Any: true})
	if files.Missing(err) {
		return nil
	}
	if err != nil {
		return []string{err.Error()}
	}
	defer from.Close()
	if err := m.To.Make(); err != nil {
		return []string{err.Error()}
	}
	to, err := m.To.open()
	if err != nil {
		return []string{err.Error()}
	}
	defer to.Close()
	names, _ := from.Names(maxFiles)
	for _, name := range names {
		if _, ok := runOf(name); !ok {
			continue
		}
		if err := m.move(from, to, name); err != nil {
			problems = append(problems, err.Error())
		}
	}
	return problems
}

func (m Move) move(from, to *files.Dir, name string) error {
	var st unix.Stat_t
	if err := from.Stat(name, &st); err != nil || st.Nlink != 1 || st.Uid != m.To.UID && st.Uid != 0 {
		return err // somebody else's
	}
	text, err := from.Read(name, files.Rule{Any: true, Limit: max(m.To.Bytes, RingSize)})
	if err != nil {
		return err
	}
	if err := to.WriteAtomic(name, text, files.How{Mode: 0o600, UID: st.Uid, GID: st.Gid, Sync: true}); err != nil {
		return err
	}
	return from.Remove(name)
}

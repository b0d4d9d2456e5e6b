package history

// Job is what is to be done with the files of a history, all of which may hang where
// their disk does. It and Done are data alone: a child can be given the one and give the
// other back (encoding/json).
type Job struct {
	Dir   string  // where the files are
	Read  bool    // give what is there
	Add   []Entry // to the end
	Alive *Entry  // the node lived at that time; nil: not to be noted
}

// Done is what came of a Job.
type Done struct {
	Entries []Entry // what was there, oldest first
	Garbled int     // bytes between them that are no entries
	Last    Entry   // the last sign of life that was noted; the zero Entry: none
	Problem string  // what failed, and what helps; empty: nothing did
}

// Do does it.
func (j Job) Do() (d Done) {
	var err error
	if j.Read {
		d.Entries, d.Garbled, err = Read(j.Dir)
		d.Last = readAlive(j.Dir)
	}
	if err == nil && len(j.Add) > 0 {
		err = Add(j.Dir, j.Add)
	}
	if err == nil && j.Alive != nil {
		err = writeAlive(j.Dir, *j.Alive)
	}
	if err != nil {
		d.Problem = err.Error() + remedy(err)
	}
	return d
}

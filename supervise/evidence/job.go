package evidence

// Job is what is to be done in the directory of the dumps, which may hang where its disk
// does, and in which the release's user can put anything. It and Done are data alone: a
// child can be given the one and give the other back (encoding/json).
type Job struct {
	Dumps  Dumps
	Run    string // as Run has it
	Read   bool   // read the slogan of its crash dump
	Make   bool   // the directory
	Output []byte // the run's last output, which is kept; empty: nothing is
	Prune  bool   // what is left of the oldest runs goes
}

// Done is what came of a Job.
type Done struct {
	Slogan   string   // of the crash dump; empty: none, or it has none
	Size     int64    // of the crash dump, in bytes; 0: there is none
	Written  int64    // for Own of the next job; 0: as it was
	Problems []string // what failed
}

// Do does it.
func (j Job) Do() (d Done) {
	problem := func(err error) bool {
		if err != nil {
			d.Problems = append(d.Problems, err.Error())
		}
		return err != nil
	}
	if j.Read {
		d.Slogan, d.Size = j.Dumps.Slogan(j.Run)
		if j.Dumps.Own != nil {
			d.Written = j.Dumps.Own.Written
		}
	}
	if j.Make && problem(j.Dumps.Make()) {
		return d
	}
	problem(j.Dumps.KeepOutput(j.Run, j.Output))
	if j.Prune {
		problem(j.Dumps.Prune(j.Run))
	}
	return d
}

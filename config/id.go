package config

import (
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// readID reads the board's id from a file.
func (l *loader) readID(file string) (id string, f fault) {
	data, err := l.read(file)
	id = firstWord(data)
	switch {
	case err != nil:
		f.what = "the id cannot be read: " + err.Error()
	case clean(id) == "":
		f.what = file + " holds no id"
	default:
		return id, f
	}
	f.want = "a file that begins with the id"
	return "", f
}

// askID runs the program that tells the id. Where a plan is made, none is run.
func (l *loader) askID(command string) (id string, f fault) {
	if l.run == nil {
		const zeros = "00000000"
		l.note("node.id", command+" is asked on the node; here "+zeros+" stands for its answer")
		return zeros, f
	}
	out, err := l.run(strings.Fields(command))
	id = firstWord(out)
	switch {
	case err != nil:
		f.what = "the id cannot be asked for: " + err.Error()
	case clean(id) == "":
		f.what = lex.Quote(command) + " told no id"
	default:
		return id, f
	}
	f.want = "a program that writes the id and ends with status 0"
	return "", f
}

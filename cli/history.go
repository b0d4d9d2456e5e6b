package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/beaminit/beaminit/boot"
	"github.com/beaminit/beaminit/history"
	"github.com/beaminit/beaminit/node"
)

// PrintHistory prints what is remembered of the boots of this node, or of one whose disk
// lies here. Exit status 1 where there is nothing to print.
func PrintHistory(args []string) int {
	o, err := parseHistory(args)
	if err != nil {
		return complain("history", err.Error())
	}
	entries, from, notes := readHistory(o)
	for _, note := range notes {
		complain("history", note)
	}
	if len(entries) == 0 {
		if len(notes) == 0 {
			complain("history", "nothing is remembered in "+from)
		}
		return exitFailed
	}
	os.Stdout.WriteString(history.List(entries[max(len(entries)-o.last, 0):]))
	return exitOK
}

// historyOptions are the arguments of history.
type historyOptions struct {
	last int    // so many entries
	root string // where the image of another node lies; empty: this node
	path string // of the history itself, or a directory that has it; empty: by the configuration
}

func parseHistory(args []string) (o historyOptions, err error) {
	o.last = history.MaxFile
	for i := 1; i < len(args); i++ {
		switch name, _, _ := strings.Cut(args[i], "="); {
		case name == "--root":
			o.root, i, err = optionValue(args, i)
		case name == "-n":
			var number string
			if number, i, err = optionValue(args, i); err == nil {
				o.last, err = entryCount(number)
			}
		case strings.HasPrefix(name, "-") || o.path != "":
			err = errors.New("no option " + args[i] + "; want -n NUMBER, --root DIR, or the path of a history")
		default:
			o.path = args[i]
		}
		if err != nil {
			return o, err
		}
	}
	return o, nil
}

func entryCount(number string) (int, error) {
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil || n == 0 {
		return 0, errors.New("-n " + number + ": want a number of entries, from 1 on")
	}
	return int(n), nil
}

// readHistory gives the entries, and where they were looked for.
func readHistory(o historyOptions) (entries []history.Entry, from string, notes []string) {
	if o.path != "" {
		return readHistoryIn(historyFile(o.path))
	}
	root, line := o.root, ""
	if root == "" {
		root, line = "/", node.Cmdline()
	}
	plan, _ := boot.UserMounts(node.LoadSetup(root, line).Config.Mounts)
	from = "this configuration: it has no [[mount]] for what is to outlive a reboot"
	for _, dir := range boot.StateDirs(plan) {
		if entries, from, notes = readHistoryIn(filepath.Join(o.root, dir, "history")); len(entries) > 0 {
			break
		}
	}
	if o.root != "" {
		return entries, from, notes
	}
	// What a restart left of the memory, and what the disk did not take since then.
	entries = append(entries, history.Lost(entries, node.Pmsg().Read())...)
	spare, _, more := readHistoryIn(node.RunDir + "/history")
	return append(entries, history.Lost(entries, spare)...), from, append(notes, more...)
}

// readHistoryIn is history.ReadFile with its complaints for people.
func readHistoryIn(path string) (entries []history.Entry, from string, notes []string) {
	entries, garbled, err := history.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		notes = append(notes, err.Error())
	}
	if garbled > 0 {
		notes = append(notes, strconv.Itoa(garbled)+" bytes of "+path+" are garbled and not shown")
	}
	return entries, path, notes
}

// historyFile is the history that path leads to: the file itself, its directory, or the
// root of a disk that was /data on its node.
func historyFile(path string) string {
	for _, below := range [...]string{"beaminit/history", "history"} {
		if _, err := os.Stat(filepath.Join(path, below)); err == nil {
			return filepath.Join(path, below)
		}
	}
	return path
}

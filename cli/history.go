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

// printHistory prints what is remembered of the boots of this node, or of one whose disk
// lies here. Exit status 1 where there is nothing to print.
func PrintHistory(args []string) int {
	o, problem := parseHistory(args)
	if problem != "" {
		os.Stderr.WriteString("beaminit history: " + problem + "\n")
		return 2
	}
	entries, from, notes := readHistory(o)
	for _, note := range notes {
		os.Stderr.WriteString("beaminit history: " + note + "\n")
	}
	if len(entries) == 0 {
		if len(notes) == 0 {
			os.Stderr.WriteString("beaminit history: nothing is remembered in " + from + "\n")
		}
		return 1
	}
	os.Stdout.WriteString(history.List(entries[max(len(entries)-o.last, 0):]))
	return 0
}

// historyOptions are the arguments of history.
type historyOptions struct {
	last int    // so many entries
	root string // where the image of another node lies; empty: this node
	path string // of the history itself, or a directory that has it; empty: by the configuration
}

func parseHistory(args []string) (o historyOptions, problem string) {
	o.last = history.MaxFile
	for i := 1; i < len(args); i++ {
		name, value, has := strings.Cut(args[i], "=")
		switch {
		case name != "-n" && name != "--root":
			if strings.HasPrefix(name, "-") || o.path != "" {
				return o, "no option " + args[i] + "; want -n NUMBER, --root DIR, or the path of a history"
			}
			o.path = args[i]
			continue
		case !has:
			if i++; i == len(args) {
				return o, name + " wants a value"
			}
			value = args[i]
		}
		if name == "--root" {
			o.root = value
		} else if n, err := strconv.ParseUint(value, 10, 31); err != nil || n == 0 {
			return o, "-n " + value + ": want a number of entries, from 1 on"
		} else {
			o.last = int(n)
		}
	}
	return o, ""
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

package files

import "strings"

// Below says whether path is dir or Below it.
func Below(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir) && path[len(dir)] == '/'
}

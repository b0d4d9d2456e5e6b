package health

import (
	"fmt"

	"github.com/beaminit/beaminit/internal/files"
)

// ReadKey reads a key file. It has to be root's, and nobody else's to read: who has the
// key can sign.
func ReadKey(path string) (Key, error) {
	content, err := files.Read(path, files.Rule{Secret: true, Limit: 4096})
	if err != nil {
		return nil, err
	}
	key, err := ParseKey(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}
